#!/usr/bin/env python3
"""Checks of an SMTP server, octet by octet: smtp.py CHECK PORT [ARGUMENT...]; status 0 passes.

Limits are given as numbers: each is tried one below, at it, and one above.  Loopback has many
addresses, so sessions can come from as many sources as a check needs."""
import os
import re
import signal
import socket
import sys
import time


class Smtp:
    def __init__(self, port, source='127.0.0.1', greet=True):
        self.s = socket.create_connection(('127.0.0.1', port), 60, (source, 0))
        self.buf = b''
        self.greeting = self.reply() if greet else None

    def send(self, data):
        self.s.sendall(data if isinstance(data, bytes) else data.encode('latin-1'))

    def line(self):
        while b'\n' not in self.buf:
            got = self.s.recv(65536)
            if not got:
                raise EOFError('closed; before that: %r' % self.buf)
            self.buf += got
        line, self.buf = self.buf.split(b'\n', 1)
        assert line.endswith(b'\r') and len(line) <= 511, line
        return line[:-1].decode('latin-1')

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == '-':
            lines.append(self.line())
        assert len({x[:3] for x in lines}) == 1, lines
        return '\n'.join(lines)

    def cmd(self, text, want='250'):
        self.send(text + '\r\n')
        got = self.reply()
        assert got.startswith(want), '%.80s: %s, want %s' % (text, got, want)
        return got

    def closed(self):
        """True when nothing more comes but the end."""
        try:
            return self.buf == b'' and self.s.recv(1) == b''
        except ConnectionResetError:
            return True

    def begin(self, rcpts=('u1',), params=''):
        self.cmd('MAIL FROM:<a@elsewhere.test>' + params)
        for r in rcpts:
            self.cmd('RCPT TO:<%s@example.test>' % r)

    def message(self, text, want='250', rcpts=('u1',)):
        self.begin(rcpts)
        self.cmd('DATA', '354')
        self.send(text)
        return self.cmd('.', want)


def ehlo(port, source='127.0.0.1'):
    s = Smtp(port, source)
    s.cmd('EHLO client.test')
    return s


def around(limit):
    """(n, within the limit?) one below, at it, one above."""
    return (int(limit) - 1, True), (int(limit), True), (int(limit) + 1, False)


def command(port, limit):
    for n, fits in around(limit):
        s = Smtp(port)
        s.send('NOOP '.ljust(n - 2, 'x') + '\r\n')
        got = s.reply()
        if fits:
            assert got == '250 2.0.0 OK', (n, got)
            s.cmd('QUIT', '221')
        else:
            assert got.startswith('421 4.7.0 mx.example.test Command too long'), got
        assert s.closed()


def helo(port, limit):
    for n, fits in around(limit):
        Smtp(port).cmd('HELO ' + 'x' * n, '250 mx' if fits else '501 5.0.0')


def local_part(port, limit):
    """RFC 5321 lets a server take longer ones, and they exist."""
    for n, _ in around(limit):
        ehlo(port).cmd('MAIL FROM:<%s@elsewhere.test>' % ('x' * n), '250')


def path(port, limit):
    for n, fits in around(limit):
        addr = '<a@' + '.'.join(['x' * 60] * 5)[:n - 4] + '>'
        assert len(addr) == n
        ehlo(port).cmd('MAIL FROM:' + addr, '250' if fits else '553 5.1.0')


def rcpts(port, limit):
    """One more than may be is refused for now, and the others get the message."""
    limit = int(limit)
    s = ehlo(port)
    s.begin(['u%d' % (1 + i % 4) for i in range(limit)])
    for _ in range(2):
        s.cmd('RCPT TO:<u1@example.test>', '452 4.5.3 <u1@example.test>... Too many recipients')
    s.cmd('DATA', '354')
    s.cmd('Subject: x\r\n\r\n.')
    s.begin()
    s.cmd('QUIT', '221')


def size_declared(port, limit):
    for n, fits in around(limit):
        ehlo(port).cmd('MAIL FROM:<> SIZE=%d' % n,
                       '250' if fits else '552 5.2.3 Message size exceeds fixed maximum')
    ehlo(port).cmd('MAIL FROM:<> SIZE=' + '9' * 25, '552')


