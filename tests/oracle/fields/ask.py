"""ask.py FOLDER PROGRAM...: header fields, each in a message of its own by -bs; what is answered."""
import subprocess, sys

OWN = 'From: a@b.example\r\nDate: Tue, 24 Nov 2026 03:18:00 +0000\r\nMessage-Id: <1@b.example>\r\n'
FIELDS = ['Subject: foo (c) bar "q" x\r\n', 'Subject: a fine one\r\n', 'Subject:\r\n', 'Subject: a\r\n  b\tc\r\n',
          'X-Comment: foo (c) bar\r\n', 'X-Other: so bad x\r\n', 'X-Other: later (bad)\r\n', 'To: a,\r\n b\r\n',
          'X-Discard: z\r\n', 'X-Hold: z\r\n', 'X-Long: ' + 'x' * 400 + ' bad\r\n', 'X-A: bad\r\nSubject: last\r\n',
          'Subject: first\r\nX-A: bad\r\n', 'X-1: 2\r\nX-2: 3\r\n', '']
for fields in FIELDS:
    p = subprocess.Popen(sys.argv[2:] + ['-C', sys.argv[1] + '/fields.cf', '-bs'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def answer():
        while True:
            line = p.stdout.readline().decode('latin-1')
            if line[3:4] != '-':
                return line.strip()
    answers = [answer()]
    for c in ('HELO b.example', 'MAIL FROM:<a@b.example>', 'RCPT TO:<root>', 'DATA', OWN + fields + '\r\nbody\r\n.', 'QUIT'):
        p.stdin.write((c + '\r\n').encode())
        p.stdin.flush()
        answers.append(answer())
    p.wait()
    said = answers[5].split()
    if said[:1] == ['250']:
        said = ['250', 'accepted']
    print(repr(fields)[:40], answers[4][:3], ' '.join(said))
