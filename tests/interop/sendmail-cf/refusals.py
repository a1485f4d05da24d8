"""Talks SMTP from several addresses and prints the replies that a configuration decides."""
import re
import socket

RCPTS = [
    "alice@local.test", "nosuch@local.test", "x@elsewhere.test", "sales@local.test",
    "a@route.test", "a@refused.test", "blocked@local.test", "a@relayed.test", "no@virt.test",
    '"|/bin/cat"@local.test', "/tmp/x@local.test", "bob+detail@local.test", "postmaster",
    "x%elsewhere.test@local.test", "elsewhere.test!x@local.test",
]
SENDERS = [
    "joe@bad.test", "spam@evil.test", "temp@evil.test", "joe", "disc@evil.test", "",
    "quar@evil.test",
]
CASES = [
    ("192.0.2.77", ["joe@remote.test"], RCPTS),
    ("192.0.2.77", SENDERS, ["alice@local.test"]),
    ("192.0.2.66", ["joe@remote.test"], ["alice@local.test"]),
    ("192.0.2.67", ["joe@remote.test"], ["alice@local.test"]),
    ("192.0.2.69", ["joe@remote.test"], ["x@elsewhere.test"]),
    ("127.0.0.1", ["joe@remote.test"], ["x@elsewhere.test"]),
]


def reply(f):
    lines = []
    while True:
        line = f.readline().decode("latin1").rstrip()
        lines.append(line)
        if not line or line[3:4] != "-":
            return lines


def say(f, line):
    f.write((line + "\r\n").encode())
    f.flush()
    return reply(f)


for source, senders, rcpts in CASES:
    s = socket.socket()
    s.settimeout(60)
    s.bind((source, 0))
    s.connect(("127.0.0.1" if source == "127.0.0.1" else "192.0.2.1", 2525))
    f = s.makefile("rwb")
    print("==", source, reply(f)[0][:18])
    # The answer to EHLO lists what each program offers: only who we are is compared.
    print(re.sub("^250.", "250 ", say(f, "EHLO c.test")[0]))
    for sender in senders:
        answers = [say(f, "MAIL FROM:<%s>" % sender)[-1]]
        # One good one in a transaction: the real one answers with an address that it has already.
        for rcpt in rcpts if answers[0].startswith("250") else []:
            answers.append(say(f, "RCPT TO:<%s>" % rcpt)[-1])
            if answers[-1].startswith("250"):
                say(f, "RSET")
                say(f, "MAIL FROM:<%s>" % sender)
        print("\n".join(answers))
        say(f, "RSET")
    print(say(f, "QUIT")[0][:9])
    s.close()
