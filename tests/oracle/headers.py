"""headers.py REAL PEER DIR MESSAGES SEED: sends messages through the real sendmail, whose
mailers write into DIR/out what they get, and compares the headers with those that PEER makes
from DIR/header.cf.  Prints TAP, one test for each mailer."""
import difflib, os, random, re, subprocess, sys

sys.dont_write_bytecode = True
from kept import once  # noqa: E402

real, peer, dir, count, seed = sys.argv[1:4] + [int(sys.argv[4]), int(sys.argv[5])]
MAILERS = ['cap1', 'cap2', 'cap3', 'cap4', 'cap5']
SENDERS = ['alice', 'alice@mail.test.example', 'bob@remote.example', '', 'Carol@Mail.Test.Example',
           'x!y', 'alice@gen.example', 'u%v@mx.test.example', '"q u"@remote.example']
ADDRS = ['alice', 'bob@mail.test.example', 'u@remote.example', 'Alice <alice>', '<bob@mx>',
         '"C, D" <carol@mail.test.example>', 'user@remote.example (Comment)', 'x!y', 'a%b@c.example',
         'G: a@b, c;', 'undisclosed-recipients:;', '"q u"@x.example', 'A B C <u@remote.example>',
         '=?utf-8?q?x=C3=A9?= <a@b.example>', 'J\xf6rg <jorg@b.example>', 'M\xc3\x89 <m@b.example>',
         '(only comment)', '<>', 'a@b@c', 'a b@c.example', '@a,@b:c@d.example', '"unbalanced <a@b>',
         'alice@gen.example', 'root@localhost', 'root', 'u@[192.0.2.9]', 'u.v+w@b.example',
         'Very Long Name Indeed Of Somebody <' + 'l' * 50 + '@' + 'd' * 30 + '.example>',
         'Alice A. <alice@mail.test.example>', 'a@b.example.', 'x y z', "o'k@b.example", 'a\\,b@c.d']
FIELDS = ['From', 'To', 'Cc', 'Reply-To', 'Sender', 'Errors-To', 'Resent-To', 'Resent-From',
          'Apparently-To', 'Disposition-Notification-To', 'to', 'CC', 'Bcc']
PLAIN = ['Subject: hi', 'Subject:', 'Subject:no blank', 'X-Long: ' + 'a' * 40 + ' ' + 'b' * 70,
         'Subject: folded\n\tline', 'X-Eight: \xc3\xa9\x85', 'Return-Path: <bogus@x>', 'Full-Name: F N',
         'Content-Length: 33', 'Received: from a by b; now', 'Comments: own', 'X-Default: own',
         'Date: Thu, 1 Jan 1970 00:00:00 +0000', 'Message-Id: <own@x>', 'Message-ID: <b>', 'Via: x',
         'Resent-Date: then', 'X-Empty: ', 'Content-Type: text/plain', 'Organization: x, <y>']


def message(rng):
    lines = []
    for _ in range(rng.randint(0, 5)):
        sep = rng.choice([', ', ', ', ', ', ',', ',\n\t', ' ,  '])
        n = rng.choice([1, 1, 1, 2, 3, 8])
        addrs = [rng.choice(ADDRS) for _ in range(n)]
        # An open quote makes one address of all: past 256 octets sendmail cuts it, we do not.
        if any(a.startswith('"unb') for a in addrs):
            addrs = ['"unbalanced <a@b>']
        lines.append('%s:%s%s' % (rng.choice(FIELDS), rng.choice([' ', ' ', ' ', '', '  ', '\n ']),
                                  sep.join(addrs)))
    lines += rng.sample(PLAIN, rng.randint(0, 5))
    rng.shuffle(lines)
    return '\n'.join(lines)


