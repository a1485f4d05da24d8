#!/bin/sh
# Debian's cron, in a namespace where /usr/sbin/sendmail is ours, mails what a job prints.
. "${0%/*}/../lib/tap.sh"
need_root
need unshare
cron=$ROOT/build/out/aside/cron
[ -x "$cron/usr/sbin/cron" ] || skip_all "cron is not unpacked on this machine"
unshare -m true 2>/dev/null || skip_all "no mount namespaces here"

mkdir -p "$T/run" "$T/spool/cron/crontabs" "$T/sbin" "$T/pam" "$T/mail" "$T/etc"
ln -s "$BIN" "$T/sbin/sendmail"
for job in auth account session; do
    echo "$job sufficient pam_permit.so"
done >"$T/pam/cron"
printf 'MAILTO=root\n@reboot printf "from cron\\\\n.\\\\n\\\\303\\\\244\\\\n"\n' >"$T/spool/cron/crontabs/root"
chmod 600 "$T/spool/cron/crontabs/root"
: >"$T/etc/crontab"
echo "root:{PLAIN}x:0:0::/root" >"$T/users"
chmod 600 "$T/users"
# The program's path stays what it is under the mounts, since its folder is not among them.
unshare -m sh -c '
    mount --bind "$1/run" /run && mount --bind "$1/pam" /etc/pam.d && mount --bind "$1/sbin" /usr/sbin &&
    mount --bind "$1/spool" /var/spool &&
    exec env LETTERBOX_USERS="$1/users" LETTERBOX_MAILBOX="$1/mail/%n" LETTERBOX_QUEUE="$1/queue" LETTERBOX_LOG=none \
        LETTERBOX_HOSTNAME=mx.example.test "$2" -f' _ "$T" "$cron/usr/sbin/cron" >"$T/cron.log" 2>&1 </dev/null &
echo $! >"$T/cron.pid"
mailed() { [ -s "$T/mail/root" ]; }
ok "what a job prints comes by mail" wait_for 30 mailed
text=$(cat "$T/mail/root" "$T/cron.log" 2>/dev/null)
like "$text" '^Subject: Cron <root@.*> printf' "with the command in the subject"
like "$text" '^From: .*Cron Daemon' "from the daemon"
is "$(sed '1,/^$/d' "$T/mail/root" 2>/dev/null)" "$(printf 'from cron\n.\n\303\244\n')" "and the text whole"
