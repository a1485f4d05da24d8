#!/bin/sh
# mail as a reader: header list, message lists, commands, what quit leaves in the mailbox.
. "${0%/*}/../lib/tap.sh"

export HOME="$T/home" MAILRC=/dev/null USER=bob LOGNAME=bob
unset MAIL COLUMNS LINES LETTERBOX_MAILBOX
mkdir "$HOME"
cd "$T" || exit

three() { # FILE: an mbox of three messages, the last read, the second known
    cat >"$1" <<'END'
From alice@example.org Tue Nov 24 03:18:00 2026
From: Alice Wonder <alice@example.org>
To: bob@x
Subject: hello there

Hi
>From here
line3

From joe@example.org Tue Nov 24 03:19:00 2026
From: "Joe B." <joe@example.org>
To: bob@x
Subject: =?utf-8?Q?gr=C3=BC=C3=9Fe?= second
Status: O

Two

From carol@example.org Tue Nov 24 03:20:00 2026
From: carol@example.org
To: bob@x
Subject: third
Status: RO

Three

END
}
same_three() { # a Maildir of the same messages
    mkdir -p "$1/cur" "$1/new" "$1/tmp"
    printf 'From: Alice Wonder <alice@example.org>\nTo: bob@x\nSubject: hello there\n\nHi\nFrom here\nline3\n' \
        >"$1/new/1795490280.M1P1Q1.h"
    printf 'From: "Joe B." <joe@example.org>\nTo: bob@x\nSubject: =?utf-8?Q?gr=C3=BC=C3=9Fe?= second\n\nTwo\n' \
        >"$1/cur/1795490340.M1P1Q2.h:2,"
    printf 'From: carol@example.org\nTo: bob@x\nSubject: third\n\nThree\n' \
        >"$1/cur/1795490400.M1P1Q3.h:2,S"
}
# do_mail COMMANDS ARG...: commands are separated by ';'
do_mail() {
    commands=$1
    shift
    (IFS=';' && set -f && printf '%s\n' $commands) | mail -n "$@" >"$T/seen" 2>"$T/err"
}
subjects() { mail -n -H -f "$1" 2>/dev/null | sed 's/.*[0-9]  *//'; }

umlauts=$(printf 'gr\303\274\303\237e')
for kind in mbox maildir; do
    fresh() {
        rm -rf box
        if [ "$kind" = mbox ]; then three box; else same_three box; fi
    }
    fresh
    cp -a box before
    is "$(mail -n -H -f box | sed 's,[0-9]*/[0-9]* *,# ,')" \
        ">N  1 alice@example.org  Tue Nov 24 03:18    # hello there
 U  2 joe@example.org    Tue Nov 24 03:19    # $umlauts second
    3 carol@example.org  Tue Nov 24 03:20    # third" "$kind: the header list"
    do_mail 'x' -f box
    is "$(head -n 1 seen)" '"box": 3 messages 1 new 2 unread' "$kind: the summary"
    do_mail 'p;n;n;n;x' -N -f box
    is "$(grep -c '^Message' seen)$(grep '^At EOF' seen)" "3At EOF" "$kind: p n n n goes through all"
    is "$(sed -n '/^$/,/^$/p' seen | sed -n 2,4p)" "Hi
From here
line3" "$kind: the text, without From quoting"
    ok "$kind: exit leaves the mailbox as it was" diff -r box before
    do_mail '2;x' -N -f box
    is "$(sed -n 4p seen)" "Subject: $umlauts second" "$kind: a number prints, the subject decoded"
    do_mail 'd 2;q' -N -f box
    is "$(subjects box)" "hello there
third" "$kind: d deletes at quit"
    fresh
    do_mail 'd 1-2;u 1;h;q' -N -f box
    is "$(subjects box)" "hello there
third" "$kind: u takes it back"
    fresh
    do_mail 'd *;x' -N -f box
    is "$(subjects box | wc -l)" 3 "$kind: x deletes nothing"
    do_mail 'd *;q' -N -f box
    is "$(subjects box)" "" "$kind: all may go"
    fresh
    do_mail "s 1 $T/saved.$kind;s 2 $T/saved.$kind;w 3 $T/text.$kind;q" -N -f box
    is "$(cat seen)" "\"$T/saved.$kind\" [New file]
