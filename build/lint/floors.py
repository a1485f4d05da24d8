#!/usr/bin/env python3
"""Includes name the floor and point downwards only; modules form no circle."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import source  # noqa: E402


def target(f, name):
    """Folder and stem of an included file, or None when there is none of that name."""
    if '/' in name:
        folder, _, rest = name.partition('/')
        path = ('' if folder == 'applets' else 'libmail/') + name
    else:
        folder, rest, path = f.folder, name, os.path.dirname(f.path) + '/' + name
    if not os.path.exists(os.path.join(source.ROOT, path)):
        return None
    return folder, os.path.splitext(rest)[0]


def circles(edges):
    """Strongly connected sets of more than one module (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in edges.get(v, {}):
            if w not in index:
                visit(w)
            if w in stack:
                low[v] = min(low[v], low[w])
        if low[v] == index[v]:
            group = stack[stack.index(v):]
            del stack[stack.index(v):]
            if len(group) > 1:
                found.append(group)

    sys.setrecursionlimit(10000)
    for v in sorted(edges):
        if v not in index:
            visit(v)
    return found


def main():
    problems, edges = [], {}
    everything = list(source.files())
    stems = source.stems_by_folder(everything)
    for f in everything:
        here = (f.folder, source.module(f.folder, f.stem, stems))
        if f.folder not in source.MAY_INCLUDE:
            problems.append(f'{f.path}: no such floor: {f.folder}')
            continue
        for n, name in f.includes():
            at = f'{f.path}:{n}: "{name}"'
            found = target(f, name)
            if not found:
                problems.append(f'{at}: no such file under libmail/ or applets/')
                continue
            folder, stem = found
            if '/' not in name and f.folder != 'applets':
                problems.append(f'{at}: does not name its floor')
            if folder not in source.MAY_INCLUDE[f.folder]:
                problems.append(f'{at}: {f.folder} may not include {folder}')
            there = (folder, source.module(folder, stem, stems))
            if there != here and not name.endswith('.def'):
                edges.setdefault(here, {}).setdefault(there, at)
    for group in circles(edges):
        problems.append('a circle of modules: ' + ', '.join('/'.join(m) for m in group))
        for v in group:
            problems.extend(f'  {edges[v][w]}' for w in edges.get(v, {}) if w in group)
    source.finish(problems)


main()
