#!/usr/bin/env python3
"""A public symbol starts with the name of its file's module."""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import objects  # noqa: E402
import source  # noqa: E402


def main():
    problems = []
    stems = source.stems_by_folder(source.files())
    with open(os.path.join(source.ROOT, 'applets/applets.def'), encoding='utf-8') as f:
        entries = set(re.findall(r'^(?:APPLET|ALIAS|ROLE)\("[^"]*", (\w+)', f.read(), re.M))
    for f, symbols in objects.symbols():
        prefixes = {f.stem, source.module(f.folder, f.stem, stems)}
        for s in symbols:
            if not s.public or s.name == 'main' or s.name in entries:
                continue
            if not any(s.name == p or s.name.startswith(p + '_') for p in prefixes):
                problems.append(f'{f.path}: {s.name} does not start with {min(prefixes)}_')
    source.finish(problems)


main()
