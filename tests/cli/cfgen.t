#!/bin/sh
# cfgen's command line: output, explanations, standard files, checking, other mailers, questions.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 2
unset LETTERBOX_HOSTNAME LETTERBOX_DOMAIN LETTERBOX_LOCAL LETTERBOX_RELAY

cat >x.def <<'DEF'
MY_NAME=main
MY_DOMAIN='hoge.co.jp' # a comment
ACCEPT_ADDRS='$m'
DEF
exits 0 "a definition file is read" cfgen x.def
is "$(grep -c '^Dmhoge.co.jp$\|^Dwmain$\|^Dj$w.$m$\|^DZ3.7W$\|^V10/Berkeley$' out)" 5 "names and version are in the file"
exits 0 "-o writes a file" cfgen -o x.cf x.def
cfgen x.def >out.1
same x.cf out.1 "-o writes what standard output gets"
cfgen - <x.def >out.1
same x.cf out.1 "a dash is standard input"
exits 0 "the file passes the check" cfgen --check x.cf
is "$(cat out)" "" "and nothing is said"

for std in v10 v8 v7 v6; do
    cfgen --standard sendmail-$std.def >std.def
    exits 0 "sendmail-$std.def gives a configuration" cfgen std.def
    is "$(cat err)" "" "without a word"
done
cfgen --standard sendmail-v8.def >std.def
for v in CF_TYPE OS_TYPE MX_SENDMAIL MY_DOMAIN MY_NAME OFFICIAL_NAME MY_ALIAS USE_cw_FILECLASS cw_FILE_PATH \
    ACCEPT_OFFICIAL ALIAS_REWRITE FROM_ADDRESS RECIPIENT_GENERIC REWRITE_GENERIC_FROM REWRITE_GENERIC_TO \
    REWRITE_LOCAL_ON_RELAY ACCEPT_ADDRS ACCEPT_LOWER SPOOL_HOST BITNET REJECT_JUNET DEFAULT_RELAY \
    DIRECT_DELIVER_DOMAINS STATIC_ROUTE_FILE ALIAS_FILE_PATH PRIVACY_FLAGS MAIL_RELAY_RESTRICTION LOCAL_HOST_IPADDR \
    LOCAL_HOST_DOMAIN ALLOW_RELAY_TO USERTABLE_MAPS VERSION VERSION_SEPARATOR LOCAL_VERSION VENDER_CODE; do
    grep -q "^#*$v=" std.def || missing="${missing:-} $v"
done
is "${missing:-}" "" "the standard file has every variable of CF"
# Taking the hash away sets the default: nothing changes but what OS_TYPE and names leave empty.
sed 's/^#\([A-Za-z_]*=.\)/\1/' std.def >all.def
cfgen std.def >a.cf && cfgen all.def >b.cf
same a.cf b.cf "the defaults that it shows are those that count"
exits 64 "an unknown standard file" cfgen --standard none.def
like "$(cat err)" "sendmail-v8.def: for sendmail 8.9" "lists those that there are"

exits 0 "--explain" cfgen -e x.def
like "$(cat out)" "^MY_DOMAIN=hoge.co.jp	# x.def:2$" "names file and line"
like "$(cat out)" "^OFFICIAL_NAME='\\\$w.\\\$m'	# MY_DOMAIN$" "names the variable it follows from"
like "$(cat out)" "^MX_SENDMAIL=yes	# default$" "names a default"
if [ ! -e /etc/mail/sendmail.def ]; then
    echo smtps://me@relay.example:465 >relay
    LETTERBOX_RELAY_FILE=relay LETTERBOX_LISTEN=127.0.0.1:2525 exits 0 "--explain without a file" cfgen --explain
    like "$(cat out)" "^DEFAULT_RELAY=smtps://me@relay.example:465	# LETTERBOX_RELAY$" "the environment, by _FILE too"
    like "$(cat out)" "^LISTEN=127.0.0.1:2525	# LETTERBOX_LISTEN$" "listeners of the environment"
else
    skip 3 "there is a definition file on this host"
fi
printf 'CSNET_RELAY=relay:a\n\nO_MaxHopCount=9\n' >more.def
cfgen -e more.def >out
like "$(cat out)" "^CSNET_RELAY=relay:a	# more.def:1$" "relays of pseudo domains"
like "$(cat out)" "^O_MaxHopCount=9	# more.def:3$" "and options"
echo RELAY_PASSWORD=secret >p.def
cfgen -e p.def >out
unlike "$(cat out)" "secret" "a password is not shown"

