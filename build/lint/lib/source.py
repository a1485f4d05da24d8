"""What the lints share: the project's C files, read without comments and strings."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# Floor 0 is below everything.  A folder may include the folders named here and no other.
MAY_INCLUDE = {
    'base': {'base'},
    'sys': {'base', 'sys'},
    'format': {'base', 'format'},
    'proto': {'base', 'format', 'proto'},
    'cf': {'base', 'format', 'cf'},
    'service': {'base', 'sys', 'format', 'proto', 'cf', 'service'},
    'applets': {'base', 'sys', 'format', 'proto', 'cf', 'service', 'applets'},
}
PURE = {'base', 'format', 'proto', 'cf'}

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    """Spaces instead of a token, so that lines and columns stay."""
    return re.sub(r'[^\n]', ' ', match.group(0))


class File:
    def __init__(self, path):
        self.path = path
        self.folder = os.path.basename(os.path.dirname(path))
        self.stem = os.path.splitext(os.path.basename(path))[0]
        self.header = path.endswith('.h')
        with open(os.path.join(ROOT, path), encoding='utf-8') as f:
            self.text = f.read()
        self.lines = self.text.split('\n')[:-1]
        self.code = TOKEN.sub(blank, self.text)
        self.code_lines = self.code.split('\n')[:-1]

    def includes(self):
        """Line number and name of each #include "..."."""
        for n, line in enumerate(self.lines, 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if m:
                yield n, m.group(1)

    def comment_lines(self):
        """How many lines hold a comment or a part of one."""
        found = set()
        for m in TOKEN.finditer(self.text):
            if m.group(0).startswith('/'):
                first = self.text.count('\n', 0, m.start())
                found.update(range(first, first + m.group(0).count('\n') + 1))
        return len(found)

    def functions(self):
        """(first line, last line, name) of each function defined at file scope."""
        start = None
        for n, line in enumerate(self.code_lines, 1):
            if line == '{':
                head = n - 1
                while head > 1 and re.match(r'[ \t]|.*\)\s*$', self.code_lines[head - 1]) and \
                        not re.match(r'\w', self.code_lines[head - 1]):
                    head -= 1
                start = head
            elif line == '}' and start:
                text = ' '.join(self.code_lines[start - 1:start + 3])
                m = re.search(r'(\w+)\s*\(', text)
                yield start, n, m.group(1) if m else '?'
                start = None


def files(*folders):
    """Every .c and .h under the folders, by default applets/ and libmail/."""
    for folder in folders or ('applets', 'libmail'):
        for where, _, names in sorted(os.walk(os.path.join(ROOT, folder))):
            for name in sorted(names):
                if name.endswith(('.c', '.h')):
                    yield File(os.path.relpath(os.path.join(where, name), ROOT))


def module(folder, stem, stems):
    """The module that a file belongs to: queue_run is part of queue where there is one."""
    parts = stem.split('_')
    for n in range(1, len(parts)):
        if '_'.join(parts[:n]) in stems[folder]:
            return '_'.join(parts[:n])
    return stem


def stems_by_folder(all_files):
    out = {}
    for f in all_files:
        out.setdefault(f.folder, set()).add(f.stem)
    return out


def finish(problems):
    for p in problems:
        print(p)
    if problems:
        sys.exit(1)


def skip(reason):
    print(reason)
    sys.exit(77)
