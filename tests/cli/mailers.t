#!/bin/sh
# Mailers of a sendmail.cf that are programs, and what the fields and flags of M lines ask for.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
server_setup mbox
export HOME=$T/home
root() { [ "$ME" = 0 ]; }
mkdir "$T/files"
chmod 777 "$T/files"
files=$T/files
for name in mda filter finish; do
    cat >"$T/$name" <<P
#!/bin/sh
{
    echo "$name \$(id -u) \$#"
    for word; do echo "<\$word>"; done
    cat
    echo "== end"
} >>"$files/$name.\$(id -u)"
P
done
chmod 755 "$T/mda" "$T/filter" "$T/finish"
# A server of the socketmap protocol, which knows one key.
cat >"$T/ask.py" <<'P'
import socketserver
import sys


class Ask(socketserver.StreamRequestHandler):
    def handle(self):
        size = b''
        while not size.endswith(b':'):
            size += self.rfile.read(1) or b':'
        name, key = self.rfile.read(int(size[:-1]) + 1)[:-1].decode().split(' ', 1)
        answer = 'OK found-' + key if (name, key) == ('ask', 'known') else 'NOTFOUND '
        self.wfile.write(b'%d:%s,' % (len(answer), answer.encode()))


socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer(('127.0.0.1', int(sys.argv[1])), Ask).serve_forever()
P
ask=$(free_port)
start_daemon ask python3 "$T/ask.py" "$ask"
wait_port "$ask" ask || fail "the map's server starts"
# The built-in configuration, with other mailers.
{
    letterbox cfgen | sed "/^Mlocal,/d
        s/^O DeliveryMode=.*/O DeliveryMode=background/
        s/^O SuperSafe=.*/O SuperSafe=true/
        s/^Sparse=0/&\\
R\$+<@filter.test.>\$*	\$#filter\$@\$1\$:\$1@filter.test\\
R\$+<@filter.test>\$*	\$#filter\$@\$1\$:\$1@filter.test\\
R\$+<@large.test.>\$*	\$#large\$@\$1\$:\$1\\
R\$+<@large.test>\$*	\$#large\$@\$1\$:\$1\\
R\$+<@ask.test\$*>\$*	\$#filter\$@\$(ask \$1 \$: none \$)\$:\$1@ask.test\\
R\$+<@finish.test\$*>\$*	\$#finish\$@x\$:\$1/"
    cat <<C
H?x?X-Mailer-Wants: yes
Kask socket inet:$ask@127.0.0.1
Scheck_compat
R\$* \$| \$*compat\$*	\$#error\$@5.7.1\$: 550 not those two
R\$* \$| \$*silent\$*	\$#discard\$: x
Scheck_data
R\$*	\$: \$&f
Rnodata@\$*	\$#error\$@5.7.1\$: 550 no text of yours
SFromL
Ru4<@\$*>	\$@four<@rewritten.test.>
Mlocal, P=$T/mda, F=lsDFMAw5:/|@qPnx9, S=FromL, R=0, T=DNS/RFC822/X-Unix, A=mda -a \$h -d \$u -f \$g
Mfilter, P=$T/filter, F=lsDFMEub7, E=\\r\\n, L=40, A=filter -s \$f \$u -- \$h
Mfinish, P=$T/finish, F=lsDFM, A=finish all of \$u
Mlarge, P=$T/filter, F=lsDFM, M=600, A=filter \$u
C
} >"$T/test.cf"
server_smtp -C "$T/test.cf" "-ODefaultUser=20009.20009" || fail "the daemon starts"
nok "the file is in order" grep 'test.cf: line' "$T/smtp.log"
if root; then mine=20001 other=20009; else mine=$ME other=$ME; fi
put() { # SENDER RCPT [LINE...]
    from=$1 to=$2
    shift 2
    { printf 'Subject: to %s\nFrom: %s\n\n' "$to" "$from" && printf '%s\n' "$@"; } |
        sendmail -C "$T/test.cf" -f "$from" "$to" >>"$T/submit.log" 2>&1
}
done_by() { [ "$(grep -c '^== end' "$files/$1" 2>/dev/null)" = "$2" ]; }

