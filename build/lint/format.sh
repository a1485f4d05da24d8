#!/bin/sh
# clang-format leaves every C file as it is.
command -v clang-format >/dev/null || { echo "no clang-format on this machine" && exit 77; }
cd "$(dirname "$0")/../.." || exit 2
find applets libmail start tests build -name out -prune -o -name '*.[ch]' -print |
    xargs clang-format --dry-run -Werror 2>&1 | grep error: && exit 1
exit 0
