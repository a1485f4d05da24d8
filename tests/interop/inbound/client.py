"""Talks SMTP from several addresses and prints what rulesets of sessions make of it."""
import os
import re
import socket
import ssl
import subprocess
import time

KEYWORDS = ("PIPELINING", "STARTTLS")
open_sockets = []


class Session:
    """One connection; the greeting is read by the caller."""

    def __init__(self, source):
        self.s = socket.socket()
        self.s.settimeout(30)
        self.s.bind((source, 0))
        self.port = self.s.getsockname()[1]
        self.s.connect(("192.0.2.1", 2525))
        self.f = self.s.makefile("rwb")
        open_sockets.append(self)

    def reply(self):
        lines = []
        while True:
            line = self.f.readline().decode("latin1").rstrip()
            lines.append(re.sub(r"\b%d\b" % self.port, "PORT", line))
            if line[3:4] != "-":
                return lines

    def greeting(self):
        # Programs and dates differ; refusals do not.
        line = self.reply()[-1]
        print(line[:18] if line[:1] == "2" else line)

    def say(self, *lines):
        for line in lines:
            self.f.write((line + "\r\n").encode())
            self.f.flush()
            print(re.sub("^(221 [^ ]* ).*", r"\1", self.reply()[-1]))

    def ehlo(self):
        self.f.write(b"EHLO c.test\r\n")
        self.f.flush()
        lines = self.reply()
        print(lines[0], *[k for k in KEYWORDS if any(k == line[4:] for line in lines)])

    def starttls(self):
        self.say("STARTTLS")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
        self.f.close()
        self.s = context.wrap_socket(self.s)
        self.f = self.s.makefile("rwb")

    def close(self):
        self.say("QUIT")
        self.f.close()
        self.s.close()


def begin(name, source):
    print("==", name)
    s = Session(source)
    s.greeting()
    return s


def mail(*names):
    return ["MAIL FROM:<%s@show.test> SIZE=1234" % name for name in names]


# Waits for its greeting while all the others are served, and loses patience in the end.
slow = Session("192.0.2.68")
first = begin("the macros of a session", "192.0.2.77")
s = begin("a second one", "192.0.2.77")
s.ehlo()
for n in range(1, 6):
    s.say(*mail("c%d" % n), "RCPT TO:<ok@local.test>", "RSET")
s.say(*mail("joe"), "RCPT TO:<r1@local.test>", "RCPT TO:<r2@elsewhere.test>", "RSET")
s.starttls()
s.ehlo()
s.say(*mail("c5"), "RCPT TO:<ok@local.test>")
s.close()
first.close()

s = begin("check_other", "192.0.2.77")
s.ehlo()
s.say("JUNK TYPE=I", "OTHER", "NOOP JUNK", "NOOP", "junk", "JUNK", "RSET", "GONE by")
print(s.f.read())

s = begin("more macros", "192.0.2.77")
s.ehlo()
for n in ("c6", "c7", "c8", "c9", "load"):
    s.say("MAIL FROM:<%s@show.test> BODY=8BITMIME SIZE=77" % n, "RCPT TO:<ok@local.test>", "RSET")
s.say(*mail("joe"), "RCPT TO:<alice@local.test>", "DATA")
s.say("Message-Id: <a@b>\r\nX-Show:  a (b) <c@d>\r\n\r\ntext\r\n.")
for n in ("d1", "d2"):
    s.say("MAIL FROM:<%s@show.test> BODY=8BITMIME SIZE=77" % n, "RCPT TO:<nobody-there@local.test>",
          "RCPT TO:<alice@local.test>", "RCPT TO:<bob@local.test>", "DATA", "RSET")
for n in ("h1", "h2"):
    s.say("MAIL FROM:<%s@show.test> BODY=7BIT SIZE=77" % n, "RCPT TO:<nobody-there@local.test>",
          "RCPT TO:<alice@local.test>", "DATA")
    s.say("Message-Id: <a@b>\r\nFrom: <c@d>\r\n\r\ntext\r\n.")
s.close()

s = begin("tls_client: no TLS", "192.0.2.1")
s.ehlo()
s.say(*mail("joe"), "RCPT TO:<alice@local.test>")
s.say("RSET")
s.starttls()
s.ehlo()
s.say(*mail("joe"), "RCPT TO:<alice@local.test>", "NOOP")
s.close()

s = begin("tls_client: refused at STARTTLS", "192.0.2.69")
s.ehlo()
s.starttls()
s.ehlo()
s.say(*mail("joe"), "NOOP")
s.close()
s = begin("tls_srv_features", "192.0.2.67")
s.ehlo()
s.say("STARTTLS", "NOOP", "STARTTLS")
s.close()
s = begin("a rate of two", "192.0.2.69")
s.ehlo()
s.close()
s = begin("a rate of three", "192.0.2.69")
s.say("EHLO c.test", *mail("joe"))
s.close()

start = time.monotonic()
s = begin("greet_pause", "192.0.2.66")
print("waited" if 0.65 < time.monotonic() - start < 30 else "at once")
s.ehlo()
s.say("STARTTLS", *mail("joe"))
s.close()
print("== early talker")
slow.f.write(b"EHLO c.test\r\n")
slow.f.flush()
slow.greeting()
print(slow.reply()[0])
slow.say(*mail("joe"))
slow.close()

first = begin("one connection", "192.0.2.67")
first.ehlo()
s = begin("two connections", "192.0.2.67")
print(s.f.read())
first.say(*mail("joe"))
first.close()
s = begin("srv_features: later", "127.0.0.1")
s.say("EHLO c.test", *mail("joe"), "NOOP")
s.close()
print("== on standard input, by a name that nobody has asked about yet")
program = [os.environ["REAL"] + "/sendmail"] if os.environ["W"].endswith(".real") \
    else [os.environ["BIN"], "sendmail"]
p = subprocess.Popen(program + ["-C", os.environ["S"] + "/etc/inbound.cf", "-bs"],
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(p.stdout.readline()[:18].decode())
for line in ("MAIL FROM:<h1@show.test>", "RCPT TO:<alice@local.test>", "DATA",
             "Subject: x\r\nTo: a\r\n\r\ntext\r\n.", "NOOP JUNK", "JUNK y", "QUIT"):
    p.stdin.write((line + "\r\n").encode())
    p.stdin.flush()
    print(re.sub("^(221 [^ ]* ).*", r"\1", p.stdout.readline().decode().rstrip()))
p.wait()
print("== end")
