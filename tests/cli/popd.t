#!/bin/sh
# popd: options, sessions, limits, ends; what the RFCs say, octet by octet.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/checks.sh"

make_mbox() { # USER
    {
        printf 'From a@b.example Tue Nov 24 03:18:05 2026\nSubject: 1\n\none\n.dot\n..\n>From here\n\n'
        printf 'From a@b.example Tue Nov 24 03:18:06 2026\nSubject: 2\n\n\n'
        printf 'From a@b.example Tue Nov 24 03:18:07 2026\nSubject: 3\n\n'
        awk 'BEGIN { for (i = 0; i < 3000; i++) printf "%0" (i % 900 + 1) "d\n", i }'
        printf '\n'
    } >"$T/mail/$1"
    own "$T/mail/$1" "$1"
}

make_maildir() { # USER
    mkdir -p "$T/mail/$1/new" "$T/mail/$1/cur" "$T/mail/$1/tmp"
    printf 'Subject: 1\n\none\n.dot\nFrom here\n' >"$T/mail/$1/cur/1000.M1P1.h:2,S"
    printf 'Subject: 2\n\n\n' >"$T/mail/$1/new/1001.M1P1.h"
    awk 'BEGIN { print "Subject: 3\n"; for (i = 0; i < 3000; i++) printf "%0" (i % 900 + 1) "d\n", i }' \
        >"$T/mail/$1/new/1002.M1P1.h"
    own "$T/mail/$1" "$1"
}

own() { # PATH USER
    [ "$ME" != 0 ] || chown -R "2000${2#u}:2000${2#u}" "$1"
}

start_pop() { # OPTION...
    start_daemon pop popd -f -l "127.0.0.1:$POP" -t "127.0.0.1:$POPS" "$@"
    wait_port "$POP" pop || { diag "popd: $(tail -n 20 "$T/pop.log")" && return 1; }
}

exits 64 "an unknown option" popd --nonsense
like "$(cat "$T/err")" 'usage: popd' "shows the usage"
exits 64 "an argument that is missing" popd -l
exits 64 "an operand" popd -f x
exits 78 "a listener that is none" popd -f -l nonsense
exits 78 "a mailbox template that is none" popd -f -l "127.0.0.1:$(free_port)" -m relative/%u
exits 78 "a number that is none" popd -n many

server_setup mbox
for user in u1 u2; do make_mbox $user; done
start_pop
ok "one of everything, mbox" pop session "$POP" u1
ok "a whole session in one write" pop pipeline "$POP" u1
ok "an input that ends early" pop half_close "$POP" u1
ok "ten thousand commands in flight" pop deep_pipeline "$POP" u1
ok "a client that reads nothing" pop no_reader "$POP" u1
ok "two sessions exclude each other" pop in_use "$POP" u1
ok "a dropped connection deletes nothing" pop drop "$POP" u1
ok "AUTH PLAIN" pop sasl "$POP"
ok "garbage" pop garbage "$POP"
ok "cleartext behind STLS" pop injection "$POP"
ok "three wrong passwords, each after a while" pop wrong "$POP"
like "$(grep 'login failed' "$T/pop.log" | head -n 1)" \
    'login failed: ip=127\.0\.0\.1, tls=no, reason=wrong password, user=u1$' "their log line"
ok "an unknown user" pop unknown "$POP"
cp "$T/mail/u1" "$T/before"
ok "delete the second of three" pop delete "$POP" u1 2
like "$(cat "$T/pop.log")" 'logout: ip=127\.0\.0\.1, retrieved=0, deleted=1, octets=[0-9]+, end=quit, user=u1$' \
    "its log line"
is "$(grep -c '^Subject: ' "$T/mail/u1")$(grep -c '^Subject: 2' "$T/mail/u1")" 20 "it is gone"
printf 'From a@b.example Tue Nov 24 03:18:09 2026\nSubject: 4\n\nnew\n\n' >>"$T/mail/u1"
ok "the others and a new one are there" pop count "$POP" u1 3
ok "delete all" pop delete "$POP" u1 1,2,3
is "$(wc -c <"$T/mail/u1")" 0 "the mailbox is empty"
is "$(ls -A "$T/mail" "$T/home")" "$(printf '%s\n' "$T/home:" '' "$T/mail:" u1 u2)" "nothing is left over"
ok "ends on SIGTERM with status 0" stop_daemon pop
rm -f "$T/mail/u1"

