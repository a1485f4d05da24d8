#!/usr/bin/env python3
"""Checks of a POP3 server, octet by octet: pop.py CHECK PORT [ARGUMENT...]; exit status 0 passes.

The user is u1 with the password pw-u1 unless a check says otherwise."""
import errno
import os
import re
import socket
import sys
import threading
import time


class Pop:
    def __init__(self, port, greet=True):
        self.s = socket.create_connection(('127.0.0.1', port), 20)
        self.buf = b''
        self.greeting = self.line() if greet else None

    def send(self, data):
        self.s.sendall(data if isinstance(data, bytes) else data.encode())

    def fill(self):
        got = self.s.recv(65536)
        self.buf += got
        return bool(got)

    def line(self):
        while b'\n' not in self.buf:
            if not self.fill():
                raise EOFError('closed; before that: %r' % self.buf)
        line, self.buf = self.buf.split(b'\n', 1)
        assert line.endswith(b'\r'), line
        return line[:-1].decode('latin-1')

    def lines(self):
        out = []
        while True:
            line = self.line()
            if line == '.':
                return out
            out.append(line)

    def cmd(self, text, want='+OK'):
        self.send(text + '\r\n')
        line = self.line()
        assert line.startswith(want), '%s: %s, want %s' % (text, line, want)
        return line

    def multi(self, text):
        self.cmd(text)
        return self.lines()

    def login(self, user='u1', password=None, want='+OK'):
        self.cmd('USER ' + user)
        return self.cmd('PASS ' + (password or 'pw-' + user), want)

    def closed(self):
        self.s.settimeout(20)
        try:
            while self.fill():
                pass
        except ConnectionResetError:
            pass
        return True

    def drop(self):
        self.s.close()


def session(port, *args):
    """PORT USER: one of everything, on three messages as popd.t makes them."""
    p = Pop(port)
    p.login(args[0])
    sizes = p.multi('LIST')
    assert len(sizes) == 3, sizes
    total = sum(int(x.split()[1]) for x in sizes)
    assert p.cmd('STAT') == '+OK 3 %d' % total
    uids = p.multi('UIDL')
    assert len({x.split()[1] for x in uids}) == 3, uids
    assert p.cmd('UIDL 2') == '+OK ' + uids[1]
    assert p.cmd('LIST 3') == '+OK ' + sizes[2]
    for n in 1, 2, 3:
        p.cmd('RETR %d' % n)
        raw = b''
        while not raw.endswith(b'\r\n.\r\n'):
            if p.buf:
                raw, p.buf = raw + p.buf, b''
            else:
                p.fill()
        body = raw[:-3].replace(b'\r\n..', b'\r\n.')
        assert len(body) == int(sizes[n - 1].split()[1]), (n, len(body), sizes)
    assert p.multi('TOP 1 0')[-1] == ''
    assert len(p.multi('TOP 1 2')) == len(p.multi('TOP 1 0')) + 2
    p.cmd('DELE 2')
    p.cmd('DELE 2', '-ERR')
    p.cmd('RETR 2', '-ERR')
    p.cmd('LIST 2', '-ERR')
    assert [x.split()[0] for x in p.multi('LIST')] == ['1', '3']
    p.cmd('RSET')
    assert p.multi('LIST') == sizes
    for bad in 'RETR 4', 'DELE 0', 'RETR x', 'TOP 1', 'NOSUCH', 'USER x', 'LIST 99999999999':
        p.cmd(bad, '-ERR')
    p.cmd('NOOP')
    p.cmd('QUIT')
    assert p.closed()
    q = Pop(port)
    q.login(args[0])
    assert q.multi('UIDL') == uids, 'UIDL is the same in the next session'
    q.cmd('QUIT')


def count(port, user, want):
    p = Pop(port)
    p.login(user)
    assert p.cmd('STAT').split()[1] == want, p.cmd('STAT')
    p.cmd('QUIT')


def drop(port, user):
    """Deletes all and drops the connection: nothing is deleted."""
    p = Pop(port)
    p.login(user)
    n = int(p.cmd('STAT').split()[1])
    for i in range(n):
        p.cmd('DELE %d' % (i + 1))
    p.drop()
    time.sleep(0.2)
    count(port, user, str(n))


def delete(port, user, which):
    p = Pop(port)
    p.login(user)
    for i in which.split(','):
        p.cmd('DELE ' + i)
    p.cmd('QUIT')
    assert p.closed()


