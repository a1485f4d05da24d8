#!/bin/sh
# Finding the applet: by the name it is called with, and through "letterbox APPLET".
. "${0%/*}/../lib/tap.sh"

exits 0 "--list succeeds" letterbox --list
cp "$T/out" "$T/list"
ok "--list names letterbox" grep -qx letterbox "$T/list"
is "$(sort -u "$T/list" | wc -l)" "$(wc -l <"$T/list")" "--list names nothing twice"

exits 0 "--help succeeds" letterbox --help
like "$(cat "$T/out")" '^usage: letterbox APPLET' "--help shows the usage"
exits 0 "no argument at all is --help" letterbox
like "$(cat "$T/out")" '^usage: letterbox APPLET' "and shows the same"
exits 0 "--help APPLET succeeds" letterbox --help letterbox
like "$(cat "$T/out")" '^letterbox: ' "--help APPLET has its line"
exits 127 "--help of an unknown applet" letterbox --help nosuch

exits 0 "--version succeeds" letterbox --version
like "$(cat "$T/out")" '^letterbox [0-9]+\.[0-9]+' "--version has name and number"

for name in sendmail mail mailq runq popd deliver; do
    exits 0 "$name --version" "$name" --version
    like "$(cat "$T/out")" '^letterbox [0-9]' "is the program's"
done
exits 0 "sendmail --help" sendmail --help
like "$(cat "$T/out")" '^sendmail: mail transfer agent' "says what it is"
like "$(cat "$T/out")" 'manual page sendmail' "and where more is said"
exits 0 "letterbox mail --help" letterbox mail --help
exits 64 "sendmail --help with more is a caller's mistake" sendmail --help --

exits 0 "called by an absolute path" "$T/bin/letterbox" --version
ln -s "$BIN" "$T/nosuch"
exits 127 "an unknown name" "$T/nosuch"
like "$(cat "$T/err")" '^letterbox: nosuch: no such applet' "says which name it was"
exits 127 "an unknown name with arguments" "$T/nosuch" --list
exits 127 "an unknown applet" letterbox nosuch -x
like "$(cat "$T/err")" '^letterbox: nosuch: no such applet' "says which one"
is "$(cat "$T/out")" "" "and nothing on standard output"
exits 0 "letterbox letterbox --list" letterbox letterbox --list
same "$T/out" "$T/list" "an applet as first argument"
exits 127 "a role is no applet" letterbox letterbox:smtpd

mkdir "$T/links" "$T/soft"
exits 0 "--install -s" letterbox --install -s "$T/soft"
is "$(ls "$T/soft" | sort)" "$(sort "$T/list")" "links every applet"
is "$(readlink "$T/soft/letterbox")" "$(readlink -f "$BIN")" "symbolic, to the binary's path"
ok "the links work" "$T/soft/letterbox" --version
cp "$BIN" "$T/letterbox-copy"
mkdir "$T/hard"
exits 0 "--install makes hard links" "$T/letterbox-copy" --install "$T/hard"
is "$(stat -c %i "$T/hard/letterbox")" "$(stat -c %i "$T/letterbox-copy")" "to the same file"
exits 64 "--install without a directory" letterbox --install
exits 73 "--install into nowhere" letterbox --install "$T/none"
like "$(cat "$T/err")" "$T/none/.*: No such file" "says what failed"
echo mine >"$T/links/letterbox"
exits 0 "--install leaves what is there" letterbox --install -s "$T/links"
is "$(cat "$T/links/letterbox")" mine "as it was"
like "$(cat "$T/err")" 'left alone' "and says so"

exits 74 "a full standard output is an error" sh -c 'letterbox --list >/dev/full'
