#!/bin/sh
# clang-tidy finds nothing in services.
exec sh "$(dirname "$0")/lib/tidy.sh" service
