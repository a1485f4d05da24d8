#!/bin/sh
# clang-tidy finds nothing in the floors below the protocols.
exec sh "$(dirname "$0")/lib/tidy.sh" format
