#!/bin/sh
# sendmail --explain: what decides about an address; sendmail -bC: what is wrong with a file.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
has() { # NAME TEXT: a whole line of the output
    grep -qxF -e "$2" "$T/out" && pass "$1" && return
    fail "$1"
    sed 's/^/# /' "$T/out"
}
printf 'bob: alice, carol\n' >aliases
printf 'key found\n' >table
tab=$(printf '\t')
cat >good.cf <<EOF
V10
DjHERE
O OperatorChars=.:@!%
O AliasFile=$PWD/aliases
Kt hash $PWD/table
S3
R\$*${tab}\$: \$>Clean \$1
SClean
R\$* key${tab}\$: \$1 \$(t key \$: none \$)
R\$- @ \$+${tab}\$@ \$1 < @ \$2 >
S4
S0
R\$* < @ \$+ >${tab}\$#far \$@ \$2 \$: \$1
R\$+${tab}\$#local \$: \$1
Mlocal, P=/x, F=lA, A=x
Mprog, P=/x, F=l, A=x
Mfar, P=[IPC], F=m, A=TCP \$h
EOF
LETTERBOX_HOSTNAME=here.example
export LETTERBOX_HOSTNAME
exits 0 "a far address ends well" sendmail -C good.cf --explain u@x
has "the mailer, and the rule that chose it" 'mailer far, host x, user u  (decided at good.cf:13)'
has "a rule of a ruleset that was called, indented" '    good.cf:10  -> u < @ x >'
has "the ruleset that was called" '  Clean  u @ x'
exits 0 "-C good.cf --explain 'a key'" sendmail -C good.cf --explain 'a key'
has "a map that was asked" '    map t asked for key'
has "what it said" '      found found'
exits 0 "-C good.cf --explain bob" sendmail -C good.cf --explain bob
has "an alias" 'bob... aliased to alice, carol'
exits 0 "-bC of a good file" sendmail -C good.cf -bC
is "$(cat "$T/out")" "" "says nothing"
{
	cat good.cf
	printf 'O NoSuchOption=1\nR$+ no tab\nKm nosuch -o\nSx\nR$-\t$2\n'
} >bad.cf
exits 70 "-bC of a bad file ends with EX_SOFTWARE" sendmail -C bad.cf -bC
has "sendmail's text" 'bad.cf: line 18: readcf: unknown option name NoSuchOption'
has "the place" '    column 3'
has "what was expected" '    expected: left side, one tab or more, right side'
has "a map class: its place" '    column 4'
has "a hint" '    hint: count the patterns of the left side'
exits 72 "a file that is not there" sendmail -C none.cf -bC
