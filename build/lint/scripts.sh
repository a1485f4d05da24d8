#!/bin/sh
# Every shell script parses, and names no shell but sh.
cd "$(dirname "$0")/../.." || exit 2
status=0
for script in $(git ls-files | grep -E '\.(sh|t)$|^tests/run$|^\.ci/run$'); do
    sh -n "$script" || status=1
    head -n 1 "$script" | grep -qE '^#!/bin/sh$|^#' || { echo "$script: no #!/bin/sh" && status=1; }
done
exit $status