def in_use(port, user):
    p, q = Pop(port), Pop(port)
    p.login(user)
    line = q.login(user, want='-ERR')
    assert '[IN-USE]' in line, line
    p.cmd('QUIT')
    p.closed()
    q.login(user)
    q.cmd('QUIT')


def pipeline(port, user):
    """A whole session in one write, answered in order."""
    p = Pop(port)
    p.send('USER %s\r\nPASS pw-%s\r\nSTAT\r\nRETR 1\r\nNOOP\r\nNOSUCH\r\nCAPA\r\nLIST 1\r\nQUIT\r\n' %
           (user, user))
    assert p.line() == '+OK' and p.line().startswith('+OK 3')
    assert p.line().startswith('+OK 3 ') and p.line().endswith('octets')
    p.lines()
    assert p.line() == '+OK' and p.line() == '-ERR unknown command'
    assert p.line() == '+OK' and 'PIPELINING' in p.lines()
    assert p.line().startswith('+OK 1 ') and p.line().endswith('3 left')
    assert p.closed()


def half_close(port, user):
    """printf commands | nc: the client has said all before it hears the greeting."""
    p = Pop(port, greet=False)
    p.send('USER %s\r\nPASS pw-%s\r\nSTAT\r\n' % (user, user))
    p.s.shutdown(socket.SHUT_WR)
    got = b''
    while p.fill():
        pass
    assert re.search(rb'\+OK 3 \d+\r\n$', p.buf), p.buf
    count(port, user, '3')


def deep_pipeline(port, user):
    p = Pop(port)
    p.login(user)
    n = 5000
    threading.Thread(target=p.send, args=('UIDL 1\r\nRETR 1\r\n' * n,)).start()
    first = None
    for _ in range(n):
        uid = p.line()
        assert uid.startswith('+OK 1 ') and p.line().startswith('+OK')
        body = p.lines()
        assert first in (None, body)
        first = body
    p.cmd('QUIT')


def no_reader(port, user):
    """A client that asks for much and reads nothing disturbs nobody."""
    p = Pop(port)
    p.login(user)
    p.s.setblocking(False)
    try:
        while True:
            p.s.send(b'RETR 3\r\n' * 500)
    except BlockingIOError:
        pass
    q = Pop(port)
    start = time.time()
    q.login('u2')
    q.cmd('QUIT')
    assert time.time() - start < 5
    p.drop()


def wrong(port):
    p = Pop(port)
    start = time.time()
    for _ in range(3):
        p.cmd('USER u1')
        assert '[AUTH]' in p.cmd('PASS wrong', '-ERR')
    assert time.time() - start > 4, 'refused at once'
    assert p.closed()


def unknown(port):
    """What is said about a user that is not there is what is said about a wrong password."""
    a, b = Pop(port), Pop(port)
    assert a.cmd('USER u1') == b.cmd('USER nobody-here')
    a.send('PASS wrong\r\n')
    b.send('PASS wrong\r\n')
    assert a.line() == b.line()


def garbage(port):
    for data in b'\0' * 5000, b'A' * 100000 + b'\r\n', b'\x16\x03\x01' + bytes(range(256)) * 20, b'\n' * 50:
        p = Pop(port)
        try:
            p.send(data)
            p.s.shutdown(socket.SHUT_WR)
            p.closed()
        except (BrokenPipeError, ConnectionResetError):
            pass
        except OSError as e:
            # What a shutdown says after the server's reset.
            if e.errno != errno.ENOTCONN:
                raise
    Pop(port).cmd('QUIT')


def line_limit(port, limit):
    """The line without its LF; what is longer is refused whole and nothing of it is run."""
    limit = int(limit)
    for n in limit - 1, limit, limit + 1:
        p = Pop(port)
        p.send('CAPA'.ljust(n - 1) + '\r\n')
        if n <= limit:
            assert p.line() == '+OK' and 'UIDL' in p.lines(), n
        else:
            assert p.line() == '-ERR line too long'
        p.cmd('QUIT')


def name_limit(port, limit):
    limit = int(limit)
    for n in limit - 1, limit, limit + 1:
        p = Pop(port)
        p.cmd('USER ' + 'x' * n, '+OK' if n <= limit else '-ERR no such name')
        p.cmd('USER u1')
        if n > limit:
            p.cmd('PASS ' + 'x' * n, '-ERR no such password')
            p.login()


