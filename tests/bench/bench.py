#!/usr/bin/env python3
"""Measures letterbox beside postfix, in one run on one disk, and prints a table.

    bench.py [--rounds 3] [--messages 2000] [--only PART,...] [--dir DIR]

PART is memory, local, relay or disk.  The contenders take turns in each round, so that what
else the machine does hits both.  Everything runs in network, process and mount namespaces of
its own, under DIR (build/out/bench), and needs root; postfix is unpacked from Debian's
packages, not installed.  Figures that are goals of the project say whether they are met;
none of them makes this program fail."""
import argparse
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f'{os.path.dirname(HERE)}/lib']
import disk  # noqa: E402
import load  # noqa: E402
import servers  # noqa: E402
import sessions  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(HERE))
HELD, PEER_HELD = 1000, 100
sessions.RCPT = b'bench@bench.example'


def say(*words):
    print('bench:', *words, file=sys.stderr, flush=True)


class Table:
    """Rows of a figure of ours, the peer's, and a goal."""

    def __init__(self):
        self.rows = []

    def add(self, what, ours, peer=None, unit='', goal=None, larger=True):
        ratio = ''
        if ours and peer:
            ratio = f'{ours / peer:.1f}' if larger else f'1/{peer / ours:.1f}' \
                if peer > ours else f'{ours / peer:.1f}'
        self.rows.append((what, number(ours, unit), number(peer, unit), ratio, goal or ''))
        say(' | '.join(x or '-' for x in self.rows[-1]))

    def show(self, peer):
        rows = [('figure', 'letterbox', peer, 'ratio', 'goal')] + \
            [tuple(x or '-' for x in row) for row in self.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        for i, row in enumerate(rows):
            print('| ' + ' | '.join(x.ljust(w) for x, w in zip(row, widths)) + ' |')
            if i == 0:
                print('|' + '|'.join('-' * (w + 2) for w in widths) + '|')


def number(value, unit):
    if value is None:
        return None
    text = f'{value:,.0f}' if value >= 100 else f'{value:.3g}'
    return f'{text} {unit}'.strip()


def goal(met, text):
    return f'{text}: {"met" if met else "missed"}'


def median(values):
    return statistics.median(values) if values else None


class Bench:
    def __init__(self, args):
        self.args = args
        self.table = Table()
        self.ours, self.theirs = f'{args.dir}/letterbox', f'{args.dir}/postfix'

    def start(self, which, **how):
        root = self.ours if which is servers.Letterbox else self.theirs
        return which(root, **how).start()

    # ---- memory ----

    def held(self, which, kind, count):
        """(KiB with COUNT sessions, KiB more for each of them, how many of them answered)."""
        port = {'smtp-plain': servers.SMTP, 'smtp-tls': servers.SMTP,
                'pop-plain': servers.POP, 'pop-tls': servers.POPS}[kind]
        server = self.start(which, tls=kind.endswith('tls'), pop=kind.startswith('pop'))
        held = []
        try:
            before = server.pss()
            held, why = sessions.hold(kind, port, count)
            after = server.pss()
            good = sum(sessions.answers(s, kind) for s in held)
            if good < count:
                say(f'{server.name}, {kind}: {good} of {count} answer: {why}')
            return after, (after - before) / max(len(held), 1), good
        finally:
            for s in held:
                s.close()
            server.stop()

    def memory(self):
        server = self.start(servers.Letterbox, pop=True)
        time.sleep(1)
        ours = server.pss()
        server.stop()
        server = self.start(servers.Postfix)
        time.sleep(1)
        peer = server.pss()
        server.stop()
        self.table.add('idle, SMTP and POP3 (postfix: SMTP), PSS', ours, peer, 'KiB',
                       goal(ours <= 1536, 'at most 1,536'), larger=False)
        limits = {'smtp-plain': 8, 'smtp-tls': 44, 'pop-plain': 8, 'pop-tls': 44}
        for kind, most in limits.items():
            ours, each, good = self.held(servers.Letterbox, kind, HELD)
            peer_each = None
            if kind.startswith('smtp'):
                _, peer_each, _ = self.held(servers.Postfix, kind, PEER_HELD)
            name = kind.upper().replace('POP', 'POP3').replace('-', ' ').replace('PLAIN', 'plain')
            self.table.add(f'{name}, {HELD} sessions open, PSS', ours, None, 'KiB')
            self.table.add(f'{name}, sessions that answer', good, None, '',
                           goal(good == HELD, f'all {HELD}'))
            self.table.add(f'{name}, more for each session', each, peer_each, 'KiB',
                           goal(each <= most, f'at most {most}'), larger=False)

    # ---- throughput ----

    def local_run(self, which, store, count, messages):
        server = self.start(which, store=store)
        try:
            box = load.Mailbox(server)
            load.run(self.theirs, box, min(count, 5), 10)
            cpu, start = server.seconds(), time.monotonic()
            done = load.run(self.theirs, box, count, messages)
            took, cpu = time.monotonic() - start, server.seconds() - cpu
            if done != messages:
                say(f'{server.name}, {store}, {count} sessions: {done} of {messages} arrived')
                return None
            return messages / took, cpu * 1000 / messages
        finally:
            server.stop()

    def compare(self, name, run, count, times=None, most=None):
        """Runs both in turn, and adds the rows; the goals are so many times the peer's messages
        in a second, and at most so much of a processor for each."""
        many = self.args.messages
        results = {servers.Letterbox: [], servers.Postfix: []}
        for _ in range(self.args.rounds):
            for which in results:
                messages = many if which is servers.Letterbox else many // 4
                got = run(which, messages if count > 1 else messages // 2)
                if got:
                    results[which].append(got)
                    say(f'{which.name}: {name}: {got[0]:.0f}/s, {got[1]:.3f} ms')
        (ours, cpu), (peer, peer_cpu) = (
            (median([r[0] for r in results[w]]), median([r[1] for r in results[w]]))
            for w in results)
        wanted = goal(ours >= times * peer, f'{times} times') if ours and peer and times else None
        self.table.add(f'{name}, messages/s', ours, peer, '', wanted)
        self.table.add(f'{name}, CPU a message', cpu, peer_cpu, 'ms',
                       goal(cpu <= most, f'at most {most}') if cpu and most else None, larger=False)

    def local(self):
        for store in 'mbox', 'maildir':
            for count in 1, 10, 50:
                self.compare(f'SMTP to {store}, {count} session{"s" if count > 1 else ""}',
                             lambda w, n, s=store, c=count: self.local_run(w, s, c, n), count,
                             *((10, 0.5) if count > 1 else ()))

    def relay_run(self, which, count, messages):
        sink = load.Sink(self.theirs)
        server = self.start(which, relay=True)
        try:
            load.run(self.theirs, sink, min(count, 5), 10, to='user@dst.example')
            cpu, start = server.seconds(), time.monotonic()
            done = load.run(self.theirs, sink, count, messages, to='user@dst.example')
            took, cpu = time.monotonic() - start, server.seconds() - cpu
            if done != messages:
                say(f'{server.name}, relay, {count} sessions: {done} of {messages} arrived')
                return None
            return messages / took, cpu * 1000 / messages
        finally:
            server.stop()
            sink.stop()

    def relay(self):
        for count in 10, 50:
            self.compare(f'SMTP to SMTP (relay), {count} sessions',
                         lambda w, n, c=count: self.relay_run(w, c, n), count, 5)

    def disk(self):
        for writers in 1, 10, 50:
            rate = median([disk.files_per_second(f'{self.args.dir}/disk', writers)
                           for _ in range(self.args.rounds)])
            name = 'one writer' if writers == 1 else f'{writers} writers, flushes merged'
            self.table.add(f'this disk: durable new files/s, {name}', rate)


def machine():
    cpu = 'processor'
    try:
        cpu = re.search(r'model name\s*: (.*)', servers.read('/proc/cpuinfo')).group(1)
    except (OSError, AttributeError):
        pass
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 30
    return f'{time.strftime("%d %B %Y")}, {os.cpu_count()} cores of {cpu}, {memory} GiB, ' \
           f'Linux {platform.release()}, load {os.getloadavg()[0]:.1f}'


def prepare(args):
    """The two root directories."""
    subprocess.run(['sh', f'{HERE}/unpack.sh', f'{args.dir}/postfix'], check=True)
    root = f'{args.dir}/letterbox'
    for name in 'etc', 'proc', 'run', 'tmp', 'var/mail', 'var/empty', 'home', 'dev':
        os.makedirs(f'{root}/{name}', exist_ok=True)
    shutil.copy(os.environ.get('LETTERBOX_BIN', f'{ROOT}/build/out/letterbox'), f'{root}/letterbox')
    os.makedirs(f'{args.dir}/postfix/proc', exist_ok=True)
    os.makedirs(f'{args.dir}/postfix/etc', exist_ok=True)
    pem = f'{args.dir}/postfix/etc/bench.pem'
    if not os.path.exists(pem):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                        'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650', '-subj',
                        '/CN=mail.bench.example', '-keyout', pem + '.key', '-out', pem],
                       check=True, stderr=subprocess.DEVNULL)
        with open(pem, 'a', encoding='ascii') as f:
            f.write(servers.read(pem + '.key'))


