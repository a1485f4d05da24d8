"""compare.py REAL OURS PAIRS SEED: in a folder of .cf files, asks both programs the
same address test lines and prints TAP, one test for each file.

Addresses come from a list and from a small grammar; rulesets from the file itself.
KNOWN names the differences that stay, with their reasons."""
import difflib, os, random, re, sys

sys.dont_write_bytecode = True
from kept import once, run  # noqa: E402

real, ours, pairs, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
KNOWN = [
    (re.compile(r'^.*Sendmail 8\.17'), 'the version number'),
    (re.compile(r'^(BadMX|Canonify2) +input: .*\\[.\[]', re.M), 'a backslash in a name that DNS is asked for'),
]
# Messages that only one of the two can have: a database file, another regular expression library.
SPARED = re.compile(r'\.db: No such file|pattern-compile-error|^Warning: Option: |missing map file|^letterbox\[')
# The real program answers for [name] what the resolver said last about something else.
STALE = re.compile(r'^(?:[^\n]*\](?:: Name server timeout|\.\.\. Transient parse error[^\n]*)|'
                   r'== Ruleset [^\n]* status 75)\n', re.M)
LISTED = '''bob|alice|root|carol|nobody|user@remote.example|user@mail.test.example|User@Mail.Test.Example
bob@localhost|user@mx|user@mx.test.example|bob@v.example|info@v.example|none@v.example|bad@v.example
temp@v.example|plus+x@v.example|any@w.example|bob+det@mail.test.example|bob+|+x|x@smtp.example
x@a.sub.example|x@sub.example|x@local.example|x@user.example|x@err.example|x@host.example|x@br.example
x@multi.example|u@old.example|u@short|u@long|u@r.example|u@a.r.example|u%r.example@mail.test.example
u%a%b@mail.test.example|a!b|a!b!c|a!b@c|host.example!u|mail.test.example!u|u@host.UUCP|u@x.BITNET
u@x.DECNET|dec::u|u@host.REDIRECT|u@v.example.REDIRECT|@a,@b:c@d|<@a:b@c>|<u@remote.example>|<>|@
u@|@b|u@b@c|u@[192.0.2.9]|u@[IPv6:2001:db8::1]|u@[host]|"q u"@remote.example|"q u"|"a@b"|"u"@remote.example
"a\\"b"@c|a\\@b|\\bob|(c) u@remote.example|u@remote.example (c)|N N <u@remote.example>|"N. N" <u@b.example>
u@remote.example.|u@remote.example..|u@.remote|u@a..b|.u@b|u.@b|a b@c|a,b|u@b,c@d|list:u@b;|list: ;|/dev/null
/var/mail/x|"/var/mail/x"|"|prog x"|\\|prog|:include:/x|u=x@b|u&x|u|v|a:b|a::b|x@dave.l.example|dave@l.example
moved@l.example|other@l.example|bob@g.example|x@x.g.example|alice@mail.test.example|spam@bad.example
u@bad.example|u@ok.example|u@relay.example|u@disc.example|u@quar.example|rcpt@v.example|u@from.example
u@a.dot.example|user@anywhere.example|friend@mail.test.example|u@q.example|u@skip.example|x"y|x<y|x>y|x(y|x)y'''
LISTED = [a for l in LISTED.splitlines() for a in l.split('|') if a]
ATOMS = ['a', 'bob', 'Alice', 'x1', 'mail', 'test', 'example', 'mx', 'localhost', 'v', 'remote', 'UUCP',
         '"q"', '"a b"', '[', ']', '\\', 'key', 'UPPER', 'one', '2', '17']
OPS = ['.', '@', '!', '%', ':', '/', '+', '<', '>', ',', ';', ' ', '$', '^', '&', '=', '*', '|', '(c)', '~']
SETUP = ['.D{client_addr}192.0.2.77', '.D{client_name}u.relay.example', '.D{client_resolve}OK',
         '.Df<alice@remote.example>', '.D{mail_addr}alice@remote.example', '.Dsother.example']
KEYS = ['abc', 'abbbc', 'a', '"a"', 'A', '"a b"', '"a.b"', 'root', 'none', 'Root', '+', '', 'a b', 'one', 'UPPER', '17',
        'abc ARG 1', '"a b" ARG 1,2', '{u} ARG x', '+ ARG 3', '/ ARG 0', 'key two', '1.2.3.4', '::1', '#']


def address(rng):
    if rng.random() < .45:
        return rng.choice(LISTED)
    if rng.random() < .5:
        dom = '.'.join(rng.choice(ATOMS[:11]) for _ in range(rng.randint(1, 4)))
        return rng.choice(ATOMS[:11]) + rng.choice(['@', '@', '!', '%', '+']) + dom
    return ''.join(rng.choice(ATOMS) + (rng.choice(OPS) if rng.random() < .8 else '')
                   for _ in range(rng.randint(1, 7)))


