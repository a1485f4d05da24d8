#!/usr/bin/env python3
"""Faults in the commit of a POP3 session (popd -i), one at a time.

    popd_faults.py INJECT KIND FAULT

KIND is rename (an mbox that a new file takes the place of), journal (one that is linked to, and is
rewritten in place) or maildir.  For n = 1, 2, ... the n-th write-side system call of a session
that deletes the second of three messages meets FAULT (tests/fault/inject_peer.c), until one gets
through without so many.  FAULT "none" is one session without.  Prints a line for each promise
that was broken:

    the mailbox is the one before or the one after, whole, and the one after when QUIT was answered
    so; that holds still when mail has come and it was opened again, and nothing is left over

and "N runs" last.  Settings come from the environment, which tests/lib/server.sh makes.
"""
import os
import shutil
import subprocess
import sys
import time

from files import read

CALLS = 'write,writev,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,unlinkat,link,linkat'
CALLS_MAX = 400
OWNER = 20001

inject, kind, fault = sys.argv[1:]
work = os.environ['T']
hit, home, real = (os.path.join(work, x) for x in ('hit', 'home', 'real'))
box = os.path.join(work, 'mail', 'u1')
# A lock that cannot be removed is waited for until it is stale: right, and slow.
calls = CALLS + (',unlink' if fault.startswith(('kill', 'crash')) else '')


def message(number, lines):
    text = f'From a@b.example Tue Nov 24 03:18:0{number} 2026\nSubject: {number}\n\n'
    text += ''.join(f'line {i} of the message\n' for i in range(lines))
    return (text + '\n').encode()


MESSAGES = [message(1, 3), message(2, 2000), message(3, 9)]
if kind == 'maildir':
    MESSAGES[1] = message(2, 2)
NEW = message(4, 2)
BEFORE = b''.join(MESSAGES)
AFTER = MESSAGES[0] + MESSAGES[2]


def put(path, text, how='wb'):
    with open(path, how) as f:
        f.write(text)


def own(*paths):
    for path in paths if os.getuid() == 0 else ():
        os.lchown(path, OWNER, OWNER)
        for top, dirs, files in os.walk(path):
            for name in dirs + files:
                os.lchown(os.path.join(top, name), OWNER, OWNER)


def fresh():
    for name in ('mail', 'real', 'home'):
        path = os.path.join(work, name)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
    os.chmod(os.path.join(work, 'mail'), 0o1777)
    if kind == 'rename':
        put(box, BEFORE)
    elif kind == 'journal':
        # What is linked to cannot be replaced.
        put(os.path.join(real, 'u1'), BEFORE)
        os.symlink(os.path.join(real, 'u1'), box)
    else:
        for name in ('new', 'cur', 'tmp'):
            os.makedirs(os.path.join(box, name))
        for i, text in enumerate(MESSAGES):
            put(os.path.join(box, 'new', f'100{i + 1}.M1P1.h'), text)
    own(real, home, box)


def contents():
    if kind != 'maildir':
        return read(box)
    files = [os.path.join(box, d, x) for d in ('new', 'cur')
             for x in sorted(os.listdir(os.path.join(box, d)))]
    return b''.join(read(x) for x in files)


def session(command, *commands):
    """What a POP3 session answers; None: it hangs."""
    said = ''.join(x + '\r\n' for x in ('USER u1', 'PASS pw-u1') + commands)
    try:
        return subprocess.run(command, check=False, input=said.encode(), timeout=20,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    except subprocess.TimeoutExpired:
        return None


def check(answers, where):
    done = answers is not None and b'+OK 1 message deleted' in answers
    allowed = [AFTER] if done else [AFTER, BEFORE]
    if answers is None:
        print(f'{where}: hangs')
    # A journal's mailbox is torn to others until it is opened again.
    if kind != 'journal' and contents() not in allowed:
        print(f'{where}: neither before nor after; answered: {done}')
    # A lock that was left behind is stale after minutes; then mail comes, and an open.
    lock = box + '.lock'
    if os.path.lexists(lock):
        os.utime(lock, (time.time() - 600,) * 2)
    if kind == 'maildir':
        put(os.path.join(box, 'new', '2000.M1P1.h'), NEW)
        own(box)
    else:
        put(box, NEW, 'ab')
    session(['popd', '-i'], 'STAT', 'QUIT')
    if contents() not in [x + NEW for x in allowed]:
        print(f'{where}: reopened: neither before nor after; answered: {done}')
    if os.listdir(home):
        print(f'{where}: left over: {os.listdir(home)}')


def main():
    n = 1
    if fault == 'none':
        fresh()
        answers = session(['popd', '-i'], 'DELE 2', 'QUIT')
        if b'+OK 1 message deleted, 2 left' not in answers:
            print(f'without faults: {answers}')
        check(answers, 'without faults')
    while fault != 'none' and n < CALLS_MAX:
        fresh()
        answers = session([inject, '-t', hit, calls, str(n), fault, 'popd', '-i'], 'DELE 2', 'QUIT')
        what = read(hit)
        if not what:
            break
        check(answers, f'{fault}, call {n} ({what.decode(errors="replace").strip()})')
        n += 1
    print(f'{n - 1} runs')


main()
