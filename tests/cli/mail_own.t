#!/bin/sh
# mail with the sendmail of the same binary: no PATH, no daemon, no passwd entry needed.
. "${0%/*}/../lib/tap.sh"

mkdir "$T/home" "$T/queue" "$T/box" "$T/box/dir"
printf 'bob:{PLAIN}x:%s:%s::%s/home::\n' "$(id -u)" "$(id -g)" "$T" >"$T/users"
unset MAIL
export HOME="$T/home" MAILRC=/dev/null USER=bob LOGNAME=bob LETTERBOX_QUEUE="$T/queue" \
    LETTERBOX_USERS="$T/users" LETTERBOX_HOSTNAME=host.example LETTERBOX_LOG=json
chmod 755 "$T"
chmod 600 "$T/users"
box() { # mbox or maildir
    case $1 in
    mbox) LETTERBOX_MAILBOX="$T/box/%u" ;;
    *) LETTERBOX_MAILBOX="$T/box/dir/%u/" ;;
    esac
    export LETTERBOX_MAILBOX
}
for kind in mbox maildir; do
    box $kind
    printf 'Gr\303\274\303\237e\n.\nFrom the start\n' >"$T/text"
    PATH=/nonexistent "$T/bin/mail" -n -s "$(printf '\303\234ber %s' $kind)" bob <"$T/text" 2>"$T/err"
    is $? 0 "$kind: a letter to a local user is taken"
    like "$(mail -n -H)" "^>N  1 .*$(printf '\303\234ber') $kind\$" "$kind: and is in the mailbox"
    printf 't 1\nw 1 %s\nx\n' "$T/back.$kind" | mail -n -N >"$T/seen"
    same "$T/back.$kind" "$T/text" "$kind: the text comes back"
    printf 'd 1\nq\n' | mail -n -N >"$T/seen"
    is "$(mail -n -H 2>&1)" "No mail for bob" "$kind: and can be deleted"
done
echo 'for nobody' | mail -n -s lost nosuch >"$T/out" 2>"$T/err"
is $? 67 "an unknown local user: EX_NOUSER"
is "$(grep -c '^for nobody' "$HOME/dead.letter")" 1 "the letter is in dead.letter, once"
