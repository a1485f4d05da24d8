#!/bin/sh
# The delivery agent: users, details, folders, LMTP, and the statuses that mailers understand.
. "${0%/*}/../lib/tap.sh"
me=$(id -u)
export HOME=$T/home LETTERBOX_LOG=none LETTERBOX_USERS="$T/users" LETTERBOX_HOSTNAME=mx.example.test
export LETTERBOX_MAILBOX="$T/mail/%n/"
mkdir "$T/home" "$T/mail"
chmod 755 "$T"
: >"$T/users"
for n in ann bob full@virtual.example root; do
    echo "$n:{PLAIN}x:$me:$(id -g)::$T/home" >>"$T/users"
done
echo "other:{PLAIN}x:54321:54321::$T/home" >>"$T/users"
printf 'Subject: one\n\nhello\n' >"$T/letter"
new() { find "$T/mail/$1new" -type f 2>/dev/null | wc -l; }
clear_mail() { rm -rf "$T/mail" "$T/home/mail" && mkdir "$T/mail"; }

# ---- users
exits 0 "a user" deliver ann <"$T/letter"
is "$(new ann/)" 1 "has it"
exits 0 "several, and -d" deliver -d ann bob BOB <"$T/letter"
is "$(new ann/) $(new bob/)" "2 2" "each has it"
exits 0 "user@domain, user+detail, both" deliver ann@any.example ann+x ann+x@any.example <"$T/letter"
is "$(new ann/)" 5 "are the user"
exits 0 "postmaster" deliver postmaster <"$T/letter"
is "$(new root/)" 1 "is root"
exits 0 "a user of that full name" deliver full@virtual.example <"$T/letter"
is "$(new full/)" 1 "has it"
exits 67 "no such user" deliver nobody-here <"$T/letter"
like "$(cat "$T/err")" '^deliver: nobody-here: no such user' "says who"
exits 67 "a path is no user" deliver ../ann <"$T/letter"
exits 67 "one of two" deliver ann nobody-here <"$T/letter"
exits 64 "nobody" deliver <"$T/letter"
exits 64 "an unknown option" deliver -Z ann <"$T/letter"
exits 64 "a sender with a line end" deliver -f 'a
X-Forged: b' ann <"$T/letter"
clear_mail
exits 0 "-f" deliver -f 'joe@far.example' ann <"$T/letter"
like "$(cat "$T"/mail/ann/new/*)" '^Return-Path: <joe@far\.example>$' "is the return path"
clear_mail
exits 0 "no -f" deliver ann </dev/null
like "$(cat "$T"/mail/ann/new/*)" '^Return-Path: <>$' "is the null one, and an empty message is one"

# ---- -a, -m
clear_mail
exits 0 "-a without such a folder" deliver -a lists ann <"$T/letter"
is "$(new ann/)" 1 "goes to the inbox"
like "$(cat "$T"/mail/ann/new/*)" '^Delivered-To: ann\+lists$' "and tells who was meant"
nok "no folder was made" test -e "$T/mail/ann/.lists"
exits 0 "-m makes it" deliver -m lists ann <"$T/letter"
is "$(new ann/.lists/)" 1 "and delivers there"
exits 0 "-a with the folder" deliver -a lists ann@d.example <"$T/letter"
is "$(new ann/.lists/) $(new ann/)" "2 1" "goes there"
like "$(cat "$T"/mail/ann/.lists/new/*)" '^Delivered-To: ann\+lists@d\.example$' "with the whole address"
exits 0 "-a with an empty detail" deliver -a '' ann <"$T/letter"
exits 0 "-a that is a path" deliver -a ../bob ann <"$T/letter"
exits 0 "-a that is the Maildir's own" deliver -a . ann <"$T/letter"
is "$(new ann/)" 4 "are the inbox"
exits 0 "-m INBOX" deliver -m inbox ann <"$T/letter"
is "$(new ann/)" 5 "as well"
exits 75 "-m that is a path" deliver -m ../bob ann <"$T/letter"
exits 77 "-m that is a path, with -e" deliver -e -m .hidden ann <"$T/letter"
clear_mail
export LETTERBOX_MAILBOX="$T/mail/%n"
exits 0 "-m beside an mbox" deliver -m lists ann <"$T/letter"
is "$(grep -c '^From ' "$T/home/mail/lists")" 1 "is an mbox in ~/mail, made where it is missing"
exits 0 "-a beside an mbox" deliver -a lists ann <"$T/letter"
is "$(grep -c '^From ' "$T/home/mail/lists")" 2 "finds it"
exits 0 "-a without" deliver -a other ann <"$T/letter"
is "$(grep -c '^From ' "$T/mail/ann")" 1 "or else the inbox"

