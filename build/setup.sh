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
    have xz || missing="$missing xz-utils"
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

case ${1:-} in
build) for_build "$2" ;;
*)
    sed -n '2,8p' "$0" >&2
    exit 2
    ;;
esac
