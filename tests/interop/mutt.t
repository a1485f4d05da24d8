#!/bin/sh
# mutt reads mailboxes that we wrote, on a terminal that we make for it, and sends through us.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need mutt python3
export HOME=$T/home
# Else mutt asks whether it should be made, and takes the next key for the answer.
mkdir -p "$HOME/Mail"

# Runs a command on a terminal of its own, until it ends; what it shows goes to $T/screen.
on_terminal() { # COMMAND...
    python3 - "$T/screen" "$@" <<'P'
import os
import pty
import select
import sys
import time

pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM='vt100', LINES='24', COLUMNS='80')
    os.execvp(sys.argv[2], sys.argv[2:])
end = time.monotonic() + 30
with open(sys.argv[1], 'wb') as screen:
    while time.monotonic() < end:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            octets = os.read(fd, 65536)
        except OSError:
            break
        if not octets:
            break
        screen.write(octets)
    else:
        os.kill(pid, 9)
os.close(fd)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0)
P
}

for store in mbox maildir; do
    server_setup $store
    server_smtp || fail "the server starts"
    printf 'set copy=no\nset sendmail="%s/bin/sendmail -oem -oi"\nset use_from=yes\n%s\n' "$T" \
        'set from=writer@example.test' >"$T/muttrc"
    for n in 1 2; do
        ok "$store: mutt sends message $n" sh -c \
            'printf "body %s\n.\nFrom me\n" "$3" | mutt -F "$1" -s "from mutt $3" -- "$2"' _ \
            "$T/muttrc" u1@example.test $n
    done
    # One that would lead a reader astray, were its word taken for where it ends and for read.
    printf '%s\n' 'Subject: from mutt 3' 'Content-Length: 3' 'Lines: 1' 'Status: RO' 'X-IMAP: 1 1' '' 'body 3' \
        'From me' | sendmail -oi u1@example.test
    printf 'Subject: from mutt 4\n\nbody 4\n' | sendmail -oi u1@example.test
    ok "$store: they arrive" wait_for 20 has_mail u1 4
    # It copies each message that it sees to another file.
    rm -f "$T/copy"
    keys="<copy-message>$T/copy<enter>"
    ok "$store: mutt -f, on a terminal" on_terminal mutt -n -F /dev/null -e 'set quit=yes' \
        -e 'set confirmappend=no' -e 'set delete=no' -e 'set mark_old=no' -e 'unset confirmcreate' \
        -e 'set mbox_type=mbox' -e 'set status_format="all=%m new=%n."' \
        -e "push '<first-entry>$keys<next-entry>$keys<next-entry>$keys<next-entry>$keys<exit>'" -f "$(mailbox u1)"
    ok "$store: four messages, all of them unread" grep -aq 'all=4 new=4\.' "$T/screen"
    python3 - "$T/copy" >"$T/seen" <<'P'
import re
import sys

# mutt notes the length of each body in what it writes, and quotes nothing.
text = open(sys.argv[1]).read()
seen = []
while text:
    head, _, text = text.partition('\n\n')
    length = int(re.search(r'^Content-Length: (\d+)$', head, re.M)[1])
    body = text[:length].replace('\n>From ', '\nFrom ').rstrip('\n').replace('\n', '/')
    seen.append(re.search('^Subject: (.*)$', head, re.M)[1] + ' | ' + body)
    text = text[length:].lstrip('\n')
print('\n'.join(sorted(seen)))
P
    is "$(cat "$T/seen")" "from mutt 1 | body 1/./From me
from mutt 2 | body 2/./From me
from mutt 3 | body 3/From me
from mutt 4 | body 4" "$store: it sees each of them whole"
    ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
    rm -rf "$T/mail" "$T/spool"
done