server_setup maildir
rm -rf "$T/mail/u1" "$T/mail/u2"
for user in u1 u2; do make_maildir $user; done
start_pop
ok "one of everything, Maildir" pop session "$POP" u1
ok "a whole session in one write" pop pipeline "$POP" u1
ok "ten thousand commands in flight" pop deep_pipeline "$POP" u1
ok "two sessions exclude each other" pop in_use "$POP" u1
ok "a dropped connection deletes nothing" pop drop "$POP" u1
ok "delete the second of three" pop delete "$POP" u1 2
is "$(ls "$T/mail/u1/new" "$T/mail/u1/cur" | grep -c .M1P1)" 2 "it is gone"
wait_for 10 sh -c "! ls $T/mail/u1/tmp | grep -q ." || fail "tmp/ is empty again"
ok "ends on SIGTERM with status 0" stop_daemon pop
nok "no sanitizer report" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/pop.log"

start_pop -n 5 -T 1
ok "as many sessions as allowed" pop full "$POP" 5
sleep 1.5
ok "an idle client is told and left" pop timeout "$POP"
stop_daemon pop
start_pop -s 3 -r
ok "as many sessions of one address as allowed" pop full "$POP" 3
stop_daemon pop
start_pop -r
ok "-r: no login without TLS" pop plain_refused "$POP"
stop_daemon pop

mkdir "$T/run"
ok "without -f it goes to the background" \
    popd -l "127.0.0.1:$POP" -P "$T/run/pop.pid" -n 1500
cp "$T/run/pop.pid" "$T/pop.pid" && : >"$T/pop.log"
ok "and answers at once" pop count "$POP" u1 2
net=$(pgrep -P "$(cat "$T/pop.pid")" | head -n 1)
most=8192
[ "$BUILD" = release ] || most=1000000
ok "1000 sessions before login, in 8 KiB each" pop many "$POP" 1000 "$net" $most
diag "$(cat "$T/out")"
ok "1000 slow ones" pop slow "$POP" 1000
kill -9 "$net"
wait_for 10 pop count "$POP" u1 2 || fail "a net that died is started again"
kill "$(cat "$T/pop.pid")"
ok "ends and takes its pid file along" wait_for 10 sh -c "! [ -e $T/run/pop.pid ]"
rm -f "$T/pop.pid"

printf 'USER u1\r\nPASS pw-u1\r\nSTAT\r\nQUIT\r\n' >"$T/in"
ok "-i on pipes" sh -c "popd -i <'$T/in' | cat"
like "$(cat "$T/out")" '^\+OK 2 ' "serves one session"
ok "-i on a file" popd -i <"$T/in"
ok "-i on a socket" python3 - "$T/bin/popd" <<'END'
import socket, subprocess, sys
a, b = socket.socketpair()
p = subprocess.Popen([sys.argv[1], '-i'], stdin=b, stdout=b, stderr=b)
b.close()
a.sendall(b'USER u1\r\nPASS pw-u1\r\nSTAT\r\nQUIT\r\n')
got = b''
while True:
    x = a.recv(4096)
    if not x:
        break
    got += x
assert b'+OK 2 ' in got and got.count(b'\n') == 5, got
assert p.wait(20) == 0
END
ok "sockets of a service manager" python3 - "$T/bin/popd" <<'END'
import os, poplib, socket, subprocess, sys
a = socket.socket()
a.bind(('127.0.0.1', 0))
a.listen()
def child():
    os.dup2(a.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ['LISTEN_PID'] = str(os.getpid())
    os.environ['LISTEN_FDS'] = '1'
pid = os.fork()
if pid == 0:
    child()
    os.execv(sys.argv[1], ['popd', '-f'])
p = poplib.POP3('127.0.0.1', a.getsockname()[1], timeout=20)
p.user('u1')
p.pass_('pw-u1')
assert p.stat()[0] == 2
p.quit()
os.kill(pid, 15)
assert os.waitpid(pid, 0)[1] == 0
END
