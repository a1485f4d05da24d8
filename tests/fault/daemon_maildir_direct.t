#!/bin/sh
# Faults while a daemon delivers into a Maildir before it answers.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/faults.sh"
faults maildir "delivered at once" 5 -OSuperSafe=interactive
