#!/usr/bin/env python3
"""Lengths of functions and files, and how much of a file is comment."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import source  # noqa: E402

FUNCTION_MAX = 60
FILE_MAX = 400
LONG_FILES_MAX = 5

# Percent of the lines.  What is asked for is 40 to 60 in headers and 10 to 15 in .c files,
# over all of them: outside of that it warns, outside of ALL it fails.  One file alone may
# have its reasons, within ONE; a short one has no meaningful share.
AIM = {'h': (40, 60), 'c': (10, 15)}
ALL = {'h': (38, 62), 'c': (8, 20)}
ONE = {'h': (22, 75), 'c': (3, 30)}
SHORT = {'h': 30, 'c': 80}


def long_files():
    """build/lint/long-files: a path and a reason on each line."""
    path = os.path.join(source.ROOT, 'build/lint/long-files')
    out = {}
    with open(path, encoding='utf-8') as f:
        for line in f:
            if line.strip() and not line.startswith('#'):
                name, _, reason = line.strip().partition(' ')
                out[name] = reason.strip()
    return out


def lengths(everything, allowed):
    for f in everything:
        if len(f.lines) > FILE_MAX and f.path not in allowed:
            yield f'{f.path}: {len(f.lines)} lines, at most {FILE_MAX}'
        for first, last, name in f.functions():
            if last - first + 1 > FUNCTION_MAX:
                yield f'{f.path}:{first}: {name} has {last - first + 1} lines, at most {FUNCTION_MAX}'
        for n, line in enumerate(f.lines, 1):
            if len(line.expandtabs(8)) > 100:
                yield f'{f.path}:{n}: {len(line.expandtabs(8))} columns, at most 100'


def density(everything, show):
    total = {'h': [0, 0], 'c': [0, 0]}
    for f in everything:
        kind = 'h' if f.header else 'c'
        comment, lines = f.comment_lines(), len(f.lines)
        total[kind][0] += comment
        total[kind][1] += lines
        low, high = ONE[kind]
        share = 100 * comment / max(lines, 1)
        if show:
            print(f'{share:5.1f} % {lines:5} {f.path}')
        if lines > SHORT[kind] and not low <= share <= high:
            yield f'{f.path}: {share:.0f} % comment, must be {low} to {high} %'
    for kind, (comment, lines) in total.items():
        low, high = AIM[kind]
        share = 100 * comment / max(lines, 1)
        text = f'.{kind} files are {share:.1f} % comment, aim: {low} to {high} %'
        if not ALL[kind][0] <= share <= ALL[kind][1]:
            yield text
        elif not low <= share <= high:
            print(f'warning: {text}')


def main():
    everything = list(source.files('applets', 'libmail', 'start'))
    allowed = long_files()
    problems = list(lengths(everything, allowed))
    problems += density(everything, '--show' in sys.argv)
    if len(allowed) > LONG_FILES_MAX:
        problems.append(f'long-files: {len(allowed)} entries, at most {LONG_FILES_MAX}')
    for path, reason in allowed.items():
        if not reason:
            problems.append(f'long-files: {path}: no reason given')
        if not any(f.path == path and len(f.lines) > FILE_MAX for f in everything):
            problems.append(f'long-files: {path}: not needed any more')
    source.finish(problems)


main()
