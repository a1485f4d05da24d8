#!/usr/bin/env python3
"""The shipped binary's octets, by archive and object; fails above the budget.

The parts come from the linker's map and are those of the program in memory, which the file
holds packed (start/unpack.c); headers, padding between segments and what the linker makes
itself are the difference to its sum.  The budget is for the file.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import source  # noqa: E402

BUDGET = 320 * 1024
LOADED = ('.text', '.rodata', '.data', '.init', '.fini', '.eh_frame', '.tdata', '.got', '.rela')
ENTRY = re.compile(r'^ (\.[\w.$-]+|\*fill\*)?\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s*(\S.*)?$')


def group(name):
    """Archive (or folder) and object of a map entry such as dir/libc.a(printf.o)."""
    m = re.match(r'(?:.*/)?([\w.+-]+\.a)\((.*)\)$', name)
    if m:
        return m.group(1), m.group(2)
    return 'applets' if '/applets/' in name else 'start files', os.path.basename(name)


def parts(path):
    sizes, section = {}, None
    with open(path, encoding='utf-8') as f:
        text = f.read().split('Linker script and memory map', 1)[1]
    # Long section names stand on a line of their own.
    text = re.sub(r'^( \.[^\s]+)\n\s+', r'\1 ', text, flags=re.M)
    for line in text.split('\n'):
        if re.match(r'^\.\w', line):
            section = line.split()[0]
        m = ENTRY.match(line)
        if m and m.group(3) and section and section.startswith(LOADED):
            key = group(m.group(3).strip())
            sizes[key] = sizes.get(key, 0) + int(m.group(2), 16)
    return sizes


def show(sizes, whole, total):
    archives = {}
    for (archive, _), size in sizes.items():
        archives[archive] = archives.get(archive, 0) + size
    for archive in sorted(archives, key=archives.get, reverse=True):
        print(f'{archives[archive]:8} {archive}')
        rows = [(size, name) for (a, name), size in sizes.items() if a == archive]
        for size, name in sorted(rows, reverse=True)[:None if '--all' in sys.argv else 12]:
            if size:
                print(f'{size:16} {name}')
    print(f'{whole - sum(archives.values()):8} headers, padding, relocations')
    print(f'{whole:8} in memory')
    print(f'{total:8} in the file, of {BUDGET}')


def main():
    binary = os.path.join(source.ROOT, 'build/out/letterbox')
    if not os.path.exists(binary):
        source.skip('not built')
    total = os.path.getsize(binary)
    if '--show' in sys.argv:
        made = os.path.join(source.ROOT, 'build/out/obj/release/letterbox')
        show(parts(made + '.map'), os.path.getsize(made + '.stripped'), total)
    if total > BUDGET and os.path.exists(os.path.join(source.ROOT, 'build/out/bearssl/system.a')):
        source.skip(f'{total} octets, with the archive of libbearssl-dev, which is made for speed')
    if total > BUDGET:
        source.finish([f'build/out/letterbox has {total} octets, at most {BUDGET}'])


main()
