#!/bin/sh
# Faults while a daemon delivers into a file that an alias names.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/faults.sh"
faults file "of an alias" 20
