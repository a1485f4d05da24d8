"""variables.py DIR FLIPS: started by variables.t in its network; prints TAP.

A case is a variable, what stands beside it in both definition files, its assignment in the
second one, a function that asks the daemon, and what that returns with it and not without."""
import contextlib
import functools
import json
import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from tap import end, ok  # noqa: E402

T, FLIPS = sys.argv[1:]
HERE, OTHER, LISTED = '192.0.2.12', '203.0.113.8', '203.0.113.9'
BASE = dict(MY_NAME='mail', MY_DOMAIN='example.org', ACCEPT_ADDRS='$m', LISTEN=HERE + ':25', QUEUE_DIR=T + '/queue')


def wait(what, seconds=30):
    end = time.monotonic() + seconds
    while not (got := what()) and time.monotonic() < end:
        time.sleep(0.02)
    return got


def log():
    return open(T + '/daemon.log').read()


@contextlib.contextmanager
def daemon(values):
    shutil.rmtree(T + '/queue', ignore_errors=True)
    for name in os.listdir(T + '/mail'):
        os.unlink(T + '/mail/' + name)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(T + '/sink/messages')
    with open(T + '/x.def', 'w') as f:
        f.writelines("%s='%s'\n" % kv for kv in values.items())
    with open(T + '/daemon.log', 'w') as out:
        p = subprocess.Popen(['sendmail', '-bD', '-C', T + '/x.def'], stderr=out, stdin=subprocess.DEVNULL)
    try:
        if not wait(lambda: p.poll() is not None or 'starting daemon' in log()) or p.poll() is not None:
            raise OSError('no daemon: ' + log())
        yield p
    finally:
        p.terminate()
        p.wait(30)


def connect(source='127.0.0.1', port=25, host=HERE):
    family = '::' if ':' in host else ''
    return smtplib.SMTP(host, port, 'client.example', 30, (family or source, 0))


def send(sender='someone@outside.example', to='alice@example.org', head='', source='127.0.0.1'):
    with connect(source) as s:
        s.ehlo()
        codes = [s.mail(sender)[0], s.rcpt(to)[0]]
        return codes + [s.data('Subject: case\r\n' + head + '\r\n\r\nhello\r\n')[0]] if codes[1] == 250 else codes


def boxes():
    """Who has the message, after it was taken."""
    codes = send()
    return codes, sorted(os.listdir(T + '/mail'))


@functools.lru_cache(None)
def rcpt(address, source='127.0.0.1'):
    def ask():
        with connect(source) as s:
            s.ehlo()
            s.mail('someone@outside.example')
            return s.rcpt(address)[0]
    return ask


@functools.lru_cache(None)
def relayed(sender='bob', head='From: bob'):
    """What far.example, or the relay, gets; else why it does not."""
    def ask():
        send(sender, 'x@far.example', head)
        line = wait(lambda: re.search(r'to=<?x@far.example>?.* stat=(\w+).*', log()))
        if not line or line[1] != 'Sent':
            return line and line[0]
        m = json.loads(open(T + '/sink/messages').readline())
        who = next((x for x in m['header'] if x.startswith('From:')), '')
        return m['server'], m['from'].lstrip('<'), who, m['auth']
    return ask


def certificate():
    with connect() as s:
        s.ehlo()
        if not s.has_extn('starttls'):
            return None
        s.starttls(context=ssl._create_unverified_context())
        return ssl.DER_cert_to_PEM_cert(s.sock.getpeercert(True)) == open(T + '/cert.pem').read()


def tells_size():
    with connect() as s:
        s.ehlo()
        return s.esmtp_features.get('size'), s.docmd('MAIL FROM:<a@b.example> SIZE=2000')[0]


def recipients():
    with connect() as s:
        s.ehlo()
        s.mail('a@b.example')
        return [s.rcpt('alice@example.org')[0] for _ in range(3)]


def two_sessions():
    with connect() as first:
        first.ehlo()
        with contextlib.closing(socket.create_connection((HERE, 25), 30)) as second:
            return second.recv(3)


def burst():
    """At most one change of the minute falls into it."""
    codes = set()
    for _ in range(130):
        with contextlib.closing(socket.create_connection((HERE, 25), 30, (OTHER, 0))) as s:
            codes.add(s.recv(3))
    return codes


def without_helo():
    with connect() as s:
        return s.docmd('MAIL FROM:<a@b.example>')[0]


