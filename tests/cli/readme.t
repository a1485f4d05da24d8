#!/bin/sh
# The README's commands, as they are printed there, in namespaces of their own; make install.
. "${0%/*}/../lib/tap.sh"
[ "$BUILD" = release ] || skip_all "what is installed is the release build"
need make python3

# The code blocks under a heading, the Nth or all; what is indented there is a command.
block() { # HEADING N
    awk -v heading="### $1" -v want="$2" '
        /^#/ { on = $0 == heading; n = 0; code = 0 }
        on && /^    / { if (!code) n++; code = 1; if (n == want) print substr($0, 5); next }
        { code = 0 }' "$ROOT/README.md"
}

# ---- make install
make_install() { make -s -C "$ROOT" install "$@" </dev/null; }
exits 0 "make install DESTDIR= PREFIX=" make_install DESTDIR="$T/dest" PREFIX=/opt/mail
is "$(cd "$T/dest" && echo *)" opt "writes below DESTDIR and PREFIX alone"
cp -P "$T/dest/opt/mail/bin/letterbox" "$T/letterbox-installed"
same "$T/letterbox-installed" "$ROOT/build/out/letterbox" "the program"
"$T/letterbox-installed" --list | grep -v '^letterbox$' >"$T/names"
for name in $(cat "$T/names"); do
    [ "$(readlink "$T/dest/opt/mail/bin/$name")" = letterbox ] || diag "no link $name" || echo "$name" >>"$T/missing"
done
nok "a link for each applet" test -s "$T/missing"
is "$(readlink "$T/dest/opt/mail/sbin/sendmail") $(readlink "$T/dest/opt/mail/lib/sendmail")" \
    "/opt/mail/bin/sendmail /opt/mail/bin/sendmail" "sendmail where programs look for it"
for page in "$ROOT"/applets/*.[1-8]; do
    cmp -s "$page" "$T/dest/opt/mail/share/man/man${page##*.}/${page##*/}" || echo "$page" >>"$T/missing"
done
nok "the manual pages" test -s "$T/missing"
exits 0 "once more" make_install DESTDIR="$T/dest" PREFIX=/opt/mail
exits 0 "the default" make_install DESTDIR="$T/default"
ok "is /usr/local" test -x "$T/default/usr/local/bin/sendmail"

[ "$(id -u)" = 0 ] || { skip 12 "needs root: namespaces" && exit; }
unshare -m -n -p -f true 2>/dev/null || { skip 12 "no namespaces here" && exit; }

# Runs the script on standard input in a host of its own: it may write below /usr/local, /usr/sbin, /var, /srv
# and /etc, has a loopback interface, and all that it started ends with it.
host() {
    cat >"$T/script"
    rm -rf "$T/host" && mkdir -p "$T/host/usr/local" "$T/host/usr/sbin" "$T/host/var/mail" "$T/host/srv"
    cp -a /etc "$T/host/etc"
    rm -rf "$T/host/etc/mail"
    # Links, so that tools of the real one are found; a sendmail of the machine's own is not among them.
    cp -a /usr/sbin/. "$T/host/usr/sbin/" 2>/dev/null
    (cd "$T/host/usr/sbin" && rm -f sendmail mailq newaliases runq)
    unshare -m -n -p -f --mount-proc sh -c '
        ip link set lo up
        mkdir -p "$1/host/var/spool" "$1/host/var/tmp"
        for dir in usr/local usr/sbin var srv etc; do
            mount --bind "$1/host/$dir" "/$dir" || exit 99
        done
        export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
        unset MAKELEVEL LETTERBOX_LOG
        cd "$2" && . "$1/script"' _ "$T" "$ROOT" >"$T/said" 2>&1 </dev/null
}
said() { tail -n 20 "$T/said" | sed 's/^/# /'; }

# ---- a machine whose programs send mail
{
    echo set -e
    block 'A machine whose programs send mail' 1
    echo 'cat /var/mail/root'
    echo '/usr/sbin/sendmail -oi root <<X'
    printf 'Subject: by its path\n\nhi\nX\n'
    echo 'cat /var/mail/root'
    echo "export LETTERBOX_MAILBOX=$(sed -n 's/.*`LETTERBOX_MAILBOX=\([^`]*\)`.*/\1/p' "$ROOT/README.md" | head -n 1)"
    echo 'mkdir -m 1777 /srv/mail'
    echo 'echo x | mail -s "in a Maildir" root; cat /srv/mail/root/new/*'
} | host || said
like "$(cat "$T/said")" '^Subject: warning' "the first quick start: root has the message when mail returns"
like "$(cat "$T/said")" '^the disk is full' "whole"
like "$(cat "$T/said")" '^Subject: by its path' "cron's path to sendmail works"
like "$(cat "$T/said")" '^Subject: in a Maildir' "the slash makes it a Maildir"

