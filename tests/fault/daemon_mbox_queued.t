#!/bin/sh
# Faults while a daemon queues a message and then delivers it into an mbox.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/faults.sh"
faults mbox "through the queue" 15 -OSuperSafe=true
