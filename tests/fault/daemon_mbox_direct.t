#!/bin/sh
# Faults while a daemon delivers into an mbox before it answers.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/faults.sh"
faults mbox "delivered at once" 5 -OSuperSafe=interactive
