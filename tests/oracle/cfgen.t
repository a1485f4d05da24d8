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
tbl=/var/lib/letterbox-cfgen-$build.$$
trap 'rm -rf "$tbl"' EXIT INT TERM
umask 022
mkdir -p "$tbl/work"
cp -R "$here"/cfgen.tables/* "$tbl"
cd "$tbl/work" || exit 1
on_mx "$tbl/work" python3 "$here/cfgen.py" "$real" "$bin" "$tbl"
