"""ask.py DIR PROGRAM...: one message to a recipient of each mailer of DIR/flags.cf; what each
mailer's program was started with and read, without what cannot be the same."""
import os, re, subprocess, sys, time

home, program = sys.argv[1], sys.argv[2:]
cf = open(home + '/flags.cf').read()
names = [n for n in re.findall(r'(?m)^M(\w+),', cf) if n not in ('local', 'prog')]
MESSAGE = ('From: Some One <Sender@a.example>\nTo: x\nSubject: s\n\nFrom the start\n.\n..dot\n%s\n8bit \351\n' % ('long ' * 30) +
           'x' * 1200 + '\nlast\n').encode('latin-1')


def same(text):
    """Fields that a submission adds have their own names and places; dates and identifiers differ."""
    text = re.sub(r'(?m)^Received: .*\n([ \t].*\n)*', '', text.replace('\r', '<cr>'))
    text = re.sub(r'(?m)^(From \S+ +)\w\w\w \w\w\w .\d \S+ \d{4}', r'\1DATE', text, count=1)
    text = re.sub(r'(?im)^(Date|Message-Id):.*?(<cr>)?(\n .*)?$', r'\1: X\2', text)
    head, _, body = text.partition('\n\n') if '<cr>\n<cr>\n' not in text else text.partition('\n<cr>\n')
    lines = head.split('\n')
    fields = sorted(l.lower() for l in lines if re.match(r'[A-Z][\w-]*:', l))
    return [l for l in lines if not re.match(r'[A-Z][\w-]*:', l)] + fields + body.split('\n')


# As many mailers as one configuration of ours may start.
for k in range(0, len(names), 7):
    some = names[k:k + 7]
    with open(home + '/some.cf', 'w') as f:
        f.write(re.sub(r'(?m)^M(\w+),.*\n', lambda m: m[0] if m[1] in some + ['local', 'prog'] else '', cf))
    p = subprocess.run(program + ['-C', home + '/some.cf', '-i', '-odi', '-f', 'Sender@a.example'] +
                       ['User.One@%s.Test' % n for n in some], input=MESSAGE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print('exit', p.returncode, p.stdout.decode('latin-1'))
    end = time.time() + 20
    while time.time() < end and [n for n in some if not os.path.exists(home + '/out/' + n)]:
        time.sleep(.05)
for n in names:
    path = home + '/out/' + n
    text = open(path, 'rb').read().decode('latin-1') if os.path.exists(path) else '(nothing)'
    print('==', n)
    for line in same(text.replace(home, '@DIR@')):
        print(n, repr(line))
