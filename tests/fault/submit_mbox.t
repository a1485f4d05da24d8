#!/bin/sh
# Faults while a message is submitted without a daemon and delivered into an mbox.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/submit_faults.sh"
submit_faults mbox
