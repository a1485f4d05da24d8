# A network of its own for a test that needs name servers and several hosts: sourced behind
# tap.sh, by a script that is started again inside.
#
#   net_enter "$0"              as root: network and mount namespaces; skips the test else
#   net_addresses ADDR...       on loopback
#   net_dns OPTION...           dnsmasq on 192.0.2.53 with these; resolv.conf names it

net_enter() { # SCRIPT
    need_root
    need ip unshare dnsmasq python3
    [ "${NET_INSIDE:-}" = yes ] && return
    unshare -n -m true 2>/dev/null || skip_all "no namespaces on this machine"
    rm -rf "$T"
    NET_INSIDE=yes exec unshare -n -m --propagation private sh "$1"
}

net_addresses() {
    ip link set lo up
    for net_address; do
        ip addr add "$net_address/32" dev lo
    done
}

net_dns() {
    net_addresses 192.0.2.53
    printf 'nameserver 192.0.2.53\noptions timeout:1 attempts:1\n' >"$T/resolv.conf"
    printf '127.0.0.1 localhost\n' >"$T/hosts"
    chmod 644 "$T/resolv.conf" "$T/hosts"
    mount --bind "$T/resolv.conf" /etc/resolv.conf
    mount --bind "$T/hosts" /etc/hosts
    start_daemon dns dnsmasq -k -C /dev/null --no-hosts --no-resolv --listen-address=192.0.2.53 \
        --bind-interfaces --user=root --group=root --pid-file= --log-facility=- "$@"
    wait_for 20 net_answers
}

net_answers() {
    python3 - <<'E'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.2)
s.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\1x\0\0\1\0\1", ("192.0.2.53", 53))
s.recv(512)
E
}
