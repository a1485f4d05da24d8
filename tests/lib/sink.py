#!/usr/bin/env python3
"""SMTP and LMTP receivers for tests, each with habits of its own.

    sink.py DIR SPEC...      SPEC is WHERE[,HABIT...]; WHERE is ADDR:PORT or a path

Habits: name=X, tls=CERT:KEY (STARTTLS), badtls (offered, and then nonsense), smtps (TLS at
once, with tls=), greet=TEXT (instead of 220), mute (says nothing), lmtp, heloonly,
auth=USER:PASSWORD (required), endless (a reply without an end), longline, keep=N (hangs up
after N messages), sevenbit (no 8BITMIME), most=N (recipients of a transaction).

What a recipient's local part begins with: hard 550; soft 451 the first time; full 552 after
the text; drop: the connection is cut behind the text, the first time; held: DATA is answered
when DIR/go is there, and DIR/held is made before.

Appends a JSON object for each message to DIR/messages, for each connection a line to
DIR/connections, and makes DIR/ready when all listen.
"""
import json
import os
import socket
import ssl
import sys
import threading
import time

lock = threading.Lock()
seen = set()


def first_time(what):
    with lock:
        known = what in seen
        seen.add(what)
        return not known


class Sink:
    def __init__(self, directory, spec):
        where, *habits = spec.split(",")
        self.directory = directory
        self.habits = dict(h.split("=", 1) if "=" in h else (h, "") for h in habits)
        self.name = self.habits.get("name", where)
        self.count = 0
        if where.startswith("/"):
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(where)
            os.chmod(where, 0o777)
        else:
            host, port = where.rsplit(":", 1)
            self.listener = socket.create_server((host, int(port)))
        self.listener.listen(100)
        self.context = None
        if "tls" in self.habits:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*self.habits["tls"].split(":"))
        threading.Thread(target=self.serve, daemon=True).start()

    def hold(self):
        open(os.path.join(self.directory, "held"), "w").close()
        end = time.monotonic() + 30
        while not os.path.exists(os.path.join(self.directory, "go")) and time.monotonic() < end:
            time.sleep(0.02)

    def note(self, name, line):
        with lock, open(os.path.join(self.directory, name), "a") as out:
            out.write(line + "\n")

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            self.count += 1
            self.note("connections", self.name)
            threading.Thread(target=self.guarded, args=(peer, self.count), daemon=True).start()

    def guarded(self, peer, number):
        try:
            Session(self, peer, number).run()
        except (OSError, ValueError, EOFError):
            pass
        peer.close()


