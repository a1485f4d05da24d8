#!/bin/sh
# Faults while a daemon queues a message and then delivers it into a Maildir.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/faults.sh"
faults maildir "through the queue" 15 -OSuperSafe=true