\"$T/saved.$kind\" [Appended]
\"$T/text.$kind\" [New file]" "$kind: save and write tell"
    is "$(subjects "$T/saved.$kind")" "hello there
$umlauts second" "$kind: saved messages are there"
    like "$(cat "$T/saved.$kind")" '^From alice@example.org |^From MAILER-DAEMON ' "$kind: in an mbox"
    is "$(cat "$T/text.$kind")" Three "$kind: written is the text alone"
    fresh
    do_mail 'p 1;q' -N -f box
    is "$(mail -n -H -f box | cut -c1-4)" "    
>U  
    " "$kind: read and known is remembered"
    like "$(do_mail x -f box; head -n 1 seen)" 'messages 1 unread' "$kind: in the summary, too"
    rm -rf before
done

# Message lists.
rm -rf box
three box
from() { do_mail "f $1;x" -N -f box; sed 's/.*[0-9]  *//' seen | tr '\n' ',' | cut -c-40; cat err; }
is "$(from 2)" "$umlauts second," "a number"
is "$(from 1-2)" "hello there,$umlauts second," "a range"
is "$(from '2-$')" "$umlauts second,third," "to the last"
is "$(from '^ $')" "hello there,third," "first and last"
is "$(from '.')" "hello there," "the current one"
is "$(from '+')" "$umlauts second," "the next one"
is "$(from '*')" "hello there,$umlauts second,third," "all"
is "$(from joe)" "$umlauts second," "a sender"
is "$(from ALICE@example)" "hello there," "in any case"
is "$(from /THIRD)" "third," "a subject"
is "$(from "/$umlauts")" "$umlauts second," "decoded"
is "$(from :n)" "hello there," "new ones"
is "$(from :u)" "hello there,$umlauts second," "unread ones"
is "$(from :r)" "third," "read ones"
is "$(from :o)" "$umlauts second,third," "old ones"
is "$(from '1-2 joe')" "$umlauts second," "numbers narrowed by a sender"
is "$(from 7)" "7: No applicable message" "one that is not there"
is "$(from 2-1)" "2-1: Bad message range" "a range backwards"
is "$(from 1x)" "1x: Bad message list" "nonsense"
is "$(from :z)" ":z: Unknown colon modifier" "an unknown state"
is "$(from nobody)" "mail: No applicable messages" "a sender of none"
do_mail 'd 2;f *;f :d;2;n;x' -N -f box
is "$(grep -c '^Message' seen)$(cat err)" "12: Inappropriate message" "deleted ones are passed over"
do_mail 'foo;p1;d3;=;z;size 1;top 1;-;ec "a  b" c;x' -N -f box
like "$(cat err)" '^Unknown command: "foo"' "an unknown command is named"
like "$(cat seen)" '^a  b c$' "echo and quotes"
like "$(cat seen)" '^1: 7/' "size"
do_mail '?;x' -N -f box
like "$(cat seen)" 'q +quit' "? helps"
do_mail 'set toplines=1;to 1;x' -N -f box
is "$(sed -n '5,8p' seen)" "
Hi" "top shows toplines lines of the text"
printf 'set quiet\nalias ann a@x\nif r\nset inside\nelse\nset outside\nendif\n# comment\nset long="a \\\nb"\nretain Subject\n' >rc
do_mail 'se;a;p 1;ign x;ret;so nosuch;una ann;uns quiet;x' -N -f box
MAILRC="$T/rc" do_mail 'se;a;p 1;ret;una ann;a;uns quiet;p 1;x' -N -f box
like "$(cat seen)" '^inside$' "mailrc: if r(eceive)"
unlike "$(cat seen)" '^outside$' "and its else"
like "$(cat seen)" '^long="a b"$' "a line may go on"
is "$(grep -c '^ann' seen)" 1 "alias and unalias"
is "$(sed -n '/^Subject/,$p' seen | head -n 3)" "Subject: hello there

Hi" "retain shows these fields alone"
is "$(grep -c '^Message 1' seen)" 1 "set quiet leaves out the message number"

