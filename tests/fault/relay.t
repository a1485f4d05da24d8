#!/bin/sh
# The relay role, the queue role and the next host are killed in the middle of their work, again
# and again: what was answered with 250 arrives.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3 pgrep

server_setup mbox "$([ "$ME" = 0 ] && echo 20099)"
SINK=$(free_port)
mkdir "$T/sink"
chmod 777 "$T/sink"
export LETTERBOX_RELAY=smtp+plain://127.0.0.1:$SINK

sink_start() {
    rm -f "$T/sink/ready"
    start_daemon sink python3 "$ROOT/tests/lib/sink.py" "$T/sink" "127.0.0.1:$SINK,name=next,keep=7"
    wait_for 20 test -f "$T/sink/ready"
}

# Six clients, each with messages of its own, until told to stop; the names of those that were
# taken go to a file.
cat >"$T/send.py" <<'E'
import os, smtplib, sys, threading, time
port, acked = int(sys.argv[1]), open(sys.argv[2], "a", buffering=1)

def client(c):
    n = 0
    while not os.path.exists(sys.argv[3]) and n < 2000:
        n += 1
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=60) as s:
                name = "m%d-%d" % (c, n)
                s.sendmail("u1@example.test", ["%s@other.test" % name],
                           "Subject: %s\n\n%s\n" % (name, ("text " * 100 + "\n") * 20))
                acked.write(name + "\n")
        except (smtplib.SMTPException, OSError):
            time.sleep(0.1)

threads = [threading.Thread(target=client, args=(c,)) for c in range(6)]
for t in threads:
    t.start()
for t in threads:
    t.join()
E

role() { # NAME
    pgrep -P "$(cat "$T/smtp.pid")" -f "^letterbox: $1 role"
}
kill_role() { # NAME
    victim=$(role "$1") && kill -KILL $victim 2>/dev/null && killed=$((killed + 1))
}
# Retries are minutes away: a run is asked for, as "sendmail -q" would.
drained() {
    kill -USR1 "$(cat "$T/smtp.pid")"
    queue_empty
}
wait_drained() {
    end=$(($(date +%s) + 90))
    until drained; do
        [ "$(date +%s)" -lt $end ] || return 1
        sleep 0.3
    done
}

killed=0
sink_start || fail "the next host starts"
server_smtp || fail "sendmail starts"
python3 "$T/send.py" "$SMTP" "$T/acked" "$T/stop" &
sender=$!
round=0
while kill -0 $sender 2>/dev/null && [ $round -lt 60 ] && [ $killed -lt 8 ]; do
    round=$((round + 1))
    wait_for 5 role relay >/dev/null
    case $((round % 5)) in
    0) stop_daemon sink KILL 2>/dev/null; sink_start ;;
    3) kill_role queue ;;
    *) kill_role relay ;;
    esac
    kill -USR1 "$(cat "$T/smtp.pid")"
    sleep 0.2
done
: >"$T/stop"
wait $sender
acked=$(wc -l <"$T/acked")
ok "messages were taken meanwhile" [ "$acked" -ge 20 ]
ok "roles were killed meanwhile" [ "$killed" -ge 8 ]
ok "in the end the queue drains" wait_drained
sed -n 's/.*"subject": "\([^"]*\)".*/\1/p' "$T/sink/messages" | sort >"$T/arrived"
sort "$T/acked" >"$T/acked.sorted"
sort -u "$T/arrived" | comm -13 - "$T/acked.sorted" >"$T/lost"
is "$(wc -l <"$T/lost")" 0 "nothing is lost"
diag "$acked taken, $(wc -l <"$T/arrived") arrived, $killed roles killed in $round rounds"
is "$(grep -c '"text": "text text' "$T/sink/messages")" "$(wc -l <"$T/arrived")" "... nor empty"
is "$(python3 - "$T/sink/messages" <<'E'
import json, sys
print(sum(len(json.loads(x)["text"].rstrip()) != 10018 for x in open(sys.argv[1])))
E
)" 0 "... nor cut"
ok "sendmail ends on SIGTERM with status 0" stop_daemon smtp
nok "no sanitizer report" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/smtp.log"