printf 'MY_NAME=a\nX = 1\nMY_DOMIAN=b\nMY_ALIAS=`date`\n' >bad.def
exits 65 "mistakes" cfgen bad.def
is "$(cat err)" 'bad.def:2:2: error: there must be no blank around the = (write NAME=value)
bad.def:3:1: warning: unknown variable MY_DOMIAN (did you mean MY_DOMAIN?)
bad.def:4:10: error: command substitution is not done here (run the command yourself and write what it prints)' \
    "each with line, column and hint"
printf 'MY_DOMAIN=\342\200\230hoge.co.jp\342\200\231\n' >curly.def
exits 65 "quotes from a web page" cfgen curly.def
like "$(cat err)" "^curly.def:1:11: error: .*web page.*write ' or" "get a hint"
exits 66 "no such file" cfgen none.def
exits 73 "output that cannot be written" cfgen -o none/x.cf x.def
exits 64 "an unknown option" cfgen --nonsense
exits 64 "two files" cfgen a b

printf 'V10/Berkeley\nSa\nR$*\nKx nosuchclass y\n' >bad.cf
exits 65 "--check of a broken file" cfgen --check bad.cf
like "$(cat out)" '^bad.cf: line 3: invalid rewrite line "R.*" \(tab expected\)$' "the line"
like "$(cat out)" '^    column [0-9]+$' "the column"
like "$(cat out)" '^    hint: blanks do not part the sides of a rule' "and a hint"
like "$(cat out)" "no mailer local" "what is not there"

# Every other mailer's file becomes a definition file that gives a good configuration.
carry() { # KIND WANT...
    kind=$1
    shift
    exits 0 "--from $kind" cfgen --from "./$kind"
    cp out carried.def
    for want; do
        grep -qxF -- "$want" carried.def && pass "$kind: $want" || fail "$kind: $want"
    done
    exits 0 "$kind gives a configuration" cfgen -o carried.cf carried.def
    exits 0 "$kind gives a good one" cfgen --check carried.cf
}
cat >ssmtp.conf <<'CONF'
# comment
root=admin@example.org
mailhub=mail.example.org:587
UseTLS=YES
UseSTARTTLS=YES
AuthUser=joe
AuthPass=p w
rewriteDomain=example.org
hostname=box.example.org
FromLineOverride=YES
CONF
carry ssmtp.conf NULL_CLIENT=smtp://joe@mail.example.org:587 "RELAY_PASSWORD='p w'" FROM_ADDRESS=example.org \
    OFFICIAL_NAME=box.example.org "# 2: root=admin@example.org"
cat >msmtprc <<'CONF'
defaults
auth on
tls on
account work
host smtp.work.example
account home
host smtp.home.example
port 465
tls_starttls off
user me
password "quoted"
passwordeval gpg -d x
account default : home
CONF
carry msmtprc NULL_CLIENT=smtps://me@smtp.home.example:465 RELAY_PASSWORD=quoted "# 5: host smtp.work.example" \
    "# 12: passwordeval gpg -d x"
cat >dma.conf <<'CONF'
SMARTHOST mail.example.org
PORT 465
SECURETRANSFER
MAILNAME box.example.org
AUTHPATH /etc/dma/auth.conf
NULLCLIENT
CONF
carry dma.conf NULL_CLIENT=smtps://mail.example.org:465 OFFICIAL_NAME=box.example.org "# 5: AUTHPATH /etc/dma/auth.conf"
mkdir nullmailer
echo box.example.org >nullmailer/me
printf 'mail.example.org smtp --port=587 --starttls --user=me --pass=x\nother.example.org\n' >nullmailer/remotes
carry nullmailer NULL_CLIENT=smtp://me@mail.example.org:587 RELAY_PASSWORD=x "# 3: remotes other.example.org"
cat >main.cf <<'CONF'
myhostname = mx.example.org
mydomain = example.org
myorigin = $mydomain
mydestination = $myhostname, $mydomain,
  localhost.$mydomain, localhost, other.example
mynetworks = 127.0.0.0/8, 192.168.0.0/16 [::1]/128
relayhost = [gw.example.org]:587
smtp_tls_security_level = encrypt
inet_interfaces = loopback-only
smtpd_milters = inet:localhost:8891, unix:/run/x
alias_maps = hash:/etc/aliases,
  hash:/etc/more
