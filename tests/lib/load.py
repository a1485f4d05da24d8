#!/usr/bin/env python3
"""Sends messages and fetches them back, to see that every octet survived.

    load.py send --port P [--clients 8] [--count 20] [--seed S] --acked FILE
        sends COUNT messages per client to u1..u4@example.test; what was answered with 250 is
        appended to FILE, "ID USER" a line.  A session that breaks is opened again until
        --seconds have passed; without --patient a break is a failure.  With --beat FD each
        one that was taken has how many there are by now written to that descriptor, a line.
    load.py fetch --port P [--tls] --acked FILE [--once] [--delete]
        fetches the mail of u1..u4 by POP3: every message in FILE must be there and equal to
        what was sent, octet for octet behind the fields that delivery put before it; with
        --once exactly one time, and nothing else may be there.

A message's content follows from its ID alone, so nothing needs to be remembered.
"""
import argparse
import collections
import os
import poplib
import random
import smtplib
import ssl
import sys
import threading
import time

USERS = 4
poplib._MAXLINE = 100000


SOME = b'abcdefghij klmnop.>\xc3\xa4\xff'
TABLE = bytes(SOME[i % len(SOME)] for i in range(256))


def line(rnd, n):
    """n octets without CR, LF and NUL, 8-bit ones among them."""
    return rnd.randbytes(n).translate(TABLE)


BODIES = [
    lambda r: [],
    lambda r: [b'plain text'],
    lambda r: [b'.', b'..', b'.x', b'...', b' .', b'.'],
    lambda r: [b'From the beginning', b'>From here', b'>>From there', b'', b'From ', b'From: x'],
    lambda r: [b'x' * 998, b'.' * 998, line(r, 998)],
    lambda r: [b'gr\xc3\xbc\xc3\x9fe', b'\xff\xfe\x80', b'nul \x01\x7f'],
    lambda r: [b'', b'', b'text', b'', b''],
    lambda r: [b''] * 5,
    lambda r: [line(r, r.randrange(200)) for _ in range(r.randrange(400))],
    lambda r: [line(r, 76) for _ in range(2000)],
    lambda r: [b'Content-Length: 3', b'', b'--', b'-- ', b'\ttab', b'trailing blank '],
]


def message(ident):
    """The whole message, CRLF line ends."""
    rnd = random.Random(ident)
    kind = int(ident.split('-')[-1])
    lines = [b'From: sender <sender@elsewhere.test>', b'To: users <u1@example.test>',
             b'Subject: load ' + ident.encode(), b'Message-ID: <' + ident.encode() + b'@load.test>',
             b'Date: Sat, 01 Nov 2025 12:00:00 +0000', b'X-Load: ' + ident.encode(),
             b'X-Folded: one', b'\ttwo', b'']
    return b''.join(x + b'\r\n' for x in lines + BODIES[kind % len(BODIES)](rnd))


class Sender(threading.Thread):
    def __init__(self, args, number):
        super().__init__()
        self.args, self.number, self.problems = args, number, []

    def session(self):
        server = smtplib.SMTP('127.0.0.1', self.args.port, 'client.test', timeout=30)
        if self.args.tls:
            context = ssl._create_unverified_context()
            server.starttls(context=context)
        return server

    def deliver(self, server, ident, user):
        server.mail('sender@elsewhere.test', ['body=8bitmime'])
        code, text = server.rcpt(f'{user}@example.test')
        if code // 100 == 2:
            code, text = server.data(message(ident))
        if code // 100 != 2:
            raise smtplib.SMTPResponseException(code, text)
        with self.args.lock:
            self.args.out.write(f'{ident} {user}\n')
            self.args.out.flush()
            self.args.taken += 1
            if self.args.beat is not None:
                os.write(self.args.beat, b'%d\n' % self.args.taken)

    def run(self):
        end = time.monotonic() + self.args.seconds
        server, n = None, 0
        while n < self.args.count and time.monotonic() < end:
            ident = f'{self.args.seed}-{self.number}-{n}'
            try:
                server = server or self.session()
                self.deliver(server, ident, f'u{1 + (self.number + n) % USERS}')
                n += 1
            except (smtplib.SMTPException, OSError) as e:
                if not self.args.patient:
                    self.problems.append(f'{ident}: {e}')
                    return
                # Whether a broken one was taken is unknown; its like is sent under a new name.
                n += 1
                server = None
                time.sleep(0.05)
        if n < self.args.count and not self.args.patient:
            self.problems.append(f'client {self.number}: {n} of {self.args.count} in time')
        try:
            if server:
                server.quit()
        except (smtplib.SMTPException, OSError):
            pass