# ---- a small server
cat >"$T/client.py" <<'P'
import poplib
import smtplib
import ssl
import sys
import time

user, secret, domain, smtp, pop, tls = sys.argv[1:]
end = time.monotonic() + 30
while True:
    try:
        s = smtplib.SMTP('127.0.0.1', int(smtp), timeout=20)
        break
    except OSError:
        if time.monotonic() > end:
            raise
        time.sleep(0.05)
s.sendmail('joe@far.example', [f'{user}@{domain}'], 'Subject: read me\r\n\r\nas written\r\n')
s.quit()
while True:
    try:
        if tls == 'tls':
            p = poplib.POP3_SSL('127.0.0.1', int(pop), timeout=20, context=ssl._create_unverified_context())
        else:
            p = poplib.POP3('127.0.0.1', int(pop), timeout=20)
        break
    except OSError:
        if time.monotonic() > end:
            raise
        time.sleep(0.05)
p.user(user)
p.pass_(secret)
print('fetched:', b'\n'.join(p.retr(1)[1]).decode().splitlines()[-1])
p.quit()
P
{
    echo 'make -s install PREFIX=/usr/local'
    echo 'useradd -m -d /srv/bob bob; echo "bob:secret" | chpasswd -c SHA512; chmod 1777 /var/mail'
    block 'A small server' 1
    echo "python3 '$T/client.py' bob secret example.org 25 995 tls"
} | host || said
like "$(cat "$T/said")" '^fetched: as written' "a small server with system accounts"
{
    echo 'make -s install PREFIX=/usr/local'
    block 'A small server' 2
    block 'A small server' 1
    echo "python3 '$T/client.py' alice wonderland example.org 25 995 tls"
    echo 'mailq'
} | host || said
like "$(cat "$T/said")" '^fetched: as written' "and with users of mail only"
like "$(cat "$T/said")" 'letterbox is empty' "mailq shows what waits"

# ---- a container: the file alone on a read-only root, a uid that nobody has, no capability
python3 - "$ROOT" "$T" <<'P'
import json
import re
import shlex
import sys

root, t = sys.argv[1:]
text = re.search(r'^    FROM scratch\n(?:    .*\n)+', open(root + '/README.md').read(), re.M)[0]
text = text.replace('\\\n', ' ')
env, command, user = [], [], ''
for line in text.splitlines():
    word, _, rest = line.strip().partition(' ')
    if word == 'ENV':
        env += shlex.split(rest)
    elif word in ('ENTRYPOINT', 'CMD'):
        command.append(json.loads(rest))
    elif word == 'USER':
        user = rest
    elif word == 'COPY':
        print(rest, file=open(t + '/copy', 'w'))
uid, gid = user.split(':')
with open(t + '/container.sh', 'w') as f:
    quoted = ' '.join(shlex.quote(w) for w in env)
    f.write(f'uid={uid} gid={gid}\n')
    f.write(f'entry={shlex.quote(shlex.join(command[0]))}\n')
    f.write(f'cmd={shlex.quote(shlex.join(command[1]))}\n')
    f.write(f'variables={shlex.quote(quoted)}\n')
P
is "$(cat "$T/copy")" "build/out/letterbox /letterbox" "the image holds the file alone"
. "$T/container.sh"
popd=$(sed -n 's/^`\(popd -f [^`]*\)`.*/\1/p' "$ROOT/README.md" | head -n 1)
like "$popd" '^popd -f -l ' "the command that serves the mailboxes"
mkdir -p "$T/image/data" "$T/image/proc" && cp "$ROOT/build/out/letterbox" "$T/image/letterbox"
echo "alice:{PLAIN}wonderland:$uid:$gid::/data" >"$T/image/data/users"
chown -R "$uid:$gid" "$T/image/data"
unshare -m -n -p -f --mount-proc sh -c '
    ip link set lo up
    chroot=$(command -v chroot)
    mount --bind "$1/image" "$1/image" && mount --bind "$1/image/data" "$1/image/data" &&
    mount -o remount,bind,ro "$1/image" || exit 99
    uid=$2 gid=$3 variables=$4
    eval "env -i $variables $chroot --userspec=$uid:$gid --groups= $1/image $5 $6" 2>"$1/sendmail.log" &
    eval "env -i $variables $chroot --userspec=$uid:$gid --groups= $1/image $5 $7" 2>"$1/popd.log" &
    python3 "$1/client.py" alice wonderland mail.example.org 2525 1110 plain
    touch "$1/image/x" 2>&1
    ls -ln "$1/image/data"' _ "$T" "$uid" "$gid" "$variables" "$entry" "$cmd" "$popd" >"$T/said" 2>&1 </dev/null || said
like "$(cat "$T/said")" '^fetched: as written' "the container takes mail and serves it"
like "$(cat "$T/said")" 'Read-only file system' "from a root that is read-only"
like "$(cat "$T/said")" "$uid *$gid .* queue" "as a uid that has no name"
