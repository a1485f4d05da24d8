# Checks of tests/lib/smtp.py, pop.py, hostile.py and decode.py without an interpreter started for
# each: sourced behind tap.sh.
#
#   check MODULE CHECK NUMBER [ARGUMENT...]       runs that function, which raises what is wrong
#   smtp, pop, hostile CHECK PORT [ARGUMENT...]   passes when the check does, with its output

checks_start() {
    mkfifo "$T/asked" "$T/answered"
    start_daemon checks python3 "$ROOT/tests/lib/checks.py" "$T/asked" "$T/answered" \
        "$T/check.out" "$T/check.err"
    exec 7>"$T/asked" 8<"$T/answered"
}

check() { # MODULE CHECK NUMBER [ARGUMENT...]
    printf '%s\037' "$@" >&7
    echo >&7
    read -r checked <&8 || return 1
    [ ! -s "$T/check.out" ] || cat "$T/check.out"
    [ ! -s "$T/check.err" ] || cat "$T/check.err" >&2
    return "$checked"
}

smtp() {
    check smtp "$@"
}

pop() {
    check pop "$@"
}

hostile() {
    check hostile "$@"
}

need python3
checks_start