def listens():
    """Three in the clear, and on 465 TLS comes first, without STARTTLS behind it."""
    codes = []
    for host, port in ((HERE, 2525), ('2001:db8::12', 587), ('::1', 2526)):
        with contextlib.suppress(OSError), connect(port=port, host=host) as s:
            codes.append(s.ehlo()[0])
    with contextlib.suppress(OSError), smtplib.SMTP_SSL(HERE, 465, context=ssl._create_unverified_context(), timeout=30) as s:
        codes += [s.ehlo()[0], s.has_extn('starttls'), s.mail('a@b.example')[0]]
    return codes


def from_listed():
    """The greeting, then what MAIL gets, of a listed client and of another."""
    codes = []
    for source in (LISTED, OTHER):
        with connect(source) as s:
            s.ehlo()
            code, text = s.mail('a@b.example')
            codes.append((code, text.decode() if code != 250 else ''))
    return codes


def with_dead_list():
    """A client whose list does not answer waits, and is taken; no other waits for it."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(('192.0.2.54', 53))
    slow = socket.create_connection((HERE, 25), 30, (OTHER, 0))
    with connect() as s:
        s.ehlo()
        code = s.mail('a@b.example')[0]
    slow.setblocking(False)
    try:
        first = slow.recv(3)
    except BlockingIOError:
        first = None
    slow.settimeout(30)
    with contextlib.closing(slow), contextlib.closing(silent):
        return code, first, slow.recv(3)


def filtered():
    with connect() as s:
        s.ehlo()
        code, text = s.mail('a@b.example')
    warned = log().count('mail filters are not called')
    return code, text.decode().split(' ')[0] if code != 250 else '', warned


def exists(path):
    return lambda: os.path.exists(path)


def files():
    for name, text in (('aliases', 'nick: alice\n'), ('virtual', 'info@v.example\talice\n'), ('masq', 'bob\tb.obb@pub.example\n'),
                       ('authmap', 'AuthInfo:hub.example\t"U:me" "P:p w"\n'), ('broken', ''),
                       ('authaddr', 'AuthInfo:192.0.2.13 "U:me" "I:me" "P=cCB3" "M:LOGIN"\n')):
        with open(T + '/' + name, 'w') as f:
            f.write(text)
    # Root's alone: the role that sends reads it before it gives root up.
    os.chmod(T + '/authmap', 0o600)


files()
HUB = dict(DEFAULT_RELAY='smtp://hub.example:587', TLS_CA=T + '/cert.pem')
MILTER = dict(MILTERS='inet:8891@127.0.0.1')
DENIED = (550, '5.7.1 Your address is listed in bl.example')
WHO = 'bob@mail.example.org'
CASES = [
    ('LISTEN', {}, f'{HERE}:25 {HERE}:2525 [2001:db8::12]:587 [::1]:2526 *:465', listens, [250, 250, 250, 250, False, 250]),
    ('QUEUE_DIR', {}, T + '/queue2', exists(T + '/queue2'), True),
    ('PID_FILE', {}, T + '/pid', exists(T + '/pid'), True),
    ('ALIAS_FILE_PATH', {}, T + '/aliases', rcpt('nick@example.org'), 250),
    ('VIRTUAL_DOMAINS', dict(VIRTUAL_MAP='text:' + T + '/virtual'), 'v.example', rcpt('info@v.example', OTHER), 250),
    ('VIRTUAL_MAP', dict(VIRTUAL_DOMAINS='v.example'), 'text:' + T + '/virtual', rcpt('info@v.example'), 250),
    ('SINK', {}, 'box', boxes, ([250, 250, 250], ['box'])),
    ('SINK', {}, 'discard', boxes, ([250, 250, 250], [])),
    ('FROM_ADDRESS', {}, '$m', relayed(), ('far', 'bob@example.org', 'From: bob@example.org', False)),
    ('REWRITE_GENERIC_FROM', dict(FROM_ADDRESS='$m'), 'lower', relayed('bob@pc', 'From: bob@pc'),
     ('far', 'bob@example.org', 'From: bob@example.org', False)),
    ('MASQUERADE_DOMAINS', dict(FROM_ADDRESS='$m'), 'old.example', relayed('bob@x.old.example', 'From: Bob <bob@old.example>'),
     ('far', 'bob@example.org', 'From: Bob <bob@example.org>', False)),
    ('MASQUERADE_MAP', {}, 'text:' + T + '/masq', relayed(), ('far', 'b.obb@pub.example', 'From: b.obb@pub.example', False)),
    ('DEFAULT_RELAY', {}, 'hub.example', relayed(), ('hub', WHO, 'From: ' + WHO, False)),
    ('TLS_CA', dict(HUB, TLS_CA='', RELAY_USER='me', RELAY_PASSWORD='p w'), T + '/cert.pem', relayed(), ('auth', WHO, 'From: ' + WHO, True)),
    ('RELAY_PASSWORD', dict(HUB, RELAY_USER='me'), 'p w', relayed(), ('auth', WHO, 'From: ' + WHO, True)),
    ('RELAY_USER', dict(HUB, RELAY_PASSWORD='p w', RELAY_USER='you'), 'me', relayed(), ('auth', WHO, 'From: ' + WHO, True)),
    ('RELAY_AUTH_MAP', HUB, 'text:' + T + '/authmap', relayed(), ('auth', WHO, 'From: ' + WHO, True)),
    ('RELAY_AUTH_MAP', HUB, 'hash:' + T + '/authaddr', relayed(), ('auth', WHO, 'From: ' + WHO, True)),
    ('TLS_CERT', dict(TLS_KEY=T + '/key.pem'), T + '/cert.pem', certificate, True),
    ('TLS_KEY', dict(TLS_CERT=T + '/cert.pem', TLS_KEY=T + '/broken'), T + '/key.pem', certificate, True),
    ('MAX_MESSAGE_SIZE', {}, '1000', tells_size, ('1000', 552)),
    ('MAX_RECIPIENTS', {}, '2', recipients, [250, 250, 452]),
    ('O_MaxRecipientsPerMessage', {}, '1', recipients, [250, 452, 452]),
    ('MAX_CHILDREN', {}, '1', two_sessions, b'421'),
    ('CONNECTION_RATE', {}, '1', burst, {b'220', b'421'}),
    ('PRIVACY_FLAGS', {}, 'needmailhelo', without_helo, 503),
    ('DNS_BLOCKLISTS', {}, 'none.bl.example bl.example', from_listed, [DENIED, (250, '')]),
    ('ALLOW_RELAY_FROM', dict(DNS_BLOCKLISTS='bl.example'), '203.0.113', from_listed, [(250, ''), (250, '')]),
    ('DNS_BLOCKLISTS', {}, 'dead.example', with_dead_list, (250, None, b'220')),
    ('MILTERS', {}, MILTER['MILTERS'], filtered, (451, '4.3.2', 1)),
    ('MILTER_DEFAULT_ACTION', MILTER, 'reject', filtered, (550, '5.0.0', 1)),
    ('MILTER_DEFAULT_ACTION', MILTER, 'accept', filtered, (250, '', 1)),
]
# What these change is the text of the configuration and nothing that our daemon does.
TEXT = {'DEF_ID', 'MASTERDIR', 'TOOLDIR', 'PROTO', 'FEATURE', 'VENDER_CODE', 'OS_TYPE', 'LOCAL_MAILER_PATH', 'LOCAL_MAILER_FLAGS',
        'LOCAL_MAILER_ARGS', 'VERSION', 'VERSION_SEPARATOR', 'LOCAL_VERSION'}


def run(values, ask):
    try:
        with daemon(values):
            return ask()
    except Exception as e:
        return '%s: %s' % (type(e).__name__, e)


@functools.lru_cache(None)
def run_before(values, ask):
    """Several cases begin with the same question to the same daemon."""
    return run(dict(values), ask), log()


for name, beside, flip, ask, want in CASES:
    without, said = run_before(tuple({**BASE, **beside}.items()), ask)
    got = run({**BASE, **beside, name: flip}, ask)
    ok(got == want != without, 'flip %s=%s' % (name, flip.replace(T, '')), 'want %s' % (want,), 'with %s' % (got,),
       'without %s' % (without,), said, log())

rows = [x.split('\t') for x in open(FLIPS).read().splitlines() if not x.startswith('#')]
assigned = {(re.match(r'\w+', x[1])[0], x[2] == 'cf') for x in rows} | {(c[0], False) for c in CASES}
standard = subprocess.run(['cfgen', '--standard', 'sendmail-v10.def'], capture_output=True, text=True).stdout
names = set(re.findall(r'^#?([A-Za-z_]+)=', standard, re.M))
ok(len(names) > 60, 'cfgen lists its variables')
left = {n for n in names if (n, False) not in assigned and not (n in TEXT and (n, True) in assigned)}
ok(not left, 'a verdict or the daemon changes with each of them', left)
end()
