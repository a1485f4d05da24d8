"""The release build's objects, as nm sees them."""
import os
import subprocess

import source

OBJ = os.path.join(source.ROOT, 'build/out/obj/release')


class Symbol:
    def __init__(self, name, kind, section):
        self.name, self.kind, self.section = name, kind, section

    @property
    def undefined(self):
        return self.kind in 'Uwv' and not self.section.startswith('.')

    @property
    def public(self):
        return self.kind.isupper() and not self.undefined

    @property
    def mutable(self):
        """In memory that can be written once the program runs."""
        return self.section.startswith(('.data', '.bss', '.tdata', '.tbss', '*COM*')) and \
            not self.section.startswith('.data.rel.ro')


def symbols():
    """Yields File and symbols for each .c of the release build; the build must be current."""
    sources = [f for f in source.files() if not f.header]
    paths = [os.path.join(OBJ, f.path[:-2] + '.o') for f in sources]
    missing = [p for p in paths if not os.path.exists(p)]
    if missing:
        source.skip('not built: ' + os.path.relpath(missing[0], source.ROOT))
    out = subprocess.run(['nm', '-f', 'sysv'] + paths, check=True, capture_output=True,
                         text=True).stdout
    table, at = {}, None
    for line in out.splitlines():
        if line.startswith('Symbols from '):
            at = table.setdefault(line[len('Symbols from '):].rstrip(':'), [])
        elif line.startswith('Undefined symbols from '):
            at = table.setdefault(line[len('Undefined symbols from '):].rstrip(':'), [])
        elif '|' in line and at is not None:
            cells = [c.strip() for c in line.split('|')]
            if cells[0] != 'Name' and len(cells) >= 7:
                at.append(Symbol(cells[0], cells[2], cells[6]))
    for f, path in zip(sources, paths):
        name = next((k for k in table if k.startswith(path)), None)
        yield f, table.get(name, [])
