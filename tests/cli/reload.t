#!/bin/sh
# SIGHUP: settings that are in files are read again; wrong ones leave the old ones in force.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
server_setup mbox
export HOME=$T/home
echo mx.example.test >"$T/name"
echo example.test >"$T/local"
cp "$T/users" "$T/other-users"
echo "u9:{PLAIN}x:$(id -u):$(id -g)::$T/home" >>"$T/other-users"
echo "$T/users" >"$T/users-name"
unset LETTERBOX_HOSTNAME LETTERBOX_LOCAL LETTERBOX_USERS
export LETTERBOX_HOSTNAME_FILE="$T/name" LETTERBOX_LOCAL_FILE="$T/local" LETTERBOX_USERS_FILE="$T/users-name"
server_smtp -OMaxMessageSize=5000 -OPrivacyOptions=needmailhelo || fail "the daemon starts"
hup() { # LOG-PATTERN
    before=$(grep -Ec "$1" "$T/smtp.log")
    kill -HUP "$(cat "$T/smtp.pid")"
    more() { [ "$(grep -Ec "$1" "$T/smtp.log")" -gt "$before" ]; }
    ok "SIGHUP: $1" wait_for 20 more "$1"
}
# One session with the daemon's TCP port.
session() { # COMMAND...
    python3 - "$SMTP" "$@" <<'P'
import socket
import sys

s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20)
f = s.makefile('rwb')
print(f.readline().decode().rstrip())
for command in sys.argv[2:]:
    f.write(command.encode() + b'\r\n')
    f.flush()
    while True:
        line = f.readline().decode().rstrip()
        print(line)
        if line[3:4] != '-':
            break
P
}
greeting_is() { session QUIT | grep -q "^220 $1 "; }
need python3

like "$(session QUIT)" '^220 mx\.example\.test ' "the name at the start"
echo new.example.test >"$T/name"
echo 'example.test, second.test' >"$T/local"
echo "$T/other-users" >"$T/users-name"
# A session that is under way goes on.
python3 - "$SMTP" "$T" <<'P' &
import os
import socket
import sys
import time

s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20)
f = s.makefile('rwb')
f.readline()
said = []


def say(command):
    f.write(command + b'\r\n')
    f.flush()
    said.append(f.readline())


say(b'HELO me')
say(b'MAIL FROM:<a@b.example>')
open(sys.argv[2] + '/began', 'w').close()
end = time.monotonic() + 30
while not os.path.exists(sys.argv[2] + '/again') and time.monotonic() < end:
    time.sleep(0.02)
say(b'RCPT TO:<u1@second.test>')
say(b'DATA')
say(b'Subject: x\r\n\r\nhello\r\n.')
with open(sys.argv[2] + '/said', 'wb') as out:
    out.writelines(said)
P
old=$!
ok "a session begins" wait_for 20 test -e "$T/began"
hup 'read again'
ok "a new session has the new name" wait_for 20 greeting_is new.example.test
touch "$T/again"
wait "$old"
is "$(cut -c1-3 "$T/said" | tr '\n' ' ')" "250 250 250 354 250 " "the old session ends well"
ok "its message is delivered by the new settings" wait_for 20 has_mail u1 1
like "$(session 'EHLO a' 'MAIL FROM:<a@b.example>' 'RCPT TO:<u9@second.test>' QUIT)" '^250 2\.1\.5' \
    "a user of the new file is known"
like "$(session 'EHLO a' QUIT)" '^250-SIZE 5000' "what the command line said is as it was"
like "$(session 'MAIL FROM:<a@b.example>' QUIT)" '^503 5\.0\.0 Polite' "all of it"

# ---- wrong ones
rm "$T/name"
hup "LETTERBOX_HOSTNAME_FILE.*; the old settings stay"
ok "the name is the old one" greeting_is new.example.test
echo third.example.test >"$T/name"
head -c 2000 /dev/zero | tr '\0' x >"$T/local"
echo 'not/absolute' >"$T/users-name"
hup 'LETTERBOX_LOCAL.*; the old settings stay'
like "$(session 'EHLO a' 'MAIL FROM:<a@b.example>' 'RCPT TO:<u9@second.test>' QUIT)" '^250 2\.1\.5' "so are the users"
echo "$T/users" >"$T/users-name"
echo example.test >"$T/local"
hup 'read again'
ok "mended, they count" greeting_is third.example.test
# The queue role remembers users for some seconds.
unknown() { session 'EHLO a' 'MAIL FROM:<a@b.example>' 'RCPT TO:<u9@example.test>' QUIT | grep -q '^550 5\.1\.1'; }
ok "a user who went is unknown" wait_for 20 unknown
ok "the daemon ends" stop_daemon smtp
nok "no sanitizer report in the log" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/smtp.log"