def session(said, sender, text, i):
    """One message; a session each, since the real program dies of some."""
    p = subprocess.Popen([real, '-C', dir + '/header.cf', '-bs', '-odi', '-OMaxHeadersLength=99999'],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def say(text, answers=1):
        try:
            p.stdin.write(text.encode('latin-1'))
            p.stdin.flush()
        except BrokenPipeError:
            return
        while answers:
            said.append(p.stdout.readline().decode('latin-1'))
            if not said[-1]:
                return
            answers -= said[-1][3:4] != '-'

    say('')
    say('EHLO x\r\n')
    say('MAIL FROM:<%s>\r\n%sDATA\r\n' % (sender, ''.join(
        'RCPT TO:<%d@%s.test>\r\n' % (i, m) for m in MAILERS)), 2 + len(MAILERS))
    say('%s\r\n\r\n@message %d\r\n.\r\n' % (text.replace('\n', '\r\n'), i))
    say('QUIT\r\n')
    said.append('exit %s\n' % p.wait())


def deliver(messages):
    """The headers that the mailers got: {(message, mailer): (sender, header)}."""
    said = []
    for i, (sender, text) in enumerate(messages):
        session(said, sender, text, i)
    got = {}
    for f in os.listdir(dir + '/out'):
        text = open(dir + '/out/' + f, encoding='latin-1', newline='').read()
        m = re.match(r'@mailer (.*)\n@sender (.*)\n((?:.*\n)*?)\n(?:.*\n)*@message (\d+)\n', text)
        if m:
            got[int(m[4]), m[1]] = m[2], m[3]
    if not got or os.environ.get('SAID'):
        print('# ' + '# '.join(said))
    return got


def ours(messages):
    records = ''.join('@sender <%s>\n@mailers %s\n%s\n@end\n' % (s, ' '.join(MAILERS), t)
                      for s, t in messages)
    p = subprocess.run([peer, dir + '/header.cf'], input=records.encode('latin-1'),
                       stdout=subprocess.PIPE, timeout=300)
    found = re.findall(r'@mailer (.*)\n@sender (.*)\n((?:.*\n)*?)@end\n', p.stdout.decode('latin-1'))
    return {(i // len(MAILERS), f[0]): f[1:] for i, f in enumerate(found)}


def norm(header):
    """What depends on the moment is the same in both."""
    header = re.sub(r'\AReceived:.*\n(?:[ \t].*\n)*', 'Received: OURS\n', header)
    header = re.sub(r'\A((?:From .*\n)?(?:Return-Path:.*\n)?)Received:.*\n(?:[ \t].*\n)*',
                    r'\1Received: OURS\n', header)
    header = re.sub(r'\w{3}, \d+ \w{3} 20\d\d \d\d:\d\d:\d\d \S+', 'DATE', header)
    header = re.sub(r'<20\d{10}\.\w+@', '<ID@', header)
    return re.sub(r'\A(From \S*) .*', r'\1 UNIXDATE', header)


rng = random.Random(seed)
messages = [(rng.choice(SENDERS), message(rng)) for _ in range(count)]
theirs, mine = once(lambda: deliver(messages), [real], messages), ours(messages)
bad = 0
for number, mailer in enumerate(MAILERS, 1):
    wrong, seen = [], 0
    for i in range(count):
        if (i, mailer) not in theirs:
            continue
        seen += 1
        a = '@sender %s\n%s' % (theirs[i, mailer][0], norm(theirs[i, mailer][1]))
        b = mine.get((i, mailer), ('', ''))
        b = '@sender %s\n%s' % (b[0], norm(b[1]))
        if a != b:
            wrong.append((i, a, b))
    ok = seen and not wrong
    bad += not ok
    print('%sok %d - header %s: %d messages, %d differ' % ('' if ok else 'not ', number, mailer, seen, len(wrong)))
    for i, a, b in wrong[:int(os.environ.get('SHOW', 2))]:
        print('# from <%s>\n#   | %s' % (messages[i][0], messages[i][1].replace('\n', '\n#   | ')))
        for d in list(difflib.unified_diff(a.splitlines(), b.splitlines(), 'real', 'ours', '', '', 0))[2:]:
            print('#   ' + repr(d))
print('1..%d' % len(MAILERS))
sys.exit(bad != 0)
