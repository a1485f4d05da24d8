#!/bin/sh
# Sees to it that the tools are there: as root installs what is missing, else says which
# command would.
#
#   setup.sh build CC    what "make" needs; fails when it cannot be had
#   setup.sh check       what "make check" would like; never fails, tests that lack a tool
#                        are skipped aloud
set -eu

have() {
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]
}

updated=
install() { # PACKAGE...
    [ -n "$updated" ] || apt-get update -qq || true
    updated=yes
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

for_build() { # CC
    missing=
    set -- $1
    have "$1" || case $1 in
    musl-gcc) missing="$missing musl-tools" ;;
    clang) missing="$missing clang libclang-rt-14-dev" ;;
    *)
        echo "letterbox: no compiler $1; install it or name another with CC=" >&2
        exit 1
        ;;
    esac
    have zstd || missing="$missing zstd"
    # Debian's source packages; gcc and make alone do not bring it.
    have xz || ! have apt-get || missing="$missing xz-utils"
    [ -n "$missing" ] || return 0
    if ! have apt-get; then
        echo "letterbox: missing:$missing (a musl system's own compiler serves with CC=cc)" >&2
        exit 1
    elif [ "$(id -u)" != 0 ]; then
        echo "letterbox: missing packages; run as root: apt-get install$missing" >&2
        exit 1
    fi
    echo "letterbox: installing$missing"
    install $missing
}

# Tool and the package that has it.
check_tools() {
    cat <<L
python3 python3
clang clang
clang-format clang-format
clang-tidy clang-tidy
cppcheck cppcheck
mandoc mandoc
strace strace
zstd zstd
m4 m4
openssl openssl
curl curl
swaks swaks
mpop mpop
fetchmail fetchmail
mutt mutt
php php-cli
s-nail s-nail
git git
ip iproute2
dnsmasq dnsmasq-base
setpriv util-linux
L
}

# Packages whose daemons must not come to life: unpacked into build/out/aside/NAME.
aside() { # PACKAGE...
    have apt-get || return 0
    for package; do
        dir=$out/aside/$package
        [ -d "$dir" ] && continue
        mkdir -p "$dir.part"
        if (cd "$dir.part" && apt-get download -qq "$package" && dpkg -x ./*.deb . && rm -f ./*.deb) \
            >/dev/null 2>&1; then
            mv "$dir.part" "$dir"
        else
            rm -rf "$dir.part"
            echo "letterbox: cannot unpack $package; tests that need it will be skipped"
        fi
    done
}

for_check() {
    missing=$(check_tools | while read -r tool package; do
        have "$tool" || echo "$package"
    done)
    [ -x /usr/lib/git-core/git-send-email ] || missing="$missing git-email"
    # What swaks needs for TLS, and git send-email at all.
    perl -MNet::SSLeay -e 1 2>/dev/null || missing="$missing libnet-ssleay-perl"
    perl -MMail::Address -e 1 2>/dev/null || missing="$missing libmailtools-perl"
    set -- /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
    [ -f "$1" ] || missing="$missing libclang-rt-14-dev"
    # The other BearSSL that the program can be linked with.
    set -- /usr/lib/*/libbearssl.a /usr/lib/libbearssl.a
    [ -f "$1" ] || [ -f "${2:-}" ] || missing="$missing libbearssl-dev"
    missing=$(echo $missing)
    if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && have apt-get; then
        echo "letterbox: installing $missing"
        install $missing || for package in $missing; do
            install "$package" || echo "letterbox: cannot install $package"
        done
    elif [ -n "$missing" ]; then
        echo "letterbox: tests will be skipped; for all of them, as root: apt-get install $missing"
    fi
    aside postfix cron exim4-daemon-light
}

out=$(cd "$(dirname "$0")" && pwd)/out
case ${1:-} in
check) for_check ;;
build) for_build "$2" ;;
*)
    sed -n '2,8p' "$0" >&2
    exit 2
    ;;
esac