put u4@example.test u1@example.test 'the body' 'From here'
ok "a local mailer with a program" wait_for 20 done_by mda.$mine 1
is "$(head -n 7 "$files/mda.$mine" | tr '\n' ' ')" \
    "mda $mine 6 <-a> <> <-d> <u1> <-f> <four@rewritten.test> " "runs it as the recipient, with A="
is "$(sed -n 8p "$files/mda.$mine")" "Return-Path: <four@rewritten.test>" "F=n: no line From, F=P: the return path"
like "$(cat "$files/mda.$mine")" '^From: four@rewritten\.test' "S=: the header's sender by its rules"
like "$(cat "$files/mda.$mine")" '^X-Mailer-Wants: yes' "an H line for a flag of its own"
like "$(cat "$files/mda.$mine")" '^From here' "without F=E the body is as it was"
put u4@example.test nobody@example.test x
ok "an unknown user" grep -q 'User unknown' "$T/submit.log"

put u4@example.test x@filter.test 'short' "$(printf '%048d' 1)" 'From here' "$(printf 'a\351')"
ok "another mailer" wait_for 20 done_by filter.$other 1
is "$(head -n 6 "$files/filter.$other" | tr '\n' ' ')" \
    "filter $other 5 <-s> <u4@example.test> <x@filter.test> <--> <x> " "as DefaultUser, with A="
like "$(sed -n 7p "$files/filter.$other")" "^From u4@example.test .*$(printf '\r')" "the line From, E="
like "$(cat "$files/filter.$other")" "^>From here$(printf '\r')" "F=E: a quoted From"
like "$(cat "$files/filter.$other")" "^ai$(printf '\r')" "F=7: seven bits"
is "$(grep -A1 '^0' "$files/filter.$other" | tr -d '\r' | tr '\n' '|')" \
    "$(printf '%039d' 0)!| 000000001|" "L=: a longer line is cut"
is "$(tail -n 2 "$files/filter.$other" | head -n 1 | tr -d '\r')" "" "F=b: an empty line at the end"
printf 'To: <-x@filter.test>\n\nx\n' |
    sendmail -C "$T/test.cf" -t -f u4@example.test >>"$T/submit.log" 2>&1
ok "an address that would be an option" wait_log smtp "-x@filter.test.*address begins with '-'"

put u4@example.test a@large.test small
ok "M=: a small message" wait_log smtp 'to=<a@large.test>.*stat=Sent'
put u4@example.test b@large.test "$(printf '%0700d' 0)"
ok "M=: a large one" wait_log smtp 'to=<b@large.test>.*dsn=5.2.3, stat=Message is too large; 600 bytes max'
put u4@example.test compat@filter.test x
ok "check_compat refuses" wait_log smtp 'to=<compat@filter.test>.*dsn=5.7.1, stat=not those two'
put u4@example.test silent@filter.test x
ok "check_compat discards" wait_log smtp 'to=<silent@filter.test>.*stat=Sent'
is "$(grep -c '^== end' "$files/filter.$other")" 2 "and neither ran"
cat >"$T/refused.py" <<'P'
import smtplib
import sys

with smtplib.SMTP('127.0.0.1', int(sys.argv[1]), 'client.test', timeout=20) as s:
    s.ehlo()
    codes = [s.mail('nodata@example.test')[0], s.rcpt('u1@example.test')[0], s.docmd('DATA')[0],
             s.rset()[0], s.mail('u2@example.test')[0]]
    codes += [s.rcpt('silent@filter.test')[0], s.data('text')[0]]
    print(*codes)
P
is "$(python3 "$T/refused.py" "$SMTP")" "250 250 550 250 250 250 250" "a refused DATA is over"
put u4@example.test known@ask.test x
ok "a socket map is asked by the daemon" wait_for 20 grep -q '^<found-known>' "$files/filter.$other"
put u4@example.test other@ask.test x
ok "and may not know" wait_for 20 grep -q '^<none>' "$files/filter.$other"
put u4@example.test me@finish.test x
ok "a program is no shell for the end of its name" wait_for 20 done_by finish.$other 1
is "$(sed -n 2,4p "$files/finish.$other" | tr '\n' ' ')" "<all> <of> <me> " "it gets its A="
nok "no sanitizer report in the log" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/smtp.log"
