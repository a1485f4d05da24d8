#!/usr/bin/env python3
"""Pure floors call only what has no effect; nothing but the log has mutable statics."""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import objects  # noqa: E402
import source  # noqa: E402

ALLOWED = set('''
    memcpy memmove memset memcmp memchr memrchr memmem explicit_bzero
    strlen strnlen strcmp strncmp strchr strrchr strspn strcspn strstr
    snprintf vsnprintf qsort bsearch abort strerror
    __stack_chk_fail __stack_chk_guard _GLOBAL_OFFSET_TABLE_
'''.split())
COMPILER = re.compile(r'__(u?(div|mod|mul|divmod)[dt]i\d|popcount[dt]i2|[cf]tz[dt]i2|clz[dt]i2)$')

# Beyond the list: what one object may call, and why.
EXTRA = {
    'libmail/base/err.c': {'write'},  # the last words of a bug
}
ALLOCATE = {'malloc', 'realloc', 'calloc', 'free'}  # base/ only

# Objects with mutable statics: the log's destination, and the descriptor of the running binary,
# which is to be had only when the program starts.
STATEFUL = {'libmail/sys/log.c', 'libmail/sys/proc.c'}


def effects(f, symbols, owner):
    for s in symbols:
        if not s.undefined or s.name in ALLOWED or COMPILER.match(s.name):
            continue
        if s.name in EXTRA.get(f.path, ()) or (f.folder == 'base' and s.name in ALLOCATE):
            continue
        home = owner.get(s.name)
        if home in source.MAY_INCLUDE[f.folder]:
            continue
        if f.folder == 'proto' and s.name.startswith('br_'):
            continue
        yield f'{f.path}: calls {s.name}' + (f' of {home}' if home else '')


def main():
    problems, owner = [], {}
    table = list(objects.symbols())
    for f, symbols in table:
        owner.update((s.name, f.folder) for s in symbols if s.public)
    for f, symbols in table:
        if f.folder in source.PURE:
            problems.extend(effects(f, symbols, owner))
        if f.folder != 'applets' and f.path not in STATEFUL:
            problems.extend(f'{f.path}: {s.name} is a mutable static'
                            for s in symbols if s.mutable and not s.undefined)
    source.finish(problems)


main()
