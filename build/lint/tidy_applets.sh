#!/bin/sh
# clang-tidy finds nothing in the applets.
exec sh "$(dirname "$0")/lib/tidy.sh" applets
