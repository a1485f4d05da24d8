#!/bin/sh
# mail shows MIME messages, keeps the terminal safe, and answers.
. "${0%/*}/../lib/tap.sh"

export HOME="$T/home" MAILRC=/dev/null USER=bob LOGNAME=bob
unset MAIL
mkdir "$HOME" "$T/md" "$T/md/new" "$T/md/cur" "$T/md/tmp"
cd "$T" || exit
message() { # a message on standard input, the next in order
    n=$((1001 + $(ls md/new md/cur | grep -c Q)))
    cat >"md/new/179549$n.M1P1Q$n.h"
}
show() { printf '%s\nx\n' "$1" | mail -n -N -f md 2>&1; }

printf 'From: =?iso-8859-1?Q?Ren=E9?= <rene@x>\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\n =?utf-8?Q?_aus?= Ulm\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ncaf=E9 =\nau lait\n' | message
is "$(show 1)" "Message 1:
From: $(printf 'Ren\303\251') <rene@x>
Subject: $(printf 'Gr\303\274\303\237e') aus Ulm

$(printf 'caf\303\251') au lait" "quoted-printable in Latin 1, encoded words"

message <<'END'
From: a@x
Subject: parts
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

preamble
--outer
Content-Type: multipart/alternative; boundary=inner

--inner

plain text
--inner
Content-Type: text/html

<b>html</b>
--inner--
--outer
Content-Type: image/png; name=ignored.png
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename*=utf-8''b%C3%A4r%1b.png

AAECAwQFBgcICQ==
--outer
Content-Type: text/plain
Content-Disposition: attachment; filename="notes.txt"

secret notes
--outer
Content-Type: message/rfc822

From: inner@x
Received: by y
Subject: enclosed

inner text
--outer
Content-Transfer-Encoding: base64

bGFzdA==
--outer--
epilogue
END
is "$(show 2)" "Message 2:
From: a@x
Subject: parts

plain text

[image/png \"$(printf 'b\303\244r')?.png\", 10 octets]
[text/plain \"notes.txt\", 12 octets]

From: inner@x
Subject: enclosed

inner text

last" "parts: alternatives, attachments, an enclosed message"
show "w 2 $T/text" >/dev/null
is "$(cat text)" "plain text
last" "write: the text parts alone"
is "$(show 'to 2' | grep -E '^(plain text|inner text|last)$')" "plain text
inner text" "top stops after five lines"

printf 'From: evil@x\nSubject: \033]0;own\007 \302\2332J \342\200\256rtl\nX-Name\033: v\n\nclear \033[2J\b\302\233 end\nnul\000 here\r\nraw \233 \377\n' | message
show 'P 3' >seen
show 'h 3' >>seen
is "$(tr -d '\n\t -~\200-\377' <seen | wc -c)" 0 "no control reaches the terminal"
is "$(LC_ALL=C grep -c "$(printf '\302[\200-\237]')" seen)" 0 "and no C1 control"
is "$(grep -c "$(printf '\342\200\256')" seen)" 0 "and no direction override"
like "$(cat seen)" '^clear \?\[2J\?' "they show as question marks"

printf 'From: deep@x\nSubject: deep\n' >deep
i=0
while [ $i -lt 40 ]; do
    printf 'Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n' $i $i >>deep
    i=$((i + 1))
done
printf '\ntext\n' >>deep
message <deep
is "$(show 4 | grep -c '^Message 4')" 1 "deep nesting ends somewhere"
printf 'From: x@x\nContent-Type: multipart/mixed\n\nno boundary\n' | message
printf 'From: x@x\nContent-Type: text/plain; charset=klingon-1\n\nqapla\351\n' | message
printf 'From: x@x\nContent-Type: text/plain\n\nunlabelled \351\n' | message
is "$(show 6 | sed -n 4p | cut -c1-5)" qapla "an unknown charset is shown as well as it can be"
is "$(show 7 | sed -n 4p)" "unlabelled $(printf '\303\251')" "unlabelled 8-bit text is Latin 1"
awk 'BEGIN { print "From: long@x\n"; for (i = 0; i < 100000; i++) printf "\303\274" }' | message
is "$(show 8 | sed -n 4p | wc -c)" 200001 "a line of 200000 octets, no character torn"

# Answers.
cat >fake <<'END'
#!/bin/sh
for arg; do printf '%s\n' "$arg"; done >sent.argv
cat >sent
END
chmod +x fake
message <<'END'
From: Ann <ann@x>
Reply-To: list@x
To: bob, joe@x, alias@me
Cc: carl@x
Subject: question
Message-ID: <9@x>
References: <7@x> <8@x>

?
END
answer() { printf '%s\nthe answer\n.\nq\n' "$1" | mail -n -N -S "sendmail=$T/fake" -f md >seen 2>&1; }
answer 'r 9'
is "$(tr '\n' ' ' <sent.argv)" "-i -- list@x joe@x alias@me carl@x " "reply goes to all but us"
is "$(cat sent)" "To: list@x, joe@x, alias@me
Cc: carl@x
Subject: Re: question
In-Reply-To: <9@x>
References: <7@x> <8@x> <9@x>

the answer" "with subject and thread"
like "$(ls md/cur)" '2,RS$' "the message is marked as answered"
answer 'R 9'
is "$(tr '\n' ' ' <sent.argv)" "-i -- list@x " "Reply goes to the sender"
printf 'alt alias@me\nset flipr\nR 9\nx\n.\nx\n' | mail -n -N -S "sendmail=$T/fake" -f md >seen 2>&1
is "$(tr '\n' ' ' <sent.argv)" "-i -- list@x joe@x carl@x " "flipr swaps them, alternates are us"
answer 'm new@x, ann'
is "$(tr '\n' ' ' <sent.argv)$(tail -n 1 sent)" "-i -- new@x ann the answer" "mail starts a letter"
printf 'alias friends ann, joe@x\nalias all friends carl\nalias loop loop2\nalias loop2 loop\n' >rc
echo x | MAILRC=rc mail -n -S "sendmail=$T/fake" all '\friends' loop
is "$(tr '\n' ' ' <sent.argv)" "-i -- ann joe@x carl friends loop " "aliases are expanded, a backslash keeps them, loops end"
