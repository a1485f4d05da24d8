#!/bin/sh
# Unpacks postfix and the libraries it needs from Debian's packages into a directory that can
# be its root: unpack.sh DIR.  Nothing is installed, and what is there is kept.
set -eu
dir=$1
[ ! -e "$dir/.complete" ] || exit 0
command -v apt-get >/dev/null || {
    echo "no apt-get here to get postfix with" >&2
    exit 1
}
rm -rf "$dir"
mkdir -p "$dir/packages"
cd "$dir/packages"
# The packages that postfix depends on, of which a program needs the libraries.
libraries=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
    --no-replaces --no-enhances postfix | grep -E '^lib[a-z0-9+.-]+$' |
    grep -vE 'perl|-common|-modules|installer|gdbm|pam|semanage|sepol|slang|newt|readline' | sort -u)
chmod 777 .
apt-get download -qq postfix $libraries
for package in *.deb; do
    dpkg -x "$package" ..
done
rm -f ./*.deb
cd ..
rmdir packages
touch .complete
