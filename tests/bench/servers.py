"""The servers that are compared: how each is set up, started, looked at and stopped."""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import time

UID = 2001
SMTP, POP, POPS, SINK = 25, 110, 995, 2526
LO = '127.0.0.1'


def read(path):
    with open(path, encoding='utf-8', errors='replace') as f:
        return f.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)


def children():
    """Parent of every process there is."""
    parents = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            parents[int(pid)] = int(read(f'/proc/{pid}/stat').rsplit(')', 1)[1].split()[1])
        except OSError:
            pass
    return parents


def reap():
    """Orphans become ours: we are the first process of the namespace."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


class Cpu:
    """Processor time of all that a command starts: a control group, else the process table."""

    def __init__(self):
        self.group = None
        for base in '/sys/fs/cgroup/cpuacct', '/sys/fs/cgroup':
            path = f'{base}/letterbox-bench-{os.getpid()}-{time.monotonic_ns()}'
            if not os.path.isfile(f'{base}/cgroup.procs'):
                continue
            try:
                os.mkdir(path)
                self.group = path
                break
            except OSError:
                pass

    def enter(self):
        if self.group:
            write(f'{self.group}/cgroup.procs', str(os.getpid()))

    def seconds(self, pids):
        if self.group and os.path.exists(f'{self.group}/cpuacct.usage'):
            return int(read(f'{self.group}/cpuacct.usage')) / 1e9
        if self.group:
            return int(re.search(r'usage_usec (\d+)', read(f'{self.group}/cpu.stat')).group(1)) / 1e6
        ticks = 0
        for pid in pids:
            try:
                ticks += sum(map(int, read(f'/proc/{pid}/stat').rsplit(')', 1)[1].split()[11:15]))
            except OSError:
                pass
        return ticks / os.sysconf('SC_CLK_TCK')

    def close(self):
        for _ in range(100):
            try:
                if self.group:
                    os.rmdir(self.group)
                return
            except OSError:
                time.sleep(0.02)


class Server:
    """A running server; `root` is its root directory, `store` is mbox or maildir."""

    def __init__(self, root, store='mbox', tls=False, relay=False, pop=False):
        self.root, self.store, self.tls, self.relay, self.pop = root, store, tls, relay, pop
        self.processes = []
        self.cpu = Cpu()
        self.clean()
        self.configure()

    def mailbox(self):
        if self.store == 'mbox':
            return f'{self.root}/var/mail/bench'
        return f'{self.root}/home/bench/Maildir/new'

    def clean(self):
        shutil.rmtree(f'{self.root}/home', ignore_errors=True)
        for path in glob.glob(f'{self.root}/var/mail/*'):
            os.unlink(path)
        os.makedirs(f'{self.root}/home/bench')
        os.chown(f'{self.root}/home/bench', UID, UID)
        os.makedirs(f'{self.root}/var/mail', exist_ok=True)
        os.chmod(f'{self.root}/var/mail', 0o1777)

    def spawn(self, args, env=None):
        log = open(f'{self.root}/log', 'ab')

        def enter():
            self.cpu.enter()
            os.chroot(self.root)
            os.chdir('/')
        self.processes.append(subprocess.Popen(args, env=env or {}, stdin=subprocess.DEVNULL,
                                               stdout=log, stderr=log, preexec_fn=enter))
        log.close()

    def wait_port(self, port, starttls=False):
        end = time.monotonic() + 30
        while time.monotonic() < end and all(p.poll() is None for p in self.processes):
            try:
                with socket.create_connection((LO, port), 10) as s:
                    s.settimeout(10)
                    if starttls or s.recv(100):
                        return
            except OSError:
                time.sleep(0.02)
        raise SystemExit(f'{self.root}: nothing answers on port {port}:\n' +
                         read(f'{self.root}/log')[-2000:])

    def pids(self):
        parents = children()
        mine = {p.pid for p in self.processes}
        while True:
            more = {p for p, parent in parents.items() if parent in mine} - mine
            if not more:
                return mine
            mine |= more

    def pss(self):
        """Of all processes, in KiB."""
        total = 0
        for pid in self.pids():
            try:
                total += int(re.search(r'^Pss:\s+(\d+)', read(f'/proc/{pid}/smaps_rollup'),
                                       re.M).group(1))
            except (OSError, AttributeError):
                pass
        return total

    def seconds(self):
        return self.cpu.seconds(self.pids())

    def stop(self):
        # postfix's processes outlive their master, and hold its sockets.
        others = self.pids() - {p.pid for p in self.processes}
        for p in self.processes:
            p.terminate()
        for p in self.processes:
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        for pid in others:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while any(os.path.exists(f'/proc/{pid}') for pid in others):
            reap()
            time.sleep(0.01)
        self.cpu.close()


class Letterbox(Server):
    name = 'letterbox'

    def configure(self):
        write(f'{self.root}/etc/passwd', 'root:x:0:0::/:\nmail:x:8:8::/:\nnobody:x:65534:65534::/:\n'
              f'bench:x:{UID}:{UID}::/home/bench:\n')
        write(f'{self.root}/etc/group', f'root:x:0:\nmail:x:8:\nnogroup:x:65534:\nbench:x:{UID}:\n')
        shutil.rmtree(f'{self.root}/queue', ignore_errors=True)
        self.env = {
            'LETTERBOX_HOSTNAME': 'mail.bench.example', 'LETTERBOX_DOMAIN': 'bench.example',
            'LETTERBOX_LOCAL': 'bench.example', 'LETTERBOX_LISTEN': f'{LO}:{SMTP}',
            'LETTERBOX_QUEUE': '/queue', 'LETTERBOX_LOG': 'stderr',
            'LETTERBOX_MAILBOX': '/var/mail/%u' if self.store == 'mbox' else '/home/%u/Maildir/',
        }
        if self.relay:
            self.env['LETTERBOX_RELAY'] = f'smtp+plain://{LO}:{SINK}'

    def start(self):
        self.spawn(['/letterbox', 'sendmail', '-bD', '-q1m'], self.env)
        self.wait_port(SMTP)
        if self.pop:
            self.spawn(['/letterbox', 'popd', '-f', '-l', f'{LO}:{POP}', '-t', f'{LO}:{POPS}'],
                       self.env)
            self.wait_port(POP)
        return self


class Postfix(Server):
    name = 'postfix'

    def version(self):
        out = subprocess.run(['chroot', self.root, '/usr/sbin/postconf', '-h', 'mail_version'],
                             capture_output=True, text=True, check=False).stdout.strip()
        return f'postfix {out}'

    def configure(self):
        write(f'{self.root}/etc/passwd', 'root:x:0:0::/:/bin/sh\npostfix:x:101:103::/:/bin/false\n'
              f'nobody:x:65534:65534::/:\nbench:x:{UID}:{UID}::/home/bench:/bin/sh\n')
        write(f'{self.root}/etc/group', 'root:x:0:\nmail:x:8:\npostfix:x:103:\npostdrop:x:104:\n'
              f'nogroup:x:65534:\nbench:x:{UID}:\n')
        write(f'{self.root}/etc/hosts', f'{LO} localhost bench.example mail.bench.example\n')
        write(f'{self.root}/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n')
        write(f'{self.root}/etc/services', 'smtp 25/tcp\n')
        main = f'''compatibility_level = 3.6
maillog_file =
myhostname = mail.bench.example
mydestination = bench.example, localhost
inet_interfaces = {LO}
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [{LO}]:{SINK}
alias_maps =
alias_database =
biff = no
smtp_tls_security_level = none
smtpd_tls_security_level = {'may' if self.tls else 'none'}
smtpd_tls_cert_file = /etc/bench.pem
smtpd_tls_key_file = /etc/bench.pem
'''
        if self.store == 'maildir':
            main += 'home_mailbox = Maildir/\n'
        write(f'{self.root}/etc/postfix/main.cf', main)
        master = read(f'{self.root}/usr/share/postfix/master.cf.dist')
        master = re.sub(r'^smtp +inet .*', f'{LO}:{SMTP} inet n - y - - smtpd', master, flags=re.M)
        write(f'{self.root}/etc/postfix/master.cf', master)
        self.make_spool()

    def make_spool(self):
        """What its start script does."""
        spool = f'{self.root}/var/spool/postfix'
        shutil.rmtree(spool, ignore_errors=True)
        os.makedirs(spool)
        for name, uid, gid, mode in (('active', 101, 0, 0o700), ('bounce', 101, 0, 0o700),
                                     ('corrupt', 101, 0, 0o700), ('defer', 101, 0, 0o700),
                                     ('deferred', 101, 0, 0o700), ('flush', 101, 0, 0o700),
                                     ('hold', 101, 0, 0o700), ('incoming', 101, 0, 0o700),
                                     ('maildrop', 101, 104, 0o1730), ('pid', 0, 0, 0o755),
                                     ('private', 101, 0, 0o700), ('public', 101, 104, 0o2710),
                                     ('saved', 101, 0, 0o700), ('trace', 101, 0, 0o700)):
            os.mkdir(f'{spool}/{name}')
            os.chown(f'{spool}/{name}', uid, gid)
            os.chmod(f'{spool}/{name}', mode)
        for name in 'hosts', 'services', 'nsswitch.conf':
            write(f'{spool}/etc/{name}', read(f'{self.root}/etc/{name}'))
        data = f'{self.root}/var/lib/postfix'
        shutil.rmtree(data, ignore_errors=True)
        os.makedirs(data)
        os.chown(data, 101, 0)
        for device, minor in ('null', 3), ('urandom', 9):
            path = f'{self.root}/dev/{device}'
            if not os.path.exists(path):
                os.makedirs(f'{self.root}/dev', exist_ok=True)
                os.mknod(path, 0o020666, os.makedev(1, minor))
                os.chmod(path, 0o666)

    def start(self):
        self.spawn(['/usr/lib/postfix/sbin/master', '-d'])
        self.wait_port(SMTP)
        return self