smtpd_banner = $myhostname ESMTP
virtual_alias_domains = v.example
CONF
carry main.cf OFFICIAL_NAME=mx.example.org "FROM_ADDRESS='\$m'" "ACCEPT_ADDRS='\$m other.example'" \
    ALLOW_RELAY_FROM=192.168 "DEFAULT_RELAY='smtp://[gw.example.org]:587'" "LISTEN='127.0.0.1:25 [::1]:25'" \
    "MILTERS='inet:8891@localhost unix:/run/x'" ALIAS_FILE_PATH=/etc/aliases,/etc/more VIRTUAL_DOMAINS=v.example \
    '# 13: smtpd_banner = $myhostname ESMTP'
exits 64 "a mailer that nobody knows" cfgen --from exim.conf

# Nothing is dropped silently: without any one of its settings a file gives another definition file.
every_line() { # KIND FILE
    grep -n '^[[:blank:]]*[^[:blank:]#]' "$2" | grep -v ':\(defaults\|account .*\|[[:blank:]].*\)$' | cut -d: -f1 >lines
    cfgen --from "$1" "$2" >whole
    [ -s lines ] || fail "$2 has settings"
    lost=
    while read -r number; do
        sed "${number}s/.*/#/" "$2" >part
        cfgen --from "$1" part >without
        cmp -s whole without && lost="$lost $number"
    done <lines
    is "$lost" "" "$1: every line of ${2##*/} is carried over or named"
}
for file in ssmtp.conf msmtprc dma.conf main.cf; do
    every_line $file $file
done
mkdir one
for name in adminaddr allmailfrom defaultdomain defaulthost helohost me pausetime queuelifetime remotes; do
    echo "mail.$name.example" >one/$name
done
cfgen --from nullmailer one >whole
for name in one/*; do
    grep -q "mail.${name#one/}.example" whole || fail "nullmailer: $name is carried over or named"
done
printf 'user joe\nport 26\n' >nohost
cfgen --from msmtprc nohost >out
is "$(grep -v made out)" "# lines that have no equivalent:
# 1: user joe
# 2: port 26" "settings of a relay that is not named"
cat >chain <<'CONF'
defaults
tls on
account base
host smtp.example.org
from x@example.org
account mine : base
tls off
user me
account default : mine
CONF
cfgen --from msmtprc chain >out
like "$(cat out)" "^NULL_CLIENT=smtp\+plain://me@smtp.example.org$" "an account of msmtp builds on another"

# The files that the packages of today bring.
if [ "$BUILD" = release ] && command -v dpkg >/dev/null && (apt-get download msmtp dma postfix) >apt.out 2>&1; then
    for deb in *.deb; do dpkg -x "$deb" unpacked; done
    cat unpacked/usr/share/postfix/main.cf.debian unpacked/usr/share/postfix/main.cf.tls >main.cf
    for name in msmtprc:msmtp/examples/msmtprc-system.example msmtprc:msmtp/examples/msmtprc-user.example; do
        cp "unpacked/usr/share/doc/${name#*:}" "${name##*/}"
        every_line "${name%%:*}" "${name##*/}"
    done
    sed 's/^#\([A-Z]\)/\1/' unpacked/usr/share/dma/dma.conf >dma.conf
    for file in dma.conf main.cf; do
        every_line $file $file
        cfgen --from $file $file >carried.def
        exits 0 "$file of the package gives a configuration" cfgen carried.def
    done
else
    skip 6 "no packages can be fetched, or it was done"
fi

exits 64 "-i without a terminal" cfgen -i
if command -v script >/dev/null; then
    printf 'box\nexample.org\nsmtps://me@relay.example.org\nno\n' |
        script -qec "cfgen -i -o asked.def" /dev/null >typescript 2>&1
    is "$(grep -v '^#' asked.def)" "MY_NAME=box
MY_DOMAIN=example.org
NULL_CLIENT=smtps://me@relay.example.org
FROM_ADDRESS='\$m'" "-i ends in a definition file"
    exits 0 "which gives a configuration" cfgen asked.def
    printf 'box\nexample.org\n\nyes\nexample.org\ny\n' |
        script -qec "cfgen -i -o asked.def" /dev/null >typescript 2>&1
    is "$(grep -v '^#' asked.def)" "MY_NAME=box
MY_DOMAIN=example.org
ACCEPT_ADDRS=example.org
FROM_ADDRESS='\$m'
LISTEN='*:25'" "or, where there are mailboxes, in that of a server"
    exits 0 "which gives one, too" cfgen asked.def
    printf 'box\n\004' | script -qec "cfgen -i -o none.def" /dev/null >typescript 2>&1
    nok "without answers nothing is written" test -e none.def
else
    skip 5 "no script(1) on this machine"
fi
