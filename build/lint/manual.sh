#!/bin/sh
# Every applet has a manual page, and mandoc finds nothing to say about it.
cd "$(dirname "$0")/../.." || exit 2
status=0
for name in $(sed -n 's/^APPLET("\([^"]*\)".*/\1/p' applets/applets.def); do
    set -- applets/"$name".[1-8]
    [ -f "$1" ] || { echo "applets.def: $name has no manual page" && status=1; }
done
command -v mandoc >/dev/null || { echo "no mandoc on this machine" && exit 77; }
for page in applets/*.[1-8]; do
    [ -f "$page" ] || continue
    # Whether the pages it refers to are installed says nothing about this one.
    if mandoc -T lint "$page" | grep -v 'referenced manual not found'; then
        status=1
    fi
done
exit $status