# The system mailbox.
export MAIL="$T/spool"
three spool
is "$(mail -n -e; echo $?)" 0 "-e: there is mail"
do_mail 'p 1;q' -N
is "$(cat seen | tail -n 2)" "Saved 1 message in $HOME/mbox
Held 2 messages in $T/spool" "what was read moves to mbox"
is "$(subjects spool)" "$umlauts second
third" "and leaves the mailbox"
is "$(subjects "$HOME/mbox")" "hello there" "for mbox"
like "$(cat "$HOME/mbox")" '^Status: RO?$' "where it is a read one"
rm "$HOME/mbox"
three spool
do_mail 'set hold;p 1;mb 2;q' -N
is "$(subjects spool)$(subjects "$HOME/mbox")" "hello there
third$umlauts second" "hold keeps it, mbox takes it"
rm -f "$HOME/mbox"
three spool
do_mail "p 1;ho 1;s 2 $T/s2;p 3;x" -N
three unchanged
same spool unchanged "x leaves all as it was"
do_mail "p 1;ho 1;s 2 $T/s3;q" -N
is "$(subjects spool)" "hello there
third" "hold keeps one, a saved one leaves"
three spool
do_mail "s 2 $T/s4;q" -S keepsave -N
is "$(subjects spool | wc -l)" 3 "with keepsave it stays"
three spool
chmod 500 "$HOME"
if [ "$(id -u)" != 0 ]; then
    do_mail 'p 1;q' -N
    is "$(subjects spool | wc -l)" 3 "no mbox to be written: the message stays"
else
    skip 1 "root writes everywhere"
fi
chmod 700 "$HOME"
rm -f "$HOME/mbox"

three spool
cat >late <<'END'
From late@example.org Tue Nov 24 04:00:00 2026
From: late@example.org
Subject: latecomer

Late

END
mkfifo pipe
mail -n -N <pipe >seen 2>err &
exec 3>pipe
echo 'd 1' >&3
echo 'p 2' >&3
wait_for 10 grep -q '^Two' seen || sleep 0.3
cat late >>spool
echo q >&3
exec 3>&-
wait
is "$(subjects spool)" "third
latecomer" "mail that came meanwhile stays"
like "$(cat seen)" '^New mail has arrived' "and is told of"

rm -f spool "$HOME/mbox"
mail -n >seen 2>err
is "$?$(cat err)" "1No mail for bob" "no mailbox: no mail"
: >spool
mail -n >seen 2>err
is "$?$(cat err)" "1No mail for bob" "an empty one: no mail"
mail -n -e >seen 2>err
is "$?$(cat err)" 1 "-e: says nothing, exits 1"
mail -n -H >seen 2>err
is "$?$(cat err)" "1No mail for bob" "-H without mail"
mail -n -f nosuch >seen 2>err
is "$?$(cat err)" "1mail: nosuch: No such file or directory" "-f of no file"
three "$HOME/mbox"
do_mail x -f
is "$(head -n 1 seen)" "\"$HOME/mbox\": 3 messages 1 new 2 unread" "-f alone is mbox"
do_mail 'file &;fi nosuch;fi;x' -N -f "$HOME/mbox"
is "$(tail -n 1 seen)" "\"$HOME/mbox\": 3 messages 2 unread" "file changes the folder"
three "$T/carol"
unset MAIL
export LETTERBOX_MAILBOX="$T/%u"
do_mail x -u carol
is "$(head -n 1 seen)" "\"$T/carol\": 3 messages 1 new 2 unread" "-u with a mailbox template"
same_three "$T/md/bob"
LETTERBOX_MAILBOX="$T/md/%u/" do_mail 'd 1;p 2;q' -N
is "$(ls md/bob/new md/bob/cur | grep -c Q)$(subjects "$HOME/mbox" | tail -n 1)" "1$umlauts second" \
    "the system mailbox may be a Maildir"
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$T/anon"
    chmod 755 "$T"
    three "$T/anon/uid4711"
    chown -R 4711 "$T/anon"
    is "$(printf 'x\n' | as_user 4711 env -i PATH="$PATH" LETTERBOX_MAILBOX="$T/anon/%u" HOME=/ mail -n | head -n 1)" \
        "\"$T/anon/uid4711\": 3 messages 1 new 2 unread" "a uid without a name or a passwd entry"
else
    skip 1 "needs root to be somebody else"
fi

# Programs run only for a person: a script's text may come from anywhere.
rm -rf box
three box
do_mail "!touch $T/ran;| touch $T/ran;sh;e 1;v 1;x" -N -f box
is "$(grep -c 'only at a terminal' err)$(ls "$T/ran" 2>/dev/null)" 5 "! | shell edit visual: only at a terminal"
