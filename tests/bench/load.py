"""postfix's load generator, and counting what arrived."""
import os
import re
import subprocess
import time

import servers

STUCK_S = 15  # nothing more arrives for so long: what is missing is missing


class Mailbox:
    """Counts the messages in a server's mailbox."""

    def __init__(self, server):
        self.path, self.mbox = server.mailbox(), server.store == 'mbox'
        self.at, self.n, self.tail, self.base = 0, 0, b'\n', 0

    def total(self):
        try:
            if not self.mbox:
                return len(os.listdir(self.path))
            with open(self.path, 'rb') as f:
                f.seek(self.at)
                new = f.read()
        except FileNotFoundError:
            return 0
        self.at += len(new)
        # A separator may be cut in two between looks.
        self.n += (self.tail + new).count(b'\nFrom ')
        self.tail = (self.tail + new)[-5:]
        return self.n

    def reset(self):
        self.base = self.total()

    def count(self):
        return self.total() - self.base


class Sink:
    """postfix's SMTP server that throws away and counts."""

    def __init__(self, root):
        self.p = subprocess.Popen(
            ['chroot', root, '/usr/sbin/smtp-sink', '-u', 'postfix', '-c', '-h', 'sink.example',
             f'{servers.LO}:{servers.SINK}', '1024'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        os.set_blocking(self.p.stdout.fileno(), False)
        self.text, self.n, self.base = b'', 0, 0

    def total(self):
        while True:
            try:
                more = os.read(self.p.stdout.fileno(), 65536)
            except BlockingIOError:
                break
            if not more:
                break
            self.text = (self.text + more)[-4096:]
        found = re.findall(rb'mesg=(\d+)\s', self.text)
        self.n = int(found[-1]) if found else self.n
        return self.n

    def reset(self):
        self.base = self.total()

    def count(self):
        return self.total() - self.base

    def stop(self):
        self.p.kill()
        self.p.wait()


def run(root, counter, count, messages, extra=(), to='bench@bench.example'):
    """Sends MESSAGES in COUNT sessions at once; returns how many arrived, when they have."""
    counter.reset()
    p = subprocess.Popen(['chroot', root, '/usr/sbin/smtp-source', '-s', str(count), '-m',
                          str(messages), '-l', '4096', '-f', 'load@src.example', '-t', to,
                          *extra, f'{servers.LO}:{servers.SMTP}'],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    last, since = 0, time.monotonic()
    while True:
        ended = p.poll() is not None
        n = counter.count()
        if n != last:
            last, since = n, time.monotonic()
        if (ended and n >= messages) or time.monotonic() - since > STUCK_S:
            break
        time.sleep(0.005)
    if p.poll() is None:
        p.kill()
        p.wait()
    return last