# ---- what an mbox's reader would believe
printf '%s\n' 'Content-Length: 2' 'Subject: x' 'Status: RO' 'X-IMAP: 1 2' 'Lines: 1' 'X-UID: 9' '' '.' 'From me' \
    'Status: body' >"$T/noted"
clear_mail
exits 0 "a message with a reader's notes" deliver ann <"$T/noted"
is "$(sed '1,/^Delivered-To/d' "$T/mail/ann")" "Subject: x

.
>From me
Status: body" "has none of them in an mbox"
export LETTERBOX_MAILBOX="$T/mail/%n/"
exits 0 "the same into a Maildir" deliver bob <"$T/noted"
sed '1,/^Delivered-To/d' "$T"/mail/bob/new/* >"$T/text"
same "$T/text" "$T/noted" "is as it was sent"
export LETTERBOX_MAILBOX="$T/mail/%n"
# More than is read at a time, with the header's end in every place around that.
for n in 32760 32766 32767 32768 32769; do
    rm -f "$T/mail/ann"
    { printf 'X: ' && head -c "$n" /dev/zero | tr '\0' a && printf '\nStatus: RO\nY: z\n\nStatus: 1\n' &&
        head -c 70000 /dev/zero | tr '\0' b | fold; } >"$T/long"
    deliver ann <"$T/long"
    sed '1,/^Delivered-To/d' "$T/mail/ann" >"$T/got"
    { sed '/^Status: RO$/d' "$T/long" && echo && echo; } >"$T/want"
    same "$T/got" "$T/want" "a header of $n octets"
done

# ---- what fails
exits 75 "an mbox that is a device" deliver -M /dev/full ann <"$T/letter"
exits 75 "a directory that is not there" deliver -M "$T/none/deep/%n" ann <"$T/letter"
exits 75 "settings that are wrong" deliver -M 'not/absolute' ann <"$T/letter"
exits 75 "a users file that is not there" deliver -u "$T/none" ann <"$T/letter"
exits 75 "one of two that must be tried again" deliver -M "$T/none/deep/%n" nobody-here ann <"$T/letter"
if [ "$me" = 0 ]; then
    chmod 777 "$T/mail" "$T/home"
    exits 77 "a user for another user" as_user 12345 deliver other <"$T/letter"
    exits 77 "a user for root" as_user 12345 deliver ann <"$T/letter"
    mkdir "$T/shut" && chmod 755 "$T/shut"
    exits 75 "a spool that the user may not write" deliver -M "$T/shut/%n" other <"$T/letter"
    exits 75 "the same as Maildir" deliver -M "$T/shut/%n/" other <"$T/letter"
    mkdir "$T/small"
    if unshare -m true 2>/dev/null; then
        head -c 300000 /dev/zero | tr '\0' x | fold >"$T/large"
        for slash in '' /; do
            exits 75 "a full disk" unshare -m sh -c 'mount -t tmpfs -o size=64k none "$1" && chmod 777 "$1" &&
                "$2" deliver -M "$1/%n$3" other <"$4"; status=$?
                find "$1" -type f -size +0 | grep -q . && echo "left: $(ls -lR "$1")"
                exit $status' _ "$T/small" "$BIN" "$slash" "$T/large"
            is "$(cat "$T/out")" "" "leaves nothing of the message"
        done
    else
        skip 4 "no mount namespaces here"
    fi
else
    exits 77 "a user for another user" deliver other <"$T/letter"
    skip 7 "needs root"
fi
