#!/bin/sh
# cppcheck with no finding; what it knows of unchanged files is kept in build/out/.
command -v cppcheck >/dev/null || { echo "no cppcheck on this machine" && exit 77; }
cd "$(dirname "$0")/../.." || exit 2
mkdir -p build/out/lint/cppcheck
exec cppcheck --quiet --std=c11 --language=c -D_GNU_SOURCE --error-exitcode=1 --inline-suppr \
    --enable=warning,performance,portability --suppress=missingInclude \
    --cppcheck-build-dir=build/out/lint/cppcheck -j 2 \
    --template='{file}:{line}: {severity}: {message} [{id}]' -Ilibmail -I. applets libmail start
