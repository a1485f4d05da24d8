#!/usr/bin/env python3
"""POP3 sessions of u1..u4 on a server whose processes are killed meanwhile.

    pop_load.py --port P --worked FILE --beat FD --stop FILE [--seconds N] [--seed S]
        Every user's client delivers mail with a `deliver -l` of its own, fetches some, deletes
        some and quits, again and again; a session that breaks is followed by another.  The file
        of --worked is made again three sessions after it was removed, and a line written to
        descriptor FD; when the file of --stop is there, or after --seconds, a last session of
        each looks at all messages and deletes one.  Fails for a message that is not whole, that
        is away though no QUIT may have deleted it, that is there twice, or that is back after
        +OK for QUIT.

The messages are those of load.py, which follow from their names.
"""
import argparse
import functools
import io
import os
import poplib
import random
import subprocess
import sys
import threading
import time

import load
from load import USERS, difference


message = functools.lru_cache(None)(load.message)


class Client(threading.Thread):
    def __init__(self, args, number):
        super().__init__()
        self.args, self.user = args, f'u{number}'
        self.rnd = random.Random(f'{args.seed}-{number}')
        self.sent = 0
        # A message is in `there` until QUIT is sent for it, in `open` until we know what became
        # of it, and in `gone` when it is deleted for good.
        self.there, self.open, self.gone = set(), set(), set()
        self.uids = {}
        self.problems, self.unknown = [], 0
        # One for all its mail: a process for each message would take more than popd does.
        self.mailer = subprocess.Popen(['deliver', '-l'], stdin=subprocess.PIPE, bufsize=0,
                                       stdout=subprocess.PIPE,
                                       env=dict(os.environ, LETTERBOX_LOG='none'))
        self.answers = io.BufferedReader(self.mailer.stdout)
        self.say(b'LHLO load.test')

    def say(self, text):
        """The last line of the answer; none when `deliver` has ended."""
        try:
            self.mailer.stdin.write(text + b'\r\n')
        except OSError:
            return b''
        line = self.answers.readline()
        while line[3:4] == b'-' or line.startswith(b'220'):
            line = self.answers.readline()
        return line

    def deliver(self):
        ident = f'{self.args.seed}-{self.user}-{self.sent}'
        self.sent += 1
        text = message(ident).replace(b'\r\n.', b'\r\n..') + b'.'
        for command in (b'MAIL FROM:<s@elsewhere.test>', f'RCPT TO:<{self.user}>'.encode(),
                        b'DATA', text):
            said = self.say(command)
            if said[:1] not in (b'2', b'3'):
                self.problems.append(f'deliver {ident}: {said!r}')
                return
        self.there.add(ident)

    def end(self):
        self.mailer.stdin.close()
        if self.mailer.wait() != 0:
            self.problems.append(f'{self.user}: deliver -l ends with {self.mailer.returncode}')

    def login(self):
        box = poplib.POP3('127.0.0.1', self.args.port, timeout=30)
        box.user(self.user)
        box.pass_('pw-' + self.user)
        return box

    def look(self, box):
        """Number and name of each message; what must be there is."""
        names = {}
        for n, uid in (x.split() for x in box.uidl()[1]):
            n = int(n)
            if uid not in self.uids:
                self.uids[uid] = next((x[8:].decode() for x in box.top(n, 0)[1]
                                       if x.startswith(b'X-Load: ')), f'none of ours: {uid}')
            ident = self.uids[uid]
            if ident in names.values():
                self.problems.append(f'twice: {ident}')
            names[n] = ident
        seen = set(names.values())
        self.problems += [f'lost: {x}' for x in self.there - seen]
        self.problems += [f'back: {x}' for x in self.gone & seen]
        self.problems += [f'strange: {x}' for x in seen - self.there - self.open - self.gone]
        self.gone |= self.open - seen
        self.there |= self.open & seen
        self.open = set()
        return names

    def read(self, box, n, ident):
        got = b''.join(x + b'\r\n' for x in box.retr(n)[1])
        bad = difference(got, message(ident))
        if bad:
            self.problems.append(f'{ident}: {bad}')

    def session(self, whole):
        box = self.login()
        names = self.look(box)
        some = sorted(names) if whole else self.rnd.sample(sorted(names), min(2, len(names)))
        for n in some:
            self.read(box, n, names[n])
        # Some stay, so that there is always something that can be lost; the last commit takes
        # away what a kill may have left beside the mailbox.
        gone = some[:1] if whole else some if len(names) >= 6 else []
        for n in gone:
            box.dele(n)
        self.open = {names[n] for n in gone}
        self.there -= self.open
        self.unknown += bool(gone)
        box.quit()
        self.unknown -= bool(gone)
        self.gone |= self.open
        self.open = set()
        self.args.steps += not os.path.exists(self.args.worked)
        if self.args.steps >= 3:
            self.args.steps = 0
            open(self.args.worked, 'w').close()
            os.write(self.args.beat, b'\n')

    def last(self):
        """With nobody killed any more it must work soon."""
        end = time.monotonic() + 30
        while True:
            try:
                return self.session(True)
            except (poplib.error_proto, OSError, EOFError) as e:
                if time.monotonic() > end:
                    return self.problems.append(f'{self.user}: no session: {e!r}')
                time.sleep(0.1)

    def run(self):
        for _ in range(6):
            self.deliver()
        while not os.path.exists(self.args.stop) and not self.problems and \
                time.monotonic() < self.args.end:
            try:
                self.session(False)
            except (poplib.error_proto, OSError, EOFError):
                time.sleep(0.05)
            else:
                for _ in range(self.rnd.randrange(1, 4)):
                    self.deliver()
        self.last()
        self.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--port', type=int)
    parser.add_argument('--worked')
    parser.add_argument('--beat', type=int)
    parser.add_argument('--stop')
    parser.add_argument('--seconds', type=float, default=120)
    parser.add_argument('--seed', default='p')
    args = parser.parse_args()
    args.steps, args.end = 0, time.monotonic() + args.seconds
    clients = [Client(args, n) for n in range(1, USERS + 1)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    problems = [p for c in clients for p in c.problems]
    print(f'{sum(c.sent for c in clients)} messages, {sum(len(c.gone) for c in clients)} deleted, '
          f'{sum(c.unknown for c in clients)} sessions killed at QUIT')
    for p in problems[:20]:
        print(p)
    return 1 if problems else 0


sys.exit(main())
