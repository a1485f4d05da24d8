#!/usr/bin/env python3
"""Calls, directives, jumps and words that do not belong into this project."""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import source  # noqa: E402

# Unbounded, static results, hidden jumps, shells, weak randomness.
CALLS = set('''
    strcpy strcat strncat stpcpy sprintf vsprintf gets strtok atoi atol atoll atof scanf sscanf
    fscanf alloca alarm setjmp longjmp sigsetjmp siglongjmp system popen tmpnam tempnam mktemp
    rand srand random srandom drand48 ctime asctime gmtime localtime inet_ntoa inet_addr
    gethostbyname gethostbyaddr signal_r vfork
'''.split())

# Streams buffer behind the caller's back; only applets talk to a terminal.
STREAMS = set('''
    fopen fdopen freopen fclose fread fwrite fputs fputc fgets fgetc getc putc puts putchar
    printf fprintf vprintf vfprintf fflush fseek ftell getline getdelim perror
'''.split())

WORDS = re.compile(r'\b(TODO|FIXME|XXX|HACK|stub|not yet implemented'
                   r'|simplified)\b', re.I)
TEXT = ('.c', '.h', '.sh', '.py', '.md', '.mk', '.def', '.t', '.awk', '.1', '.5', '.8', 'Makefile')


def calls(f):
    banned = CALLS if f.folder == 'applets' else CALLS | STREAMS
    for n, line in enumerate(f.code_lines, 1):
        for m in re.finditer(r'(?<![\w.>])(\w+)\s*\(', line):
            if m.group(1) in banned:
                yield f'{f.path}:{n}: {m.group(1)}() is not used here'
        if re.search(r'\bFILE\b', line) and f.folder != 'applets':
            yield f'{f.path}:{n}: no stdio streams in libmail'


def directives(f):
    """#if and its kin belong into sys/; a header's include guard is one #ifndef at its top."""
    conditional = [(n, line) for n, line in enumerate(f.code_lines, 1)
                   if re.match(r'\s*#\s*(if|ifdef|ifndef|elif|else)\b', line)]
    if f.header:
        guard = re.sub(r'\W', '_', 'LETTERBOX_' + f.folder + '_' + f.stem).upper() + '_H'
        if not conditional or conditional[0][1] != f'#ifndef {guard}':
            yield f'{f.path}: no include guard {guard}'
        conditional = conditional[1:]
    if f.folder != 'sys':
        for n, line in conditional:
            yield f'{f.path}:{n}: {line.strip()}: conditions belong into sys/'


def jumps(f):
    for first, last, name in f.functions():
        label = None
        for n in range(first, last + 1):
            line = f.code_lines[n - 1]
            m = re.search(r'\bgoto\s+(\w+)', line)
            if m and (m.group(1) != 'out' or label):
                yield f'{f.path}:{n}: {name}: goto only forward, to out'
            if re.match(r'\s*out:', line):
                label = n


def words():
    listed = subprocess.run(['git', 'ls-files'], cwd=source.ROOT, capture_output=True, text=True)
    for path in listed.stdout.split('\n'):
        if not path.endswith(TEXT) or path.startswith('build/lint/'):
            continue
        try:
            with open(os.path.join(source.ROOT, path), encoding='utf-8', errors='replace') as f:
                for n, line in enumerate(f, 1):
                    m = WORDS.search(line)
                    if m:
                        yield f'{path}:{n}: sounds unfinished: {m.group(0)}'
        except FileNotFoundError:
            continue


def main():
    problems = list(words())
    for f in source.files():
        problems += [*calls(f), *directives(f), *jumps(f)]
    source.finish(problems)


main()
