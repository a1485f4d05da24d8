"""cfgen.py REAL OURS TABLES: definition files by the table cfgen.flips, made into
configurations by cfgen; prints TAP.

Each line of the table: what its variable changes, on ours.  Then sets of values (every
line, and pairs of lines) and 100 addresses for each: ours and the real sendmail (REAL; "-":
there is none) answer the same on the same configuration, and the real one says nothing when it reads it."""
import collections, functools, os, random, re, subprocess, sys

real, ours, tables = sys.argv[1:4]
here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(here, '../lib'))
from kept import run  # noqa: E402
from tap import end, ok  # noqa: E402

BASE = {'MY_NAME': 'host', 'MY_DOMAIN': 'dom.example'}
CLIENT = ['.D{client_addr}192.0.2.77', '.D{client_name}c.foreign.example', '.D{client_resolve}OK']


def assignments(text):
    return dict(re.findall(r"(\w+)=('[^']*'|\S*)", text.replace('@TBL@', tables)))


@functools.lru_cache(None)
def generate_once(values):
    name = 'set%d' % generate_once.cache_info().currsize
    with open(name + '.def', 'w') as f:
        f.writelines('%s=%s\n' % kv for kv in values)
    p = subprocess.run([ours, 'cfgen', '-o', name + '.cf', name + '.def'], capture_output=True)
    return name, p.returncode == 0 and not p.stderr, p.stderr.decode()


def generate(values):
    """A configuration's name, whether it was made without a word, and the words."""
    return generate_once(tuple(values.items()))


def ask(cmd, name, lines):
    _, out, errors = run(cmd + ['-C', name + '.cf', '-bt'], ('\n'.join(lines) + '\n').encode())
    return [x.strip('\n') for x in re.split(r'^(?:> )+', out.decode(), flags=re.M)[1:]], errors.decode()


def last_line(answers):
    lines = [l for x in answers for l in x.splitlines()]
    return [re.sub(' +', ' ', lines[-1])] if lines else []


# (configuration, client): the lines that are asked there and set nothing, and their last lines.
asked = collections.defaultdict(dict)


def verdict(name, probe, client):
    if probe == 'cf':
        return open(name + '.cf').read().splitlines()
    given = CLIENT if client else []
    known = asked[name, client]
    if probe not in known:
        return last_line(ask([ours, 'sendmail'], name, given + probe.split(';'))[0])
    if None in known.values():
        out, _ = ask([ours, 'sendmail'], name, given + list(known))
        while out and not out[-1]:
            out.pop()
        if len(out) != len(known):
            return ['%d answers to %d lines' % (len(out), len(known))]
        known.update(zip(known, map(last_line, ([x] for x in out))))
    return known[probe]


def flips():
    rows = []
    for line in open(os.path.join(here, 'cfgen.flips')):
        if line.startswith('#'):
            continue
        beside, flip, probe, want = line.rstrip('\n').split('\t', 3)
        rows.append((assignments(beside), assignments(flip), probe, want, '@CLIENT' in beside))
    for beside, flip, probe, want, client in rows:
        for values in {**BASE, **beside}, {**BASE, **beside, **flip}:
            if probe != 'cf' and ';' not in probe:
                asked[generate(values)[0], client][probe] = None
    for beside, flip, probe, want, client in rows:
        flip_name = ' '.join('%s=%s' % kv for kv in flip.items())
        name, good, said = generate({**BASE, **beside, **flip})
        base, without, said2 = generate({**BASE, **beside})
        a, b = verdict(name, probe, client), verdict(base, probe, client)
        want = want.replace('@TBL@', tables)
        ok(good and without and want in a and want not in b, 'flip %s: %s' % (flip_name, probe),
           said, said2, 'want ' + want, *(['with ' + str(a), 'without ' + str(b)] if probe != 'cf' else []))
    return rows


DOMAINS = ['', '@host', '@host.dom.example', '@dom.example', '@any', '@x.any.dom.example', '@localhost',
           '@acc.example', '@x.acc.example', '@v.example', '@t.example', '@far.example', '@x.far.example',
           '@near.example', '@one.example', '@x.two.example', '@h.bitnet', '@h.junet', '@h.csnet', '@h.UUCP',
           '@[192.0.2.9]', '@[IPv6:2001:db8::1]', '@www', '@ftp.example', '@more.example', '@old.example',
           '@x.old.example', '@pub.example', '@host.dom.example.', '@HOST.DOM.EXAMPLE', '@a@b', '@']
USERS = ['bob', 'alice', 'user1', 'user2', 'user6', 'info', 'john.doe', 'bob+x', '"q u"', 'a!b', 'a%b', 'postmaster']
ODD = ['<>', '<@>', '@', '@x', 'N N <bob@any>', '<bob>', '(c) bob@any', 'bob@any (c)', 'list:a@any;', 'list: ;', '@a,@b:c@d',
       '<@a:b@c>', 'a b@c', '"', 'a"b', '|prog', '/var/x', '\\bob', 'x@.any', 'x@any..', 'a.b!c!d', '<<bob@any>>']


def addresses(rng):
    out = list(ODD)
    while len(out) < 100:
        out.append(rng.choice(USERS) + rng.choice(DOMAINS))
    return out


def compare(values, rng):
    name, good, said = generate(values)
    text = open(name + '.cf').read()
    sets = re.findall(r'^S(\w+)', text, re.M)
    lines = list(CLIENT) if rng.random() < .6 else []
    for a in addresses(rng):
        for chain in ('3,0', 'check_rcpt', '3,1,EnvFrom,4', '3,HdrFrom,4', '3,HdrTo,4', '3,EnvTo,4', 'check_canonify'):
            last = chain.split(',')
            if all(x in sets or x.isdigit() for x in last) and (chain != '3,0' or 'parse' in sets):
                lines.append('%s %s' % (chain, a))
    for m in ('smtp', 'relay'):
        for flags in ('ES', 'HS', 'ER', 'HR'):
            lines += ['/tryflags ' + flags] + ['/try %s %s' % (m, a) for a in addresses(rng)[-4:]]
    for s, arg in (('Auth', 'hub.example'), ('tls_server', 'NONE'), ('tls_server', 'OK')):
        if s in sets:
            lines.append('%s %s' % (s, arg))
    b, errors = ask([ours, 'sendmail'], name, lines)
    a, messages = ask([real], name, lines)
    wrong = [(l, x, y) for l, x, y in zip(lines, a, b) if x != y]
    old = re.search('^V[678]/', text, re.M) or '-check' in values.get('CF_TYPE', '')
    quiet = not messages or (old and messages.count('\n') <= 2 and 'out of date' in messages)
    ok(good and not wrong and len(a) == len(b) and quiet and len(lines) > 100, 'real sendmail: ' + ' '.join(
        '%s=%s' % kv for kv in values.items() if kv[0] not in BASE), said, messages, errors, '%d of %d differ, %d and %d answers' % (
            len(wrong), len(lines), len(a), len(b)), *['> %s\nreal:\n%s\nours:\n%s' % w for w in wrong[:2]])


rows = flips()
if real != '-':
    rng = random.Random(1)
    for beside, flip, probe, want, client in rows:
        if probe != 'cf' or re.search('RELAY|CF_TYPE|MILTER|LISTEN|TLS|DNS|MAX|RATE', str(flip)):
            compare({**BASE, **beside, **flip}, rng)
    for _ in range(30):
        one, two = rng.sample(rows, 2)
        compare({**BASE, **one[0], **one[1], **two[0], **two[1]}, rng)
end()
