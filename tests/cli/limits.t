#!/bin/sh
# Every limit of sendmail -d0.1 that can be reached from outside: one below, at it, one above.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/checks.sh"

# The table says what the program obeys: the numbers below are its.
table() { # [OPTION...]: of a program with these options
    sendmail "$@" -d0.1 -bi >"$T/table"
}

limit() { # NAME
    awk -v name="$1" 'index($0, name "  ") == 1 { print $(split(name, words, " ") + 1) }' "$T/table"
}

submit_to() { # COUNT
    # shellcheck disable=SC2046
    printf 'Subject: x\n\nbody\n' |
        sendmail -O DeliveryMode=q $(seq "$1" | sed 's/$/@x.test/')
}

submit_header() { # OCTETS
    awk -v n="$1" 'BEGIN {
        to = "To: u1@example.test\n"
        line = "X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
        for (n -= length(to); n > 2 * length(line); n -= length(line)) printf "%s", line
        printf "X-Last: %0" (n - 9) "d\n%s\nbody\n", 0, to
    }' | HOME=$T sendmail -t -O DeliveryMode=q
}

server_setup mbox
export HOME="$T"
table
like "$(cat "$T/table")" '^Version letterbox-' "sendmail -d0.1: the version"
like "$(cat "$T/table")" 'canonical domain name\) \$j = mx\.example\.test$' "and the host's name"
is "$(grep -cE '^[A-Za-z].* +[0-9]+ .*  +[^ ]' "$T/table")" \
    "$(sed '1,/^limit /d; /^$/d' "$T/table" | wc -l)" "each row has value, consequence and reason"
is "$(sendmail -d21.1 -bi; sendmail -d0 -bi | head -n 1)" "Version letterbox-1.0" \
    "-d0 prints it, -d21.1 does not"
is "$(sendmail -OMaxMessageSize=0 -d0.1 -bi | awk '/^MaxMessageSize/ { print $2, $4, $5 }')" \
    "0 no limit" "an option is told as it is set"

options="-O MaxDaemonChildren=12 -O MaxSessionsPerSource=4 -O MaxRecipientsPerMessage=10
    -O MaxMessageSize=20000 -O MaxHeadersLength=8000 -O MaxBadRecipients=6"
# shellcheck disable=SC2086
table $options
# shellcheck disable=SC2086
server_smtp $options || fail "the server starts"
ok "a command line" smtp command "$SMTP" "$(limit "SMTP command")"
ok "a name in HELO" smtp helo "$SMTP" "$(limit "HELO name")"
ok "a local part" smtp local_part "$SMTP" "$(limit "local part")"
ok "a path" smtp path "$SMTP" "$(limit path)"
ok "recipients" smtp rcpts "$SMTP" "$(limit MaxRecipientsPerMessage)"
ok "a declared size" smtp size_declared "$SMTP" "$(limit MaxMessageSize)"
ok "a real size" smtp size_real "$SMTP" "$(limit MaxMessageSize)"
ok "a header" smtp header "$SMTP" "$(limit MaxHeadersLength)"
ok "hops" smtp hops "$SMTP" "$(limit MaxHopCount)"
ok "bad commands" smtp bad_commands "$SMTP" "$(limit "bad commands")"
ok "bad recipients" smtp bad_rcpts "$SMTP" "$(limit MaxBadRecipients)"
ok "sessions of one source" smtp source_sessions "$SMTP" "$(limit MaxSessionsPerSource)"
ok "sessions" smtp sessions "$SMTP" "$(limit MaxDaemonChildren)" "Too many connections" \
    127.0.0.4 127.0.0.5 127.0.0.6 127.0.0.7
like "$(cat "$T/smtp.log")" 'rejecting connection from 127\.0\.0\.4: Too many connections' \
    "a refused connection is logged"
stop_daemon smtp
is "$(sed -n 's/^Subject: \(size\|header\|hops\) //p' "$T/mail/u1" | xargs)" \
    "19999 20000 7999 8000 99 100" "what was above its limit is in no mailbox"

table
server_smtp -O ConnectionRateThrottle=7 -O MaxMessageSize=0 || fail "the server starts"
ok "connections of one source in a minute" smtp rate "$SMTP" 7
ok "a line of text" smtp text_line "$SMTP" "$(limit "text line")"
stop_daemon smtp
is "$(awk '/^l+$/ { print length() }' "$T/mail/u1" | xargs)" "997 998 999 100000" \
    "long lines are stored whole"

server_smtp -O Timeout.command=2s -O Timeout.datablock=2s -O Timeout.message=3s \
    -O Timeout.session=4s || fail "the server starts"
ok "silence" smtp timeout "$SMTP" 2 silent
ok "a command that comes octet by octet" smtp timeout "$SMTP" 2 trickle
ok "silence in a message" smtp timeout "$SMTP" 2 data
ok "a message without end" smtp timeout "$SMTP" 3 message
ok "a session without end" smtp timeout "$SMTP" 4 session
stop_daemon smtp
like "$(cat "$T/smtp.log")" 'timeout waiting for input from \[127\.0\.0\.1\]$' "the log: a timeout"
like "$(cat "$T/smtp.log")" 'message of \[127\.0\.0\.1\] takes too long$' "a message"
like "$(cat "$T/smtp.log")" 'session of \[127\.0\.0\.1\] takes too long$' "a session"

server_pop || fail "popd starts"
ok "a line of POP3" pop line_limit "$POP" "$(limit "POP3 line")"
ok "a name and a password" pop name_limit "$POP" "$(limit "POP3 name, password")"
ok "bad commands in a row" pop bad_limit "$POP" "$(limit "POP3 bad commands")"
ok "refused logins" pop login_limit "$POP" "$(limit "POP3 refused logins")" \
    "$(limit "POP3 refusal's delay")"
stop_daemon pop

max=$(limit "submitted recipients")
exits 0 "one submitted recipient less than may be" submit_to "$((max - 1))"
exits 0 "as many as may be" submit_to "$max"
exits 64 "one too many" submit_to "$((max + 1))"
like "$(as_server mailq | tail -n 1)" 'Total requests: 2$' "mailq reads what was taken"
max=$(limit "submitted header")
exits 0 "one octet of submitted header less than may be" submit_header "$((max - 1))"
exits 0 "a submitted header as long as may be" submit_header "$max"
exits 65 "one octet more" submit_header "$((max + 1))"
nok "no sanitizer report" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/smtp.log" \
    "$T/pop.log"
