#!/bin/sh
# What zstd(1) packs, at every level, the decoder of start/ unpacks to the same octets.
. "${0%/*}/../lib/tap.sh"
need zstd python3 flock
peer=$OBJ/tests/interop/zstd_peer

python3 - "$T" <<'P'
import random
import sys

random.seed(1)
words = [bytes(random.choices(b'abcdefghijklmnopqrstuvwxyz', k=random.randint(1, 9))) for _ in range(900)]
cases = {
    'octet': b'x',
    'short': b'abc' * 3,
    'zeros': bytes(700000),
    'random': random.randbytes(300000),
    'text': b' '.join(random.choices(words, weights=range(900, 0, -1), k=50000)),
    'skewed': bytes(min(int(random.expovariate(0.05)), 255) for _ in range(400000)),
    'mixed': b''.join(random.choice([random.randbytes(3000), bytes(5000), b'abcdefg' * 700, words[i % 900] * 90])
                      for i in range(100)),
    'far': random.randbytes(200000) * 3,
}
for name, data in cases.items():
    open(f'{sys.argv[1]}/{name}.in', 'wb').write(data)
P
head -c 1000000 "$BIN" >"$T/program.in"
cases="octet short zeros random text skewed mixed far"
cd "$T" || exit 1
files=$(printf '%s.in ' $cases)
cat $files program.in >all
# All but the program is the same for both builds: packed once in a run of tests, by the first.
shared=${LETTERBOX_KEPT:-$T}/zstd
mkdir -p "$shared"
pack() { # LEVEL FOLDER FILE...
    pack_level=$1 pack_to=$2
    shift 2
    zstd -q -f --ultra "-$pack_level" --single-thread --no-check --output-dir-flat "$pack_to" "$@"
}
pack_shared() { # LEVEL: what is in $shared/LEVEL then
    exec 9>"$shared/lock"
    flock 9
    if [ ! -d "$shared/$1" ]; then
        rm -rf "$shared/new"
        mkdir "$shared/new" && pack "$1" "$shared/new" $files && mv "$shared/new" "$shared/$1"
    fi
    exec 9>&-
}
for level in 1 2 3 4 5 6 8 10 13 15 16 17 18 19 20 21 22; do
    rm -f unpacked
    packed="$(printf "$shared/$level/%s.in.zst " $cases) program.in.zst"
    pack_shared "$level" && pack "$level" . program.in && "$peer" $packed >unpacked 2>err
    if cmp -s unpacked all; then
        pass "level $level: all cases are the same"
        continue
    fi
    differ=
    for file in $packed; do
        case=${file##*/}
        "$peer" "$file" 2>>err | cmp -s - "${case%.zst}" || differ="$differ ${case%.in.zst}"
    done
    is "$differ" "" "level $level: all cases are the same"
done