def size_real(port, limit):
    s = ehlo(port)
    assert 'SIZE %s' % limit in s.cmd('EHLO client.test')
    for n, fits in around(limit):
        head = 'Subject: size %d\r\n\r\n' % n
        rest = n - len(head)
        text = head + ('x' * 70 + '\r\n') * (rest // 72)
        last = n - len(text)
        text += 'y' * (last - 2) + '\r\n' if last >= 2 else ''
        if len(text) != n:
            text = text[:-2] + 'y' * (n - len(text)) + '\r\n'
        assert len(text) == n
        s.message(text, '250' if fits else '552 5.2.3 Message exceeds maximum fixed size')
    # A dot that was doubled is not counted twice.
    fill = 'Subject: dots\r\n\r\n' + '..\r\n' * 1000
    fill += 'x' * (int(limit) - (len(fill) - 1000) - 2) + '\r\n'
    s.message(fill)


def header(port, limit):
    s = ehlo(port)
    for n, fits in around(limit):
        text = 'Subject: header %d\r\n' % n
        while len(text) < n - 200:
            text += 'X-Filler: ' + 'x' * 88 + '\r\n'
        text += 'X-Last: '.ljust(n - len(text) - 2, 'x') + '\r\n'
        assert len(text) == n
        s.message(text + '\r\n' + 'body ' * 20 + '\r\n',
                  '250' if fits else '552 5.6.0 Headers too large (%s max)' % limit)
    s.message('Subject: long body\r\n\r\n' + 'x: y\r\n' * (int(limit) // 3))


def hops(port, limit):
    s = ehlo(port)
    for n, fits in around(limit):
        s.message('Received: by x.test; Tue, 24 Nov 2026 00:00:00 +0000\r\n' * n +
                  'Subject: hops %d\r\n\r\n' % n, '250' if fits else '554 5.4.6 Too many hops')


def text_line(port, limit):
    """Longer lines than RFC 5321 has are taken, and not cut."""
    s = ehlo(port)
    for n, _ in around(limit):
        s.message('Subject: line %d\r\n\r\n%s\r\n' % (n, 'l' * n))
    s.message('Subject: line 100000\r\n\r\n%s\r\n' % ('l' * 100000))


def bad_commands(port, limit):
    s = ehlo(port)
    for _ in range(int(limit)):
        s.cmd('NONSENSE', '500 5.5.1 Command unrecognized')
    s.cmd('NOOP')
    s.cmd('NONSENSE', '421 4.7.0 mx.example.test Too many bad commands; closing connection')
    assert s.closed()


def bad_rcpts(port, limit):
    s = ehlo(port)
    for i in range(int(limit)):
        if i % 2 == 0:
            s.cmd('RSET')
            s.begin()
        s.cmd('RCPT TO:<nobody%d@example.test>' % i, '550 5.1.1')
    s.cmd('RCPT TO:<u2@example.test>')
    s.cmd('RCPT TO:<nobody@example.test>',
          '421 4.7.0 mx.example.test Too many bad recipients; closing connection')
    assert s.closed()


def refused(port, source, text):
    got = Smtp(port, source)
    assert got.greeting.startswith('421 4.3.2 mx.example.test ' + text), got.greeting
    assert got.closed()


def sessions(port, limit, text, *sources):
    """As many sessions as may be from the sources in turn; the next is refused until one goes."""
    limit = int(limit)
    held = [ehlo(port, sources[i % len(sources)]) for i in range(limit - 1)]
    held.append(ehlo(port, sources[0]))
    refused(port, sources[0], text)
    for s in held:
        s.cmd('NOOP')
    held[0].cmd('QUIT', '221')
    assert held[0].closed()
    # Its end and the new one come to the server in one turn of its loop.
    for _ in range(200):
        s = Smtp(port, sources[0])
        if s.greeting.startswith('220'):
            return
        time.sleep(0.02)
    raise AssertionError(s.greeting)


def source_sessions(port, limit):
    sessions(port, limit, 'Too many open connections from your address', '127.0.0.2')
    ehlo(port, '127.0.0.3').cmd('QUIT', '221')


def rate(port, limit):
    """Within one minute of the clock that the server has, too."""
    for n in range(2, 200):
        minute = int(time.monotonic() / 60)
        got = [Smtp(port, '127.0.1.%d' % n).greeting for _ in range(int(limit) + 1)]
        if int(time.monotonic() / 60) == minute:
            break
    assert all(x.startswith('220') for x in got[:-1]), got
    assert got[-1] == '421 4.3.2 mx.example.test Connection rate limit exceeded', got
    assert Smtp(port, '127.0.2.1').greeting.startswith('220')


def timeout(port, seconds, kind):
    """Silence, and each way to be not quite silent; none ends before its time."""
    s = ehlo(port)
    if kind in ('data', 'message'):
        s.begin()
        s.cmd('DATA', '354')
    start, got = time.monotonic(), b''
    octets = {'silent': b'', 'trickle': b'N', 'session': b'NOOP\r\n', 'data': b'',
              'message': b'x\r\n'}[kind]
    s.s.settimeout(0.1)
    while not re.search(rb'^421[^\n]*\n', got, re.M):
        assert time.monotonic() - start < 60, got
        try:
            s.s.sendall(octets)
            more = s.s.recv(4096)
        except socket.timeout:
            continue
        assert more, got
        got += more
    assert time.monotonic() - start >= float(seconds) - 0.2, 'too soon'
    assert b'421 4.4.2 mx.example.test ' in got, got
    assert s.closed()


def mail(port, want, params=''):
    ehlo(port).cmd('MAIL FROM:<a@elsewhere.test>' + params, want)


def message(port, subject, want, octets='0', user='u1'):
    """One message of OCTETS; WANT is the answer, at whatever command it comes."""
    s = ehlo(port)
    for line in ('MAIL FROM:<a@elsewhere.test>', 'RCPT TO:<%s@example.test>' % user, 'DATA',
                 'Subject: %s\r\n\r\n' % subject + ('x' * 70 + '\r\n') * (int(octets) // 72) + '.'):
        s.send(line + '\r\n')
        got = s.reply()
        if got[0] in '45':
            break
    assert got.startswith(want), got
    s.send('QUIT\r\n')


def terminate(port, pid):
    """SIGTERM while a message comes: prints 250 or what else became of it."""
    s, idle = ehlo(port), ehlo(port)
    s.begin(['u3'])
    s.cmd('DATA', '354')
    s.send('Subject: terminated\r\n\r\nfirst half\r\n')
    os.kill(int(pid), signal.SIGTERM)
    # The one that has nothing under way hears it at once: then the other goes on.
    assert idle.reply().startswith('421 4.3.2 mx.example.test shutting down')
    try:
        s.send('second half\r\n.\r\n')
        print(s.reply()[:3])
    except (EOFError, OSError):
        print('closed')


def main():
    check, port, args = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    globals()[check](port, *args)


if __name__ == '__main__':
    main()