def inputs(text, rng, n):
    sets = re.findall(r'^S([A-Za-z]\w*|\d+)', text, re.M)
    mailers = re.findall(r'^M(\w+)', text, re.M)
    chains = ['3,0', '3', '0', '4', '3,1,4', '3,2,4', '3,0,4']
    for env in ('EnvFromSMTP', 'HdrFromSMTP', 'EnvToSMTP', 'EnvFromL', 'HdrFromL', 'HdrToL', 'MasqEnv'):
        if env in sets:
            chains.append('3,1,%s,4' % env)
    lines = ['=S' + s for s in sets] + ['=M', '$j', '$w', '$m', '$=w', '$=P', '$=R']
    for _ in range(n):
        what, addr = rng.random(), address(rng)
        if what < .35:
            lines.append('%s %s' % (rng.choice(chains), addr))
        elif what < .65:
            lines.append('%s %s' % (rng.choice(sets), addr))
        elif what < .8:
            lines.append('/parse ' + addr)
        elif what < .97:
            flags = rng.choice(['ES', 'ER', 'HS', 'HR'])
            lines += ['/tryflags ' + flags, '/try %s %s' % (rng.choice(mailers), addr)]
        else:
            lines += ['-d21.12', '3,0 ' + addr, '-d21.0']
    # These say at another moment than ours what is wrong with them.
    for m in re.findall(r'^K(?!sw|us4)(\w+)', text, re.M)[:60]:
        lines += ['/map %s %s' % (m, k) for k in rng.sample(KEYS, 3)]
        if 'k' + m in sets:
            lines += ['k%s %s' % (m, k) for k in KEYS]
    if rng.random() < .5:
        lines = SETUP + lines
    return lines


def answers(cmd, cf, lines):
    cmd, given = cmd + ['-C', cf, '-bt'], ('\n'.join(lines) + '\n').encode('latin-1')

    def ask():
        return run(cmd, given)[1:]
    out, errors = (x.decode('latin-1') for x in (once(ask, cmd, given) if cmd[0] == real else ask()))
    # What was said of the file: some of it on standard error, which of the two depends on the program.
    said = (out.split('ADDRESS TEST')[0] + errors).replace('8.17.1.9', '8.17.1').splitlines()
    said = [l for l in said if not SPARED.search(l)]
    parts, at = [], re.search(r'^> ', out, re.M)
    for x in re.split(r'(?:(?<=\n)|\A)> ', out)[1:]:
        while x.startswith('> '):
            parts.append('')
            x = x[2:]
        parts.append(x)
    return sorted(said), parts[:-1] if at else []


def same(line, a, b):
    if re.search(r'(?m)^\[.*\]: Name server timeout', a):
        a, b = (STALE.sub('', x).replace('Rcode = 75', 'Rcode = 0') for x in (a, b))
    if a == b or (line.startswith('$=') and sorted(a.split('\n')) == sorted(b.split('\n'))):
        return True
    return any(k.search(a) and k.search(b) for k, _ in KNOWN)


total = bad = number = 0
files = sorted(f for f in os.listdir('.') if f.endswith('.cf'))
for cf in files:
    rng = random.Random('%s %d' % (cf, seed))
    lines = inputs(open(cf, encoding='latin-1').read(), rng, 15 if cf == 'canon.cf' else pairs)
    (sa, a), (sb, b) = answers([real], cf, lines), answers([ours, 'sendmail'], cf, lines)
    wrong = [(l, x, y) for l, x, y in zip(lines, a, b) if not same(l, x, y)]
    if len(a) != len(lines) or len(b) != len(lines):
        wrong.append(('(number of answers)', '%d of %d\n' % (len(a), len(lines)), '%d\n' % len(b)))
    if sa != sb:
        wrong.insert(0, ('(messages)', '\n'.join(sa), '\n'.join(sb)))
    total += len(lines)
    bad += len(wrong)
    number += 1
    print('%sok %d - oracle %s: %d lines, %d differ' %
          ('not ' if wrong else '', number, cf, len(lines), len(wrong)), flush=True)
    for l, x, y in wrong[:3]:
        print('# > %s' % l)
        for d in list(difflib.unified_diff(x.splitlines(), y.splitlines(), 'real', 'ours', '', '', 1))[2:14]:
            print('#   ' + d.strip('\n'))
print('1..%d' % number)
print('# %d lines, %d differ' % (total, bad))
sys.exit(bad != 0)
