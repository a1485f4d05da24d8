#!/bin/sh
# mutt reads a mailbox that we wrote, sends through our sendmail, and fetches by POP3.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need mutt
export HOME=$T/home TERM=dumb

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
    ok "they arrive" wait_for 10 has_mail u1 2
    # The index of the mailbox, written out by mutt itself.
    path=$(mailbox u1)
    rm -f "$T/copy"
    mutt -n -F /dev/null -e 'set quit=yes' -e 'set confirmappend=no' -e 'set delete=no' \
        -e "push '<tag-pattern>~A<enter><tag-prefix><copy-message>$T/copy<enter><exit>'" \
        -f "$path" >/dev/null 2>"$T/err" </dev/null
    if [ -s "$T/copy" ]; then
        is "$(grep -c '^Subject: from mutt [12]$' "$T/copy")" 2 "$store: mutt -f sees both"
    else
        skip 1 "mutt wants a terminal here"
    fi
    ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
    rm -rf "$T/mail" "$T/spool"
done
