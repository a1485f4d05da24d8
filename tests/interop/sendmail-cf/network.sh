#!/bin/sh
# network.sh real|ours|tables CF COMMAND...: in a network of its own, with names, users and a name server
# that knows no other name, starts sendmail -bD on port 2525 and runs the command; tables: only makes
# the real one's data bases, of MAPS.  MODIFIERS: of the daemon's port.
set -u
who=$1 cf=$2 listen=Port=2525,Name=MTA${MODIFIERS:+,M=$MODIFIERS}
shift 2
here=$(dirname "$0")
W=$S/$(basename "$cf").$who
export W
rm -rf "$W"
mkdir -p "$W/run" "$W/queue" "$W/mail"
chmod 1777 "$W/mail"
hostname mx.local.test
ip link set lo up
for i in 1 66 67 68 69 77; do
    ip addr add "192.0.2.$i/32" dev lo
done
printf '%s\n' '127.0.0.1 localhost' '192.0.2.1 mx.local.test mx' '192.0.2.66 c66.test' \
    '192.0.2.69 c69.test' '192.0.2.77 client.test' >"$W/run/hosts"
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$W/run/resolv"
cp /etc/passwd "$W/run/passwd"
printf '%s\n' 'alice:x:23001:23001:Alice Adams:/:/bin/sh' 'bob:x:23002:23002:Bob:/:/bin/sh' \
    'self:x:23003:23003:Self:/:/bin/sh' >>"$W/run/passwd"
mount --bind "$W/run/hosts" /etc/hosts
mount --bind "$W/run/resolv" /etc/resolv.conf
mount --bind "$W/run/passwd" /etc/passwd
python3 "$here/nxdomain.py" &
dns=$!
[ "$who" = ours ] || export LD_LIBRARY_PATH="$REAL_LIBS"
if [ "$who" = tables ]; then
    for map in ${MAPS:-access virtusertable mailertable genericstable}; do
        "$REAL/makemap" -C "$cf" hash "$S/etc/$map" <"$S/etc/$map"
    done
    "$REAL/sendmail" -C "$cf" -bi
    kill $dns
    exit
fi
if [ "$who" = real ]; then
    "$REAL/sendmail" -C "$cf" -bD -ODaemonPortOptions="$listen" -OQueueDirectory="$W/queue" &
else
    export LETTERBOX_LOG=stderr LETTERBOX_MAILBOX="$W/mail/%u" LETTERBOX_QUEUE="$W/queue"
    "$BIN" sendmail -C "$cf" -bD -ODaemonPortOptions="$listen" &
fi
daemon=$!
n=0
until grep -q ':09DD .* 0A ' /proc/net/tcp /proc/net/tcp6 || [ $n = 1500 ]; do
    n=$((n + 1))
    sleep 0.02
done
daemon=$daemon "$@"
kill $daemon $dns
wait $daemon