def enter_namespaces():
    if os.environ.get('LETTERBOX_BENCH_INSIDE'):
        return
    os.environ['LETTERBOX_BENCH_INSIDE'] = '1'
    os.execvp('unshare', ['unshare', '--net', '--mount', '--uts', '--pid', '--fork',
                          '--kill-child', 'sh', '-c', 'mount -t proc proc /proc && '
                          'ip link set lo up && hostname mail.bench.example && exec "$@"', 'sh',
                          sys.executable, os.path.abspath(__file__)] + sys.argv[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--messages', type=int, default=2000)
    parser.add_argument('--only', default='disk,memory,local,relay')
    parser.add_argument('--dir', default=f'{ROOT}/build/out/bench')
    args = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit('bench: needs root, for postfix and for namespaces: nothing measured')
    if not os.environ.get('LETTERBOX_BENCH_INSIDE'):
        prepare(args)
    enter_namespaces()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for name in 'letterbox', 'postfix':
        subprocess.run(['mount', '-t', 'proc', 'proc', f'{args.dir}/{name}/proc'], check=True)
    bench = Bench(args)
    for part in args.only.split(','):
        say(f'-- {part}')
        getattr(bench, part)()
    print(f'Measured {machine()}; the median of {args.rounds} rounds.\n')
    bench.table.show(servers.Postfix(f'{args.dir}/postfix').version())


main()
