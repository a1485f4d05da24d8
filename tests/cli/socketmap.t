#!/bin/sh
# Socket maps in the daemon: a server that is slow, silent or wrong keeps nobody waiting but those
# whose addresses it is asked for.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
server_setup mbox
export HOME=$T/home LETTERBOX_ALIASES="$T/aliases"
need python3
{
    printf 'many: '
    for n in $(seq 1 100); do printf 'm%d@many.test, ' "$n"; done
    echo u4
} >"$T/aliases"
chmod 644 "$T/aliases"
ask=$(free_port)
none=$(free_port)
{
    letterbox cfgen | sed "s/^O DeliveryMode=.*/O DeliveryMode=background/
        s/^O SuperSafe=.*/O SuperSafe=true/
        s/^Scheck_rcpt/&\\
R<u1+\$-@\$*>	\$: ASKED \$(ask \$1 \$: none \$) \$(ask more.\$1 \$: none \$)\\
R<u2+\$-@\$*>	\$: ASKED \$(near \$1 \$: none \$)\\
R<u3+\$-@\$*>	\$: ASKED \$(no \$1 \$: none \$)\\
R<u4+\$-@\$*>	\$: ASKED \$(optional \$1 \$: none \$)\\
RASKED \$*<T>\$*	\$#error\$@4.3.0\$: 451 not known now: \$1\\
RASKED \$*none\$*	\$#error\$@5.7.1\$: 550 nobody:none\\
RASKED \$*	\$#error\$@5.7.2\$: 550 found: \$1/
        s/^Sparse=0/&\\
R\$+<@many.test\$*>\$*	\$#discard\$:\$(ask \$1 \$: none \$)/"
    cat <<C
Kask socket -T<T> inet:$ask@127.0.0.1
Knear socket -T<T> local:$T/near
Kno socket -T<T> inet:$none@127.0.0.1
Koptional socket -o -T<T> inet:$none@127.0.0.1
C
} >"$T/test.cf"
cat >"$T/ask.py" <<'P'
import os
import select
import socket
import subprocess
import sys

sys.path.insert(0, os.environ['ROOT'] + '/tests/lib')
import smtp  # noqa: E402

what, port, place = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if place.startswith('/'):
    server = socket.socket(socket.AF_UNIX)
    server.bind(place)
    os.chmod(place, 0o777)
else:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(('127.0.0.1', int(place)))
server.listen(0 if what == 'crowded' else 128)
server.settimeout(60)


def question():
    """The next one: its connection and its key."""
    c = server.accept()[0]
    c.settimeout(60)
    text = b''
    while not text.endswith(b','):
        got = c.recv(4096)
        assert got, text
        text += got
    return c, text[:-1].split(b' ')[1].decode()


def say(c, text):
    c.sendall(b'%d:%s,' % (len(text), text.encode()))
    c.close()


def serve(want, text):
    """Answers a question, which must be that."""
    c, key = question()
    assert key == want, (key, want)
    say(c, text)


def begin(user):
    s = smtp.ehlo(port)
    s.cmd('MAIL FROM:<a@elsewhere.test>')
    s.send('RCPT TO:<%s@example.test>\r\n' % user)
    return s


def answer(s, status, words):
    got = s.reply()
    assert got.startswith(status) and got.endswith(':' + words), (got, words)


def silent(s):
    assert not select.select([s.s], [], [], 0)[0], s.reply()


def others():
    """Another session is served while one waits, whose two answers are both of use."""
    s = begin('u1+slow')
    c, key = question()
    assert key == 'slow', key
    other = smtp.ehlo(port)
    other.begin(('u2',))
    silent(s)
    say(c, 'OK first')
    serve('more.slow', 'OK second')
    answer(s, '550 5.7.2', 'first second')
    # Nothing is kept for the next one, who may have gone before it is there.
    s.send('RCPT TO:<u1+slow@example.test>\r\n')
    c, key = question()
    assert key == 'slow', key
    s.s.close()
    other.cmd('RSET')
    say(c, 'NOTFOUND ')
    serve('more.slow', 'NOTFOUND ')


def never():
    """No answer is one for now, as is what is none; who has nothing else to do waits once."""
    alone = subprocess.Popen(('sendmail', '-C', sys.argv[4], '-bt'), text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    alone.stdin.write('/map ask alone\n' * 2)
    alone.stdin.flush()
    held = [question()]
    assert held[0][1] == 'alone', held
    waiting = [begin('u1+never') for _ in range(3)]
    held += [question() for _ in waiting]
    for text in (b'nonsense which has no end', b'9999999:', b'2:OK no,', b'5:OK no', b'',
                 b'7:TEMP no,', b'10:TIMEOUT no,'):
        s = begin('u1+now')
        c, _ = question()
        c.sendall(text)
        c.close()
        serve('more.now', 'OK x')
        answer(s, '451 4.3.0', 'now')
    for s in waiting:
        c, key = question()
        assert key == 'more.never', key
        say(c, 'OK x')
        answer(s, '451 4.3.0', 'never')
    for c, _ in held:
        assert c.recv(1) == b'', 'nobody is waited for any longer'
    said = alone.communicate()[0]
    assert said.count('no match (75)') == 2, said
    assert not select.select([server], [], [], 0)[0], 'it was asked again'


def pieces():
    s = begin('u2+part')
    c, _ = question()
    for octet in b'15:OK a part of it,':
        c.sendall(bytes((octet,)))
    answer(s, '550 5.7.2', 'a part of it')


def crowded():
    """A Unix socket with room for few takes one after the other."""
    waiting = [begin('u2+some') for _ in range(12)]
    for _ in waiting:
        serve('some', 'OK one')
    for s in waiting:
        answer(s, '550 5.7.2', 'one')


def many():
    """The names of a list are asked for together."""
    s = smtp.ehlo(port)
    s.message('to a list\r\n', rcpts=('many',))
    held = [question() for _ in range(64)]
    assert not select.select([server], [], [], 0)[0], 'more than are allowed'
    keys = {key for _, key in held}
    for c, _ in held:
        say(c, 'OK x')
    while len(keys) < 100:
        c, key = question()
        keys.add(key)
        say(c, 'OK x')
    # Now each of them has its own turn.
    keys = set()
    while len(keys) < 100:
        c, key = question()
        keys.add(key)
        say(c, 'OK x')


def absent():
    answer(begin('u3+x'), '451 4.3.0', 'x')
    answer(begin('u4+x'), '550 5.7.1', 'none')


globals()[what]()
P
export ROOT
server_smtp -C "$T/test.cf" || fail "the daemon starts"
nok "the file is in order" grep 'test.cf: line' "$T/smtp.log"
asked() { # NAME WHAT PLACE
    ok "$1" python3 "$T/ask.py" "$2" "$SMTP" "$3" "$T/test.cf"
}
asked "a session that does not need the map is answered while another waits for it" others "$ask"
asked "no answer, or a wrong one, is a failure for now" never "$ask"
asked "an answer in pieces" pieces "$T/near"
rm -f "$T/near"
asked "a server with little room" crowded "$T/near"
asked "a server that is not there" absent 0
asked "a list of many" many "$ask"
ok "which all are delivered to" wait_for 20 has_mail u4 1
nok "no sanitizer report in the log" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/smtp.log"
ok "the daemon ends" stop_daemon smtp
