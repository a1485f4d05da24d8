#!/usr/bin/env python3
"""Every outcome that is for good is listed in build/lint/permanent, with its reason.

Unknown failures are TEMP: losing mail is worse than trying again.  So each place of libmail/sys,
libmail/service and the applets that makes an error PERM, or an exit status that tells a caller not
to try again, stands in that table, and what is not there fails.  The pure floors are left out: they
call no system, so all that they refuse is what they were given.  A place is a function with what it
makes: a status of RFC 3463, a status of sysexits.h, or ERR_PERM for a class that is set by hand.
"""
import collections
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import source  # noqa: E402

TABLE = os.path.join(source.ROOT, 'build/lint/permanent')
FOLDERS = ('sys', 'service', 'applets')

# What a reason begins with; errno is for the few errors of system calls that are facts.
KINDS = ('asked', 'absent', 'config', 'place', 'said', 'errno', 'passed')

MADE = re.compile(
    r'\berr_perm\s*\(|\bclass\s*=\s*ERR_PERM\b|[?:]\s*ERR_PERM\b|'
    r'(?<![=!]=)\s\(?(?:EXIT_(?:DATAERR|NOINPUT|NOUSER|NOHOST|UNAVAILABLE|OSFILE|CANTCREAT|IOERR|'
    r'PROTOCOL|NOPERM|CONFIG))\b')


def outcome(f, m):
    if not m.group(0).startswith('err_perm'):
        return re.search(r'\w+$', m.group(0)).group(0)
    # The second argument, as written: the status or what holds it.
    args = re.match(r'[^,]*,\s*("?[\w.\[\]]+"?)', f.text[m.end():])
    return args.group(1).strip('"') if args else '?'


def places():
    """(path, function, outcome): the numbers of the lines that make it."""
    found = collections.defaultdict(list)
    uses_errno = set()
    for f in source.files():
        if f.header or f.folder not in FOLDERS:
            continue
        functions = list(f.functions())
        for m in MADE.finditer(f.code):
            line = f.code.count('\n', 0, m.end()) + 1
            name = next((n for first, last, n in functions if first <= line <= last), '-')
            key = f.path, name, outcome(f, m)
            found[key].append(line)
            call = f.code[m.start():f.code.index(';', m.start())]
            if re.search(r'\bstrerror\b|\berrno\b|\bsys\b', call):
                uses_errno.add(key)
    return found, uses_errno


def main():
    found, uses_errno = places()
    problems, listed = [], {}
    with open(TABLE, encoding='utf-8') as table:
        for n, row in enumerate(table, 1):
            if row.startswith('#') or not row.strip():
                continue
            cells = row.rstrip('\n').split(None, 4)
            if len(cells) < 5 or not cells[3].isdigit():
                problems.append(f'build/lint/permanent:{n}: want FILE FUNCTION OUTCOME COUNT REASON')
                continue
            key = tuple(cells[:3])
            listed[key] = int(cells[3])
            kind = cells[4].split(':')[0]
            if kind not in KINDS:
                problems.append(f'build/lint/permanent:{n}: a reason begins with one of: ' +
                                ', '.join(KINDS))
            if key in uses_errno and kind != 'errno':
                problems.append(f'build/lint/permanent:{n}: it tells of a system call: errno:')
    for key, lines in sorted(found.items()):
        path, function, what = key
        if listed.get(key) != len(lines):
            problems.append(f'{path}:{lines[-1]}: {function} makes {what} for good, {len(lines)} '
                            f'times; build/lint/permanent has {listed.get(key, 0)}: say there why, '
                            'or make it TEMP')
    for key in sorted(set(listed) - set(found)):
        problems.append(f'build/lint/permanent: {" ".join(key)} is not there any more')
    source.finish(problems)


main()
