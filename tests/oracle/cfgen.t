#!/bin/sh
# cfgen's variables: what each of them changes, and that the real sendmail 8.17 understands every
# configuration as ours does.  needs root (for a namespace of its own), apt-get, python3
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/real.sh"

# One build is enough for the comparison; the other has the variables.
[ "$build" = release ] || real=-

# Tables must not lie below a folder that all may write to, or sendmail refuses them.
tbl=$(mktemp -d /var/lib/letterbox-cfgen-XXXXXX)
chmod 755 "$tbl"
trap 'rm -rf "$tbl"' EXIT INT TERM
umask 022
cp -R "$here"/cfgen.tables/* "$tbl"
on_mx "$tbl" python3 "$here/cfgen.py" "$real" "$bin" "$HERE"
