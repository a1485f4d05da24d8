#!/usr/bin/env python3
"""Many open sessions, each of which answers.

    sessions.py KIND PORT COUNT [PID KIB]
        holds COUNT sessions; KIND is smtp-plain (after RCPT), smtp-tls, pop-plain or pop-tls
        (before login).  Each must answer, a new one beside them too, and each must answer
        again; with PID, the role that holds them, none may cost it more than KIB of PSS.
"""
import re
import resource
import socket
import ssl
import sys

LO = '127.0.0.1'
RCPT = b'u1@example.test'


class Session:
    def __init__(self, port, tls=False):
        self.s = socket.create_connection((LO, port), 60)
        self.s.settimeout(60)
        self.buf = b''
        if tls:
            self.start_tls()

    def start_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.s = context.wrap_socket(self.s)

    def line(self):
        while b'\n' not in self.buf:
            got = self.s.recv(4096)
            if not got:
                raise OSError('the server closed the connection')
            self.buf += got
        line, self.buf = self.buf.split(b'\n', 1)
        return line

    def smtp(self, command=None):
        if command:
            self.s.sendall(command + b'\r\n')
        line = self.line()
        while line[3:4] == b'-':
            line = self.line()
        if line[:1] not in b'23':
            raise OSError(line.decode(errors='replace'))

    def pop(self, command=None):
        if command:
            self.s.sendall(command + b'\r\n')
        line = self.line()
        if not line.startswith(b'+OK'):
            raise OSError(line.decode(errors='replace'))

    def close(self):
        self.s.close()


def smtp_plain(port):
    s = Session(port)
    s.smtp()
    s.smtp(b'EHLO load.bench.example')
    s.smtp(b'MAIL FROM:<load@src.example>')
    s.smtp(b'RCPT TO:<' + RCPT + b'>')
    return s


def smtp_tls(port):
    s = Session(port)
    s.smtp()
    s.smtp(b'EHLO load.bench.example')
    s.smtp(b'STARTTLS')
    s.start_tls()
    s.smtp(b'EHLO load.bench.example')
    return s


def pop_plain(port):
    s = Session(port)
    s.pop()
    return s


def pop_tls(port):
    s = Session(port, tls=True)
    s.pop()
    return s


def answers(s, kind):
    """Does the session do what it is asked?"""
    try:
        if kind.startswith('smtp'):
            s.smtp(b'NOOP')
        else:
            s.pop(b'CAPA')
            while s.line().strip() != b'.':
                pass
        return True
    except OSError:
        return False


KINDS = {'smtp-plain': smtp_plain, 'smtp-tls': smtp_tls, 'pop-plain': pop_plain,
         'pop-tls': pop_tls}


def hold(kind, port, count):
    """Opens COUNT sessions; gives those that came up, and why the first other one did not."""
    held, why = [], ''
    for _ in range(count):
        try:
            held.append(KINDS[kind](port))
        except OSError as e:
            why = str(e)
            break
    return held, why


def pss(pid):
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as f:
        return int(re.search(r'^Pss:\s+(\d+)', f.read(), re.M).group(1))


def main():
    kind, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    pid, most = (sys.argv[4], float(sys.argv[5])) if len(sys.argv) > 4 else (None, 0)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # What the first one makes is nobody's share.
    hold(kind, port, 1)[0][0].close()
    before = pss(pid) if pid else 0
    held, why = hold(kind, port, count)
    if why:
        return f'session {len(held) + 1}: {why}'
    each = (pss(pid) - before) / count if pid else 0
    for when in 'first', 'second':
        silent = sum(not answers(s, kind) for s in held)
        if silent:
            return f'{silent} of {count} do not answer the {when} time'
        one, why = hold(kind, port, 1)
        if why or not answers(one[0], kind):
            return f'no room for one more: {why}'
        one[0].close()
    print(f'{count} sessions, {each:.2f} KiB each')
    return f'more than {most} KiB' if each > most and pid else 0


if __name__ == '__main__':
    sys.exit(main())
