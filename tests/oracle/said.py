"""said.py REAL OURS DIR: what both programs say to the sessions, options, lines and rules in DIR,
as TAP; in a folder where NAME.cf of each NAME.in is.

Left out, since they differ:
- DeliveryMode and EightBitMode with wrong values in a file, which end the real program; empty C=, D= and /=.
- on the command line: UseMSP without RunAsUser ends the real one, which has a group to give up then;
  a number that is none is silently 0 there, which is no limit; ours says so and keeps the default;
  it writes some messages about times twice, for each urgency; a blank before a name of -O.
- unknown groups, urgencies of timeouts, words of PrivacyOptions, AliasFile, DontBlameSendmail, ResolverOptions, AuthOptions and TLS options, names of
  hosts and services in DaemonPortOptions, MailboxDatabase: of no effect here, or looked at when used.
- X lines and Milter options in detail: there are no milters.
- F lines of folders, programs that fail and maps; what the regular expression library says; the
  condition of a wrong H line; $& and $= at the end of a line.
- a map defined twice, which keeps its old file name in the real program when it has no new one.
- -d of other categories than 12, 20, 21 below 15, 33, 60 and 84: they show the real program's inside.
- $b and $d at another second; the order of $= (compare.py sorts it).
- $& of a macro that names others, in /try and /parse: the real one puts in its value at the very end.
- a digit of the status: /map with [ as its key, bestmx of a host without MX, Alias0 before it was used;
  -Z of dns maps and -z alone; $i, ${load_avg} and the classes {checkMIME...}; =Sa behind a wrong Sa=x.
- octets 0x80 to 0x9f in /try, which the real one takes for its own marks; $ or $& at a line's end.
- a missing table, for which the real one names FILE.db.
- of the command line: unknown options, -U, -T, -I and a wrong -M{ are accepted with a warning, since
  scripts have them; the texts of -h -1, -q-5, -qGnosuch and -bv -t; -bv leaves UTF-8 as it is."""
import difflib, re, shutil, socket, subprocess, sys, time

sys.dont_write_bytecode = True
import kept  # noqa: E402

real, ours, here = sys.argv[1:]
HEAD = ('V10/Berkeley\nO DontProbeInterfaces=True\n%sDjsaid.example\n'
        'Mlocal, P=/bin/mail, F=lsDFM, A=mail $u\nMprog, P=/bin/sh, F=l, A=sh -c $u\n%s\n')
QUEUE = 'O QueueDirectory=/tmp\n'
# Which stream a message goes to depends on the program.
CUT = re.compile(r'(?s)^.*?(?=ADDRESS TEST MODE)')
NUMBER = re.compile('option .* is not a number$')
number = failed = 0


def run(command, data, together, *what):
    """Status and output of a command; the real program's depends on what, besides its files."""
    def ask():
        return kept.run(command, data, together, 60)
    return kept.once(ask, command, data, together, *what) if command[0] == real else ask()


def answer(cmd, cf, data, *what):
    code, out, err = run(cmd + ['-C', cf, '-bt'], data, False, *what)
    out = out.decode('latin-1').replace('8.17.1.9', '8.17.1')
    if data:
        out = CUT.sub('', out)
    return code, out, err.decode('latin-1')


def point(what, a, b):
    global number, failed
    number += 1
    failed += a != b
    print('%sok %d - %s' % ('' if a == b else 'not ', number, what), flush=True)
    for d in list(difflib.unified_diff(a, b, 'real', 'ours', '', '', 1))[2:20] if a != b else []:
        print('#   ' + repr(d)[1:-1])


def unescape(s):
    return re.sub(r'\\(x..|\\)', lambda m: '\\' if m[1] == '\\' else chr(int(m[1][1:], 16)), s).encode('latin-1')


for name in ('plain', 'limits', 'errors'):
    for n, s in enumerate(open('%s/%s.in' % (here, name)).read().split('--\n')):
        data = unescape(s.replace('@A@', 'a' * 50))
        (ca, a, _), (cb, b, _) = (answer(c, name + '.cf', data) for c in ([real], [ours, 'sendmail']))
        point('%s.cf, session %d' % (name, n), ['exit %d' % ca] + a.split('\n'), ['exit %d' % cb] + b.split('\n'))


# Maps of the name system, where a server can be had.
if shutil.which('dnsmasq'):
    config = here + '/dns.conf'
    server = subprocess.Popen(['dnsmasq', '-k', '-C', config, '--pid-file='],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            if s.connect_ex(('127.0.0.1', 53)) == 0:
                break
        time.sleep(.1)
    data = unescape(open(here + '/dns.in').read())
    (ca, a, _), (cb, b, _) = (answer(c, 'dns.cf', data, open(config).read()) for c in ([real], [ours, 'sendmail']))
    point('maps that ask the name system', ['exit %d' % ca] + a.split('\n'), ['exit %d' % cb] + b.split('\n'))
    server.terminate()
    server.wait()


def messages(cf):
    r = []
    for cmd in ([real], [ours, 'sendmail']):
        code, out, err = answer(cmd, cf, b'')
        said = [l for l in (out + '\n' + err).split('\n') if l and not re.match('ADDRESS TEST|Enter <rule|>', l)]
        r.append(['exit %d' % code] + sorted(said))
    return r


wrong = [[], []]
for l in open(here + '/options').read().splitlines():
    open('one.cf', 'w').write(HEAD % (QUEUE, l))
    for w, x in zip(wrong, messages('one.cf')):
        w += [l] + x
point('options', *wrong)
for name, more in (('lines', ''), ('rules', 'S7\n')):
    open('many.cf', 'w').write(HEAD % ('' if name == 'lines' else QUEUE, more + open('%s/%s' % (here, name)).read()))
    point(name, *messages('many.cf'))
open('one.cf', 'w').write(HEAD % (QUEUE, 'S0\nR$+\t$#local $: $1'))
given = [[], []]
for l in open(here + '/given').read().splitlines():
    for g, cmd in zip(given, ([real], [ours, 'sendmail'])):
        code, out, _ = run(cmd + ['-C', 'one.cf'] + l.split() + ([] if '-b' in l else ['-bv', 'joe']), b'', True)
        out = out.decode('latin-1').replace('\0', '').split('\n')
        g += ['> %s: exit %d' % (l, code)] + [a for a, b in zip(out, out[1:]) if a != b and not NUMBER.match(a)]
point('options of the command line', *given)
print('1..%d' % number)
sys.exit(failed != 0)
