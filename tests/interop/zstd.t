#!/bin/sh
# What zstd(1) packs, at every level, the decoder of start/ unpacks to the same octets.
. "${0%/*}/../lib/tap.sh"
need zstd python3
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
cases="octet short zeros random text skewed mixed far program"
cd "$T" || exit 1
files=$(printf '%s.in ' $cases)
packed=$(printf '%s.in.zst ' $cases)
cat $files >all
for level in 1 2 3 4 5 6 8 10 13 15 16 17 18 19 20 21 22; do
    rm -f unpacked
    zstd -q -f --ultra "-$level" --single-thread --no-check $files && "$peer" $packed >unpacked 2>err
    if cmp -s unpacked all; then
        pass "level $level: all cases are the same"
        continue
    fi
    differ=
    for case in $cases; do
        "$peer" "$case.in.zst" 2>>err | cmp -s - "$case.in" || differ="$differ $case"
    done
    is "$differ" "" "level $level: all cases are the same"
done
