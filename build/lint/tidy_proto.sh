#!/bin/sh
# clang-tidy finds nothing in protocols and the cf engine.
exec sh "$(dirname "$0")/lib/tidy.sh" proto
