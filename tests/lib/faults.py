#!/usr/bin/env python3
"""Faults in a running sendmail -bD, one at a time, while messages come in.

    faults.py INJECT PORT MAILBOX FAULT [SENDMAIL OPTION...]

Starts the daemon below INJECT (tests/fault/inject_peer.c); for n = 1, 2, ... the n-th write-side
system call that any of its processes makes meets FAULT while a message is sent and delivered,
until a message gets through without so many.  Then the queue is run to its end, without
faults.  Prints a line for each promise that was broken:

    a message answered with 250 is in the mailbox once, or, where processes were killed, once or
    twice; nothing in the mailbox is torn; no file is left over in the queue; nothing is refused
    for good, and no failure is reported

and "N runs" last.  With FAULTS_RELOAD in the environment the configuration is read again before
each message.  Settings come from the environment, which tests/lib/server.sh makes.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import time

from files import read

CALLS = ('write,pwrite64,writev,open,openat,link,linkat,rename,renameat,renameat2,fsync,fdatasync,'
         'ftruncate,fallocate,unlink,unlinkat,mkdir,mkdirat,sendfile,copy_file_range,fchown,fchmod')
CALLS_MAX = 400
BODY = [b'From here is quoted in an mbox', b'.dot', b'x' * 900]
BODY += [b'line %d' % i for i in range(int(os.environ.get('FAULTS_LINES', '40')))]

inject, port, box, fault = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
options = sys.argv[5:]
work = os.environ['T']
orders, told, log_name = (os.path.join(work, x) for x in ('orders', 'told', 'faults.log'))
queue = os.environ['LETTERBOX_QUEUE']
reload = 'FAULTS_RELOAD' in os.environ
kills = fault.startswith(('kill', 'crash'))
broken = []


def until(seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


class Daemon:
    def __init__(self):
        log = open(log_name, 'ab')
        self.tracer = subprocess.Popen(
            [inject, '-t', told, '-c', orders, CALLS, '0', 'none', 'sendmail', '-bD'] + options,
            stdout=log, stderr=log)
        log.close()
        if not until(30, self.answers):
            sys.exit('the daemon does not answer: ' + read(log_name)[-2000:].decode())

    def answers(self):
        if self.tracer.poll() is not None:
            sys.exit('the daemon ended: ' + read(log_name)[-2000:].decode())
        try:
            Client().quit()
            return True
        except OSError:
            return False

    def arm(self, n):
        with open(orders, 'w', encoding='ascii') as f:
            f.write(f'{n} {fault if n else "none"}\n')
        self.tracer.send_signal(signal.SIGUSR1)
        if not until(20, lambda: read(told).startswith(b'armed %d ' % n)):
            sys.exit('the tracer does not answer')

    def hit(self):
        return read(told).count(b'\n') > 1

    def gate(self):
        try:
            with open(f'/proc/{self.tracer.pid}/task/{self.tracer.pid}/children',
                      encoding='ascii') as f:
                return int(f.read().split()[0])
        except (OSError, IndexError):
            return None

    def stop(self):
        """Those that are left end as they would on a shutdown."""
        gate = self.gate()
        if gate:
            try:
                os.kill(gate, signal.SIGTERM)
                self.tracer.wait(30)
            except (OSError, subprocess.TimeoutExpired):
                pass
        self.tracer.kill()
        self.tracer.wait()


class Client:
    """As little of SMTP as is needed, so that it is known what was answered when."""

    def __init__(self):
        self.s = socket.create_connection(('127.0.0.1', port), timeout=30)
        self.f = self.s.makefile('rb')
        self.expect(b'220')

    def expect(self, code):
        line = self.f.readline()
        while line[3:4] == b'-':
            line = self.f.readline()
        if line.startswith(b'5'):
            broken.append('refused for good: ' + line.decode(errors='replace'))
        if not line.startswith(code):
            raise OSError(line.decode(errors='replace') or 'closed')

    def command(self, text, code):
        self.s.sendall(text + b'\r\n')
        self.expect(code)

    def deliver(self, ident):
        self.command(b'HELO client.test', b'250')
        self.command(b'MAIL FROM:<sender@elsewhere.test>', b'250')
        self.command(b'RCPT TO:<u1@example.test>', b'250')
        self.command(b'DATA', b'354')
        lines = [b'Subject: ' + ident, b''] + BODY + [b'end of ' + ident]
        text = b''.join((b'.' if x[:1] == b'.' else b'') + x + b'\r\n' for x in lines)
        self.s.sendall(text + b'.\r\n')
        self.expect(b'250')

    def quit(self):
        self.s.close()


def queued():
    return [x for x in os.listdir(queue + '/queue') if x[0] != '.']


def contents():
    if os.path.isdir(box):
        # While a Maildir is being made it has some of its folders.
        dirs = [d for d in (os.path.join(box, 'new'), os.path.join(box, 'cur')) if os.path.isdir(d)]
        return [read(os.path.join(d, x)) for d in dirs for x in sorted(os.listdir(d))]
    return [x for x in re.split(rb'(?m)^From sender@elsewhere\.test .*\n', read(box)) if x]


def delivered(ident):
    return any(b'\nend of ' + ident + b'\n' in x for x in contents())


def send(ident):
    try:
        client = Client()
        client.deliver(ident)
        client.quit()
        return True
    except OSError:
        return False


def one(daemon, n, acked):
    """True when the fault was met."""
    ident = b'%s-%d' % (fault.encode(), n)
    # Those that failed for now stay till the end.
    left = len(queued())
    daemon.arm(n)
    if reload:
        seen = read(log_name).count(b'read again')
        os.kill(daemon.gate(), signal.SIGHUP)
        until(10, lambda: daemon.hit() or read(log_name).count(b'read again') > seen)
    # The mark that a recipient is done and the file's end come after the answer.
    if send(ident):
        acked.append(ident)
        until(10, lambda: daemon.hit() or (delivered(ident) and len(queued()) <= left))
    else:
        until(10, daemon.hit)
    until(0.1, daemon.hit)
    return daemon.hit()


def drain(daemon):
    """Runs of the queue until it is empty: what failed for now waits no longer."""
    def run():
        if not queued():
            return True
        os.kill(daemon.gate(), signal.SIGUSR1)
        return until(0.3, lambda: not queued())
    if not until(60, run):
        broken.append(f'the queue does not get empty: {queued()}')


def judge(acked, all_idents):
    found = {x: 0 for x in all_idents}
    for text in contents():
        m = re.search(rb'(?m)^Subject: (\S+)$', text)
        ident = m.group(1) if m else None
        body = text.partition(b'\n\n')[2]
        want = b''.join(x + b'\n' for x in BODY + [b'end of ' + (ident or b'')])
        body = re.sub(rb'(?m)^>From ', b'From ', body)
        if ident not in found or body.rstrip(b'\n') != want.rstrip(b'\n'):
            broken.append(f'torn: {text[:60]!r}...{text[-60:]!r}')
        else:
            found[ident] += 1
    for ident in acked:
        if found[ident] == 0:
            broken.append(f'lost: {ident.decode()}')
    for ident, n in found.items():
        if n > (2 if kills else 1):
            broken.append(f'{n} times: {ident.decode()}')
    left = [x for d in ('tmp', 'queue') for x in os.listdir(f'{queue}/{d}')]
    if b'DSN: ' in read(log_name):
        broken.append('a failure was reported')
    if left:
        broken.append(f'left over in the queue: {left}')


def main():
    daemon, acked, n = Daemon(), [], 0
    # What is made once, a mailbox and its locks, is made for the first message.
    send(b'first')
    until(10, lambda: delivered(b'first') and not queued())
    met = True
    while met and n < CALLS_MAX:
        n += 1
        met = one(daemon, n, acked)
        if met and kills:
            # A role that dies again and again is started later each time: so all anew.
            if fault == 'kill':
                until(3, lambda: not queued())
            daemon.stop()
            daemon = Daemon()
            # One crash for each message.
            drain(daemon)
        elif met:
            daemon.arm(0)
    daemon.arm(0)
    if os.path.exists(box + '.lock'):
        os.utime(box + '.lock', (1, 1))
    drain(daemon)
    daemon.stop()
    # What a writer left in tmp/ goes with the next run.
    subprocess.run(['sendmail', '-q'] + options, check=False)
    judge(acked, [b'first'] + [b'%s-%d' % (fault.encode(), i) for i in range(1, n + 1)])
    for line in broken[:20]:
        print(line)
    print(f'{n - 1} runs')
    return 1 if broken else 0


sys.exit(main())