class Session:
    def __init__(self, sink, peer, number):
        self.sink, self.habits, self.number = sink, sink.habits, number
        self.tls = self.auth = False
        self.messages = 0
        self.forget()
        if "smtps" in self.habits:
            peer = sink.context.wrap_socket(peer, server_side=True)
            self.tls = True
        self.take(peer)

    def take(self, peer):
        self.peer = peer
        self.lines = peer.makefile("rb")

    def forget(self):
        self.sender, self.rcpts, self.params = None, [], ""

    def say(self, *lines):
        self.peer.sendall("".join(x + "\r\n" for x in lines).encode())

    def line(self):
        line = self.lines.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        return line[:-2].decode("latin-1")

    def run(self):
        greet = self.habits.get("greet", "220 %s ESMTP" % self.sink.name)
        if "longline" in self.habits:
            greet = "220 " + "x" * 100000
        if "mute" in self.habits:
            self.line()
        self.say(greet)
        if "endless" in self.habits:
            while True:
                self.say("220-more")
        while True:
            line = self.line()
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "QUIT":
                self.say("221 bye")
                return
            getattr(self, "on_" + verb.lower(), self.unknown)(line)

    def unknown(self, line):
        self.say("500 5.5.1 what?")

    def on_ehlo(self, line):
        if "heloonly" in self.habits:
            return self.unknown(line)
        words = ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "SIZE 10000000"]
        if "sevenbit" in self.habits:
            words.remove("8BITMIME")
        if ("tls" in self.habits or "badtls" in self.habits) and not self.tls:
            words.append("STARTTLS")
        if "auth" in self.habits and self.tls:
            words.append("AUTH LOGIN PLAIN" if "login" not in self.habits else "AUTH LOGIN")
        self.say("250-" + self.sink.name, *["250-" + w for w in words[:-1]], "250 " + words[-1])

    on_lhlo = on_ehlo

    def on_helo(self, line):
        self.say("250 " + self.sink.name)

    def on_starttls(self, line):
        self.say("220 go ahead")
        if "badtls" in self.habits:
            self.peer.recv(1)
            self.peer.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
            raise EOFError
        self.take(self.sink.context.wrap_socket(self.peer, server_side=True))
        self.tls = True

    def on_auth(self, line):
        import base64
        words = line.split(" ")
        user, password = self.habits["auth"].split(":")
        if words[1] == "PLAIN":
            ok = base64.b64decode(words[2]) == b"\0%s\0%s" % (user.encode(), password.encode())
        else:
            self.say("334 VXNlcm5hbWU6")
            ok = base64.b64decode(self.line()) == user.encode()
            self.say("334 UGFzc3dvcmQ6")
            ok = (base64.b64decode(self.line()) == password.encode()) and ok
        self.auth = ok
        self.say("235 2.7.0 welcome" if ok else "535 5.7.8 no")

    def on_mail(self, line):
        if "auth" in self.habits and not self.auth:
            return self.say("530 5.7.0 Authentication required")
        self.sender, _, self.params = line[10:].partition(">")
        self.say("250 2.1.0 ok")

    def on_rcpt(self, line):
        rcpt, _, params = line[9:].partition(">")
        if rcpt.startswith("hard"):
            return self.say("550-5.1.1 <%s>" % rcpt, "550 5.1.1 No such person here")
        if rcpt.startswith("soft") and first_time(rcpt):
            return self.say("451 4.7.1 Greylisted, come again")
        if len(self.rcpts) == int(self.habits.get("most", 100)):
            return self.say("452 4.5.3 Error: too many recipients")
        self.rcpts.append((rcpt, params.strip()))
        self.say("250 2.1.5 ok")

    def on_rset(self, line):
        self.forget()
        self.say("250 2.0.0 ok")

    def on_data(self, line):
        if not self.rcpts:
            return self.say("554 5.5.1 nobody")
        if any(r.startswith("held") for r, _ in self.rcpts):
            self.sink.hold()
        self.say("354 go ahead")
        text = []
        while True:
            line = self.line()
            if line == ".":
                break
            text.append(line[1:] if line.startswith(".") else line)
        rcpts = [r for r, _ in self.rcpts]
        if any(r.startswith("drop") and first_time(r) for r in rcpts):
            raise EOFError
        good = [r for r in rcpts if not r.startswith("full")]
        self.sink.note("messages", json.dumps({
            "server": self.sink.name, "connection": self.number, "from": self.sender,
            "to": good, "params": self.params, "rcpt_params": [p for _, p in self.rcpts],
            "subject": next((x[9:] for x in text if x.startswith("Subject: ")), ""),
            "header": text[:text.index("")] if "" in text else text,
            "text": "\n".join(text[text.index("") + 1:] if "" in text else []),
            "tls": self.tls, "auth": self.auth}))
        if "lmtp" in self.habits:
            self.say(*["552 5.2.2 Mailbox full" if r.startswith("full") else "250 2.0.0 stored"
                       for r in rcpts])
        elif not good:
            self.say("552 5.2.2 Mailbox full")
        else:
            self.say("250 2.0.0 Ok: queued as %d.%d" % (self.number, self.messages))
        self.forget()
        self.messages += 1
        if self.messages == int(self.habits.get("keep", 0)):
            raise EOFError


def main():
    directory = sys.argv[1]
    os.umask(0o022)
    sinks = [Sink(directory, spec) for spec in sys.argv[2:]]
    open(os.path.join(directory, "ready"), "w").close()
    for _ in sinks:
        threading.Event().wait()


main()
