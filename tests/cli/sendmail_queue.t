#!/bin/sh
# Choosing messages with -q, holding them back with -Q, and how mailq shows that.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3
server_setup mbox
export HOME=$T/home LETTERBOX_LOG=none
# Where mail for others would go: nobody is there.
LETTERBOX_RELAY=smtp+plain://127.0.0.1:$(free_port)
export LETTERBOX_RELAY
put() { # SENDER RCPT...
    from=$1
    shift
    printf 'Subject: x\n\nhello\n' | sendmail -odq -f "$from" "$@" || fail "a message is queued"
}
senders() { # MAILQ-ARG...
    mailq -j "$@" | sed 's/.*"sender":"\([^@"]*\).*/\1/' | sort | tr '\n' ' '
}
# Who was tried: the count of attempts is in each message's line.
tried() { mailq -j | sed 's/.*"tries":\([0-9]*\).*"sender":"\([^@"]*\).*/\2=\1/' | sort | tr '\n' ' '; }
# The file is locked until the command has met it and let go of it.
while_held() { # FILE COMMAND...
    python3 - "$@" <<'P'
import ctypes, fcntl, os, struct, subprocess, sys
libc = ctypes.CDLL(None)
held = open(sys.argv[1], "r+b")
fcntl.fcntl(held, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
closed = libc.inotify_init1(os.O_CLOEXEC)
libc.inotify_add_watch(closed, os.fsencode(sys.argv[1]), 0x18)  # IN_CLOSE
run = subprocess.Popen(sys.argv[2:])
os.read(closed, 4096)
held.close()
sys.exit(run.wait())
P
}

put ann@a.example u1@x.example u2@y.example
put bob@b.example u3@X.example
put cy@c.example u4@z.example
is "$(senders)" "ann bob cy " "all"
is "$(senders -qSb.exa)" "bob " "-qS: a part of the sender"
is "$(senders -qSANN)" "ann " "in any case"
is "$(senders '-q!Sb.exa')" "ann cy " "-q!S turns it around"
is "$(senders -qRx.example)" "ann bob " "-qR: any recipient"
is "$(senders '-q!Rx.example')" "ann cy " "-q!R: any recipient that does not match, as in sendmail"
is "$(senders -qSann -qScy)" "ann cy " "two of a kind are alternatives"
is "$(senders -qSann -qScy -qRz.exa)" "cy " "two kinds narrow"
id=$(mailq -j -qSbob | sed 's/.*"id":"\([^"]*\).*/\1/')
is "$(senders -qI"$id")" "bob " "-qI"
is "$(senders -qInosuch)" "" "-qI without a match"
is "$(mailq -qInosuch)" "$LETTERBOX_QUEUE is empty
		Total requests: 0" "is an empty queue"
is "$(mailq -qL)" "$LETTERBOX_QUEUE is empty
		Total requests: 0" "-qL: nothing is ever lost"
is "$(mailq -c -qRx.example)" 2 "-c counts the same"
is "$(sendmail -bp -qSbob -c)" 1 "and so does sendmail -bp"

exits 74 "a list that cannot be written is a failure" sh -c 'mailq >/dev/full'

# ---- runs
is "$(tried)" "ann=0 bob=0 cy=0 " "nothing was tried"
exits 0 "sendmail -qRx.example" sendmail -qRx.example
is "$(tried)" "ann=1 bob=1 cy=0 " "tries what matches"
exits 0 "sendmail -q!Sbob" sendmail '-q!Sbob'
is "$(tried)" "ann=2 bob=1 cy=1 " "or does not"
exits 0 "sendmail -qI" while_held "$LETTERBOX_QUEUE/queue/$id" sendmail -qI"$id"
is "$(tried)" "ann=2 bob=2 cy=1 " "one by its id, though another program had it at first"
exits 0 "runq" runq
is "$(tried)" "ann=3 bob=3 cy=2 " "runq tries all"
exits 0 "sendmail -qf" sendmail -qf
is "$(tried)" "ann=4 bob=4 cy=3 " "and so does -qf"
exits 0 "sendmail -qGgroup" sendmail -qGmqueue
is "$(tried)" "ann=5 bob=5 cy=4 " "and a queue group's name"
exits 0 "sendmail -qL" sendmail -qL
is "$(tried)" "ann=5 bob=5 cy=4 " "but not -qL"
exits 64 "-q with a unit that is none" sendmail -q1x
like "$(cat "$T/out")" "^Invalid time unit .x'" "says so"
exits 64 "-q!Z" sendmail '-q!Zfoo'
like "$(cat "$T/out")" "^Invalid time unit .Z'" "says so"
exits 0 "-q! alone is nothing" sendmail -q\! -bp

# ---- quarantine
exits 0 "-Q holds what is chosen" sendmail '-Qlooks bad' -qSbob
is "$(mailq -qSbob)" "$LETTERBOX_QUEUE is empty
		Total requests: 0" "which is not in the list any more"
like "$(mailq)" '\(2 requests\)' "the others are"
is "$(mailq -qQ | sed '1,2d;/Total/d;s/ [A-Z][a-z][a-z] [A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]* / /')" "${id}X     $(mailq -j -qQ | sed 's/.*"size":\([0-9]*\).*/\1/') bob@b.example
     QUARANTINE: looks bad
					 u3@X.example" "mailq -qQ has it, with the reason"
is "$(senders -qQlooks)" "bob " "-qQ takes a part of the reason"
is "$(senders -qQother)" "" "which must be there"
like "$(mailq -j)" '"held":true,.*"reason":"looks bad"' "-j has it all the same"
exits 0 "a run" sendmail -q
is "$(tried)" "ann=6 bob=5 cy=5 " "leaves it alone"
exits 0 "a run of just those" sendmail -qQ
is "$(tried)" "ann=6 bob=6 cy=5 " "does not"
is "$(senders -qQlooks)" "bob " "and leaves it held"
exits 64 "-Q with another mode" sendmail -Qx -bp
is "$(cat "$T/out")" "Can not use -Q with -bp" "is refused as sendmail does"
export LETTERBOX_LOG=stderr
server_smtp || fail "the daemon starts"
export LETTERBOX_LOG=none
three() { [ "$(tried)" = "ann=7 bob=6 cy=6 " ]; }
ok "a daemon tries the others" wait_for 20 three
exits 0 "-Q without a reason lets go" sendmail -Q -qQ
let_go() { [ "$(tried)" = "ann=7 bob=7 cy=6 " ]; }
ok "and the daemon tries it at once" wait_for 20 let_go
is "$(senders -qQ)" "" "nothing is held"
ok "the daemon ends" stop_daemon smtp
put dan@d.example u1@mx.example.test
exits 0 "a queue that stays" sendmail -qp -OPidFile="$T/runner"
ok "delivers what is due" wait_for 20 has_mail u1 1
head -n 1 "$T/runner" >"$T/runner.pid"
