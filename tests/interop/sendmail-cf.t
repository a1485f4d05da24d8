#!/bin/sh
# Stock sendmail.cf files decide: Debian's own as its package makes it, and one of ours with the
# usual tables.  The SMTP refusals are compared with the real sendmail on the same file; then mail
# flows through our daemon: local, alias, list with owner, virtusertable, mailertable, smart host,
# genericstable, access.  Needs root (a namespace of its own), apt-get, dpkg, m4, python3.
. "${0%/*}/../lib/tap.sh"
need_root
need apt-get dpkg m4 python3 unshare flock ip
unshare -m -u -n true 2>/dev/null || skip_all "no namespaces"
data=$ROOT/tests/interop/sendmail-cf

# shellcheck disable=SC2034 # real.sh wants it
top=$ROOT
# shellcheck source=/dev/null
. "$ROOT/tests/oracle/real.sh"
export REAL="${real%/*}" REAL_LIBS="$LD_LIBRARY_PATH"
unset LD_LIBRARY_PATH

# Tables must not lie below a folder that all may write to, or sendmail refuses them.
S=/var/lib/letterbox-cf-$BUILD
rm -rf "$S"
mkdir -p "$S/etc" "$S/real"
export S T BIN
umask 022
cp -r "$share" "$S/cf"
grep -rl /usr/share/sendmail/cf "$S/cf" | xargs sed -i "s:/usr/share/sendmail/cf:$S/cf:g"
for table in "$data"/tables/*; do
    sed "s:@S@:$S:g" "$table" >"$S/etc/${table##*/}"
done

make_cf() { # NAME: from the .mc file of that name, for one folder of everything
    (cd "$S/etc" && m4 -D_NO_MAKEINFO_ -D_CF_DIR_="$S/cf/" "$S/cf/m4/cf.m4" "$1.mc" >"$1.full" 2>"$1.err") || return 1
    grep -v '^O \(BadRcptThrottle\|TrustedUser\|RunAs\|DaemonPort\|Control\|StatusFile\|HostStatus\)' \
        "$S/etc/$1.full" | sed "s:^O QueueDirectory=.*:O QueueDirectory=$S/real:
        s:^O PidFile=.*:O PidFile=$S/real/pid-$1:
        s:^O AliasFile=.*:O AliasFile=$S/etc/aliases:" >"$S/etc/$1.cf"
    grep -q '^Mlocal' "$S/etc/$1.cf"
}

# Debian's own file: the first line of the copy names the folder of the tables.
sed "/^include(.*cf.m4/d
    s:/etc/mail/m4/[a-z]*.m4:/dev/null:
    /^define(\`_USE_ETC_MAIL_')dnl/i define(\`MAIL_SETTINGS_DIR', \`$S/etc/')dnl" \
    "$S/cf/debian/sendmail.mc" >"$S/etc/debian.mc"
for mc in "$data"/mc/*.mc; do
    sed "s:@S@:$S:g" "$mc" >"$S/etc/${mc##*/}"
done
names=
for mc in "$S"/etc/*.mc; do
    name=$(basename "$mc" .mc)
    ok "$name.cf is made" make_cf "$name"
    names="$names $name"
done

# Both programs on the same file, each in a network of its own, all at once: the real one waits
# for seconds here and there.
unshare -m -u -n sh "$data/network.sh" tables "$S/etc/tables.cf" >"$T/tables.log" 2>&1
for name in $names; do
    for who in real ours; do
        unshare -m -u -n sh "$data/network.sh" "$who" "$S/etc/$name.cf" \
            python3 "$data/refusals.py" >"$T/$who.$name" 2>"$T/$who.$name.log" &
    done
done
wait
for name in $names; do
    ok "$name: it answered" grep -q '^== 127' "$T/real.$name"
    same "$T/real.$name" "$T/ours.$name" "$name: refusals are those of sendmail 8.17"
done

flow() { # CF NAME
    unshare -m -u -n sh "$data/network.sh" ours "$S/etc/$1.cf" sh "$data/flow.sh" >"$T/flow" 2>"$T/flow.log"
    while read -r result what; do
        case $result in
        ok) pass "$1: $what" ;;
        *) fail "$1: $what" && diag "$(tail -n 30 "$T/flow.log")" ;;
        esac
    done <"$T/flow"
    ok "$1: all was tried" grep -q '^ok end$' "$T/flow"
}
flow tables
rm -rf "$S"
