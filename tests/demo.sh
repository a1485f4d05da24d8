#!/bin/sh
# The main job, end to end: a definition file becomes a sendmail.cf, a mail server is started with
# it, a message is sent, delivered, and fetched by POP3 over TLS.  Needs no root and leaves nothing behind.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/wait.sh

T=$(mktemp -d "${TMPDIR:-/tmp}/letterbox-demo.XXXXXX") || exit 2
pids=
step=0

end() {
    status=$?
    trap - EXIT INT TERM
    for pid in $pids; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    release_ports
    rm -rf "$T"
    exit $status
}
trap end EXIT
trap 'exit 130' INT TERM

say() {
    step=$((step + 1))
    printf '%2d. %s\n' $step "$*"
}

give_up() { # WHAT [LOG]
    echo "demo: $1" >&2
    [ -f "${2:-}" ] && sed 's/^/    | /' "$2" >&2
    exit 1
}

# Where root runs this, the mailboxes belong to somebody else, as they should.
user=$(id -u)
group=$(id -g)
[ "$user" != 0 ] || user=65534 group=65534

"$PWD/build/out/letterbox" --help >/dev/null || give_up "build/out/letterbox does not run"
mkdir "$T/bin" "$T/mail"
chmod 755 "$T"
chown "$user:$group" "$T/mail"
"$PWD/build/out/letterbox" --install -s "$T/bin" || give_up "no links in $T/bin"
PATH=$T/bin:$PATH
say "one file of $(wc -c <build/out/letterbox) octets, and a link for each of:" \
    "$(letterbox --list | grep -v letterbox | tr '\n' ' ')"

smtp=$(free_port)
pop=$(free_port)
pops=$(free_port)
printf 'alice:{PLAIN}wonderland:%s:%s::%s\n' "$user" "$group" "$T/mail" >"$T/users"
chmod 644 "$T/users"
export LETTERBOX_LOG=stderr LETTERBOX_USERS="$T/users" LETTERBOX_MAILBOX="$T/mail/%n/"
say "one user, alice, in a users file; Maildirs under $T/mail; no root needed (uid $(id -u))"

cat >"$T/demo.def" <<DEF
MY_NAME=mail
MY_DOMAIN=demo.example
ACCEPT_ADDRS='\$m'
FROM_ADDRESS='\$m'
LISTEN=127.0.0.1:$smtp
QUEUE_DIR=$T/queue
DEF
cfgen -o "$T/sendmail.cf" "$T/demo.def" || give_up "cfgen failed"
say "cfgen: $(wc -l <"$T/demo.def") lines of a definition file make a sendmail.cf of $(wc -l <"$T/sendmail.cf")"

sendmail -C "$T/sendmail.cf" -bD >"$T/sendmail.log" 2>&1 &
pids=$!
wait_for 10 listening "$smtp" || give_up "sendmail -bD does not listen" "$T/sendmail.log"
say "sendmail -bD with that listens on 127.0.0.1:$smtp"

popd -f -l "127.0.0.1:$pop" -t "127.0.0.1:$pops" >"$T/popd.log" 2>&1 &
pids="$pids $!"
wait_for 10 listening "$pops" || give_up "popd does not listen" "$T/popd.log"
say "popd -f listens on 127.0.0.1:$pops with TLS; it made its certificate itself"

text="Who are YOU? said the Caterpillar. ($$)"
echo "$text" | mail -S sendmail="$T/bin/sendmail -C $T/sendmail.cf" -s "Advice" -r caterpillar@demo.example alice@demo.example ||
    give_up "mail failed" "$T/sendmail.log"
say "mail -s Advice alice@demo.example: taken, so it is on disk"

delivered() {
    grep -rqF "$text" "$T/mail/alice/new"
}
wait_for 10 delivered || give_up "not delivered" "$T/sendmail.log"
say "delivered: mail/alice/new/$(ls "$T/mail/alice/new" | head -n 1)"
is_empty=$(mailq -O QueueDirectory="$T/queue" | tail -n 1)
say "mailq: $is_empty"

pop3s() { # COMMAND...: a session over TLS, its transcript on standard output
    if command -v curl >/dev/null; then
        curl -sS --max-time 20 --insecure --user alice:wonderland "pop3s://127.0.0.1:$pops/1"
    else
        {
            printf 'USER alice\r\nPASS wonderland\r\nRETR 1\r\nQUIT\r\n'
            wait_for 20 grep -q '^\.' "$T/fetched"
        } | openssl s_client -quiet -connect "127.0.0.1:$pops" 2>/dev/null
    fi
}
command -v curl >/dev/null || command -v openssl >/dev/null ||
    give_up "curl or openssl is needed to fetch the message"
pop3s >"$T/fetched" 2>"$T/fetch.log" || give_up "POP3 failed: $(cat "$T/fetch.log")" "$T/popd.log"
grep -qF "$text" "$T/fetched" || give_up "the message is not what was sent" "$T/fetched"
say "fetched by POP3 over TLS as alice:"
tr -d '\r' <"$T/fetched" | grep -E '^(From|To|Subject): |Caterpillar' | sed 's/^/        /'

for pid in $pids; do
    kill "$pid" && wait "$pid" || give_up "a daemon did not end well" "$T/sendmail.log"
done
pids=
say "both daemons ended on SIGTERM with status 0"
echo "demo: ok"
