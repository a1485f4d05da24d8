"""An SMTP server on 127.0.0.2:25 that writes envelope and message to files in a folder."""
import os
import socket
import sys

s = socket.create_server(("127.0.0.2", 25))
number = 0
while True:
    c, _ = s.accept()
    f = c.makefile("rwb")
    envelope = []
    f.write(b"220 sink ESMTP\r\n")
    f.flush()
    for line in f:
        word = line.split(b":")[0].strip().upper()
        answer = b"250 ok\r\n"
        if word in (b"MAIL FROM", b"RCPT TO"):
            envelope.append(line)
        elif word == b"DATA":
            f.write(b"354 go\r\n")
            f.flush()
            text = []
            for part in f:
                if part == b".\r\n":
                    break
                text.append(part)
            number += 1
            with open(os.path.join(sys.argv[1], "tmp"), "wb") as out:
                out.write(b"".join(envelope + [b"\r\n"] + text).replace(b"\r\n", b"\n"))
            os.rename(os.path.join(sys.argv[1], "tmp"), os.path.join(sys.argv[1], "m%d" % number))
            envelope = []
        elif word == b"QUIT":
            answer = b"221 bye\r\n"
        f.write(answer)
        f.flush()
        if word == b"QUIT":
            break
    f.close()
    c.close()