def send(args):
    args.lock, args.taken = threading.Lock(), 0
    with open(args.acked, 'a', encoding='ascii') as args.out:
        clients = [Sender(args, n) for n in range(args.clients)]
        for c in clients:
            c.start()
        for c in clients:
            c.join()
    return [p for c in clients for p in c.problems]


def difference(got, want):
    if got.endswith(want):
        return None
    at = got.find(b'From: sender <sender@elsewhere.test>\r\n')
    got = got[at:] if at >= 0 else got
    n = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    return f'differs at octet {n}: got {got[n:n + 40]!r} of {len(got)}, ' \
           f'want {want[n:n + 40]!r} of {len(want)}'


def fetch_user(args, user, seen, problems):
    if args.tls:
        box = poplib.POP3_SSL('127.0.0.1', args.port, timeout=60,
                              context=ssl._create_unverified_context())
    else:
        box = poplib.POP3('127.0.0.1', args.port, timeout=60)
    box.user(user)
    box.pass_('pw-' + user)
    count, octets = box.stat()
    total = 0
    for n in range(1, count + 1):
        _, lines, size = box.retr(n)
        got = b''.join(x + b'\r\n' for x in lines)
        total += len(got)
        ident = next((x[8:].decode() for x in lines if x.startswith(b'X-Load: ')), None)
        if ident is None:
            problems.append(f'{user}: message {n} is none of ours: {got[:200]!r}')
            continue
        bad = difference(got, message(ident))
        if bad:
            problems.append(f'{user}: {ident}: {bad}')
        seen[ident, user] += 1
        if args.delete:
            box.dele(n)
    if total != octets:
        problems.append(f'{user}: STAT says {octets} octets, RETR gave {total}')
    box.quit()


def fetch(args):
    problems, seen = [], collections.Counter()
    with open(args.acked, encoding='ascii') as f:
        acked = {tuple(x.split()) for x in f}
    for n in range(1, USERS + 1):
        fetch_user(args, f'u{n}', seen, problems)
    for key in sorted(acked):
        if not seen[key]:
            problems.append(f'lost: {" ".join(key)}')
    if args.once:
        problems += [f'{n} times: {" ".join(k)}' for k, n in seen.items() if n > 1]
        problems += [f'not acknowledged: {" ".join(k)}' for k in seen if k not in acked]
    print(f'{len(acked)} acknowledged, {sum(seen.values())} fetched, {len(seen)} different')
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('command', choices=['send', 'fetch', 'show'])
    parser.add_argument('--port', type=int)
    parser.add_argument('--clients', type=int, default=8)
    parser.add_argument('--count', type=int, default=22)
    parser.add_argument('--seconds', type=float, default=100)
    parser.add_argument('--seed', default='s')
    parser.add_argument('--acked')
    parser.add_argument('--beat', type=int)
    parser.add_argument('--ident')
    for flag in ('tls', 'patient', 'once', 'delete'):
        parser.add_argument('--' + flag, action='store_true')
    args = parser.parse_args()
    if args.command == 'show':
        sys.stdout.buffer.write(message(args.ident))
        return 0
    problems = (send if args.command == 'send' else fetch)(args)
    for p in problems[:20]:
        print(p)
    if len(problems) > 20:
        print(f'and {len(problems) - 20} more')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
