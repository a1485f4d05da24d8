#!/bin/sh
# tidy.sh PART: clang-tidy over what changed in a part of the tree since it last passed.  The
# parts are those of build/check.mk.
command -v clang-tidy >/dev/null || { echo "no clang-tidy on this machine" && exit 77; }
cd "$(dirname "$0")/../../.." || exit 2
unset MAKEFLAGS MAKELEVEL
# A third of what the analyzer follows by itself, or this would be a third of make check; make tidy
# goes all the way.
# One process at a time: the other parts, and the tests, are at work beside it.
export TIDY_JOBS=1
exec make -s -k -O -j 2 TIDY_NODES=75000 "tidy-$1"
