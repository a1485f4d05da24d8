#!/bin/sh
# What xz(1) packs, fast or well, the decoder of start/ unpacks to the same octets.
. "$(dirname "$0")/../lib/tap.sh"
need xz python3
peer=$OBJ/tests/interop/lzma_peer

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
    'text': b' '.join(random.choices(words, weights=range(900, 0, -1), k=120000)),
    'skewed': bytes(min(int(random.expovariate(0.05)), 255) for _ in range(400000)),
    'mixed': b''.join(random.choice([random.randbytes(3000), bytes(5000), b'abcdefg' * 700, words[i % 900] * 90])
                      for i in range(300)),
    'far': random.randbytes(200000) * 3,
}
for name, data in cases.items():
    open(f'{sys.argv[1]}/{name}.in', 'wb').write(data)
P
cp "$BIN" "$T/program.in"
for case in octet short zeros random text skewed mixed far program; do
    differ=
    size=$(($(wc -c <"$T/$case.in")))
    for level in 0 3 6 9e; do
        xz -c --format=raw "--lzma1=preset=$level,lc=3,lp=0,pb=0" "$T/$case.in" >"$T/packed" &&
            "$peer" "$T/packed" "$size" >"$T/unpacked" 2>"$T/err" && cmp -s "$T/unpacked" "$T/$case.in" ||
            differ="$differ $level"
    done
    is "$differ" "" "$case: the same at levels 0 3 6 9e"
done