def bad_limit(port, limit):
    limit = int(limit)
    p = Pop(port)
    for _ in range(2):
        for _ in range(limit - 1):
            p.cmd('NONSENSE', '-ERR unknown command')
        p.multi('CAPA')
    for _ in range(limit - 1):
        p.cmd('NONSENSE', '-ERR unknown command')
    p.cmd('NONSENSE', '-ERR too many errors')
    assert p.closed()


def login_limit(port, limit, delay_ms):
    """One below the limit a login is still possible."""
    limit = int(limit)
    for tries in limit - 1, limit:
        p = Pop(port)
        for _ in range(tries):
            start = time.monotonic()
            p.cmd('USER u1')
            p.cmd('PASS wrong', '-ERR [AUTH]')
            assert time.monotonic() - start >= int(delay_ms) / 1000 - 0.05
        if tries < limit:
            p.login()
            p.cmd('QUIT')
        assert p.closed()


def timeout(port):
    p = Pop(port)
    start = time.time()
    assert p.line().startswith('-ERR nothing came')
    assert p.closed() and 0.5 < time.time() - start < 5


def full(port, limit):
    """One session more than the limit is refused; after one went there is room again."""
    held = [Pop(port) for _ in range(int(limit))]
    assert all(x.greeting.startswith('+OK') for x in held)
    assert Pop(port).greeting.startswith('-ERR [SYS/TEMP]')
    held[0].cmd('QUIT')
    held[0].closed()
    assert Pop(port).greeting.startswith('+OK')


def plain_refused(port):
    p = Pop(port)
    assert 'USER' not in p.multi('CAPA')
    assert '[AUTH]' in p.cmd('USER u1', '-ERR')
    assert '[AUTH]' in p.cmd('AUTH PLAIN AHUxAHB3LXUx', '-ERR')


def sasl(port):
    p = Pop(port)
    p.cmd('AUTH PLAIN AHUxAHB3LXUx')
    p.cmd('QUIT')
    p = Pop(port)
    assert p.cmd('AUTH PLAIN', '+ ') is not None
    p.cmd('AHUxAHB3LXUx')
    p.cmd('QUIT')


def injection(port):
    p = Pop(port)
    p.send('STLS\r\nUSER u1\r\n')
    assert p.line() == '-ERR cleartext behind STLS'
    assert p.closed()


def many(port, n, pid=None, most=None):
    """N sessions before login, all answering; PSS in octets a session, when asked."""
    n = int(n)

    def pss():
        text = open('/proc/%s/smaps_rollup' % pid).read()
        return int(re.search(r'^Pss:\s+(\d+)', text, re.M).group(1)) * 1024
    before = pss() if pid else 0
    held = [Pop(port) for _ in range(n)]
    for p in held:
        p.send('CAPA\r\n')
    for p in held:
        assert p.line() == '+OK' and 'UIDL' in p.lines()
    if pid:
        each = (pss() - before) / n
        print('%.0f octets a session' % each)
        assert each <= int(most), each
    start = time.time()
    p = Pop(port)
    p.login('u2')
    p.cmd('QUIT')
    assert time.time() - start < 3


def slow(port, n):
    """N sessions that send an octet at a time do not delay a quick one."""
    held = [Pop(port) for _ in range(int(n))]
    for c in 'USER x'.encode():
        for p in held:
            p.send(bytes([c]))
    start = time.time()
    p = Pop(port)
    p.login('u2')
    p.cmd('QUIT')
    assert time.time() - start < 3
    for p in held:
        p.send(b'\r\n')
    for p in held:
        assert p.line() == '+OK'


def fetchable(port, user):
    p = Pop(port)
    p.login(user)
    n = int(p.cmd('STAT').split()[1])
    assert n > 0
    assert any(p.multi('RETR %d' % n))
    p.cmd('QUIT')


def hold(port, user, flag):
    """Logs in, deletes 1, writes FLAG and waits for its removal; then QUIT must fail or be lost."""
    p = Pop(port)
    p.login(user)
    p.cmd('DELE 1')
    open(flag, 'w').close()
    while os.path.exists(flag):
        time.sleep(0.02)
    try:
        p.send('QUIT\r\n')
        assert p.line().startswith('-ERR')
    except (EOFError, OSError):
        pass


def main():
    check, port, args = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    globals()[check](port, *args)


if __name__ == '__main__':
    main()
