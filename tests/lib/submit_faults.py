#!/usr/bin/env python3
"""Faults in a submission without a daemon, one at a time.

    submit_faults.py INJECT MAILBOX FAULT

For n = 1, 2, ... the n-th write-side system call of a submission and of the delivery behind it
meets FAULT (tests/fault/inject_peer.c), until one gets through without so many.  Then the queue is
run to its end, without faults.  Prints a line for each promise that was broken:

    exit status 0 means that the message is in the mailbox, whole and once, or, where processes
    were killed, once or twice; anything else may mean neither, but nothing torn is ever left

and "N runs" last.  Settings come from the environment, which tests/lib/server.sh makes.
"""
import os
import re
import shutil
import subprocess
import sys

from files import read

CALLS = ('write,pwrite64,writev,openat,open,link,linkat,rename,renameat,renameat2,fsync,fdatasync,'
         'ftruncate,unlink,unlinkat,mkdir,mkdirat,close,sendfile,copy_file_range,fchown,fchmod')
CALLS_MAX = 400
MESSAGE = b'From: a@elsewhere.test\nSubject: fault\n\nbody\nFrom here\n'

inject, box, fault = sys.argv[1:]
work = os.environ['T']
hit, queue = os.path.join(work, 'hit'), os.environ['LETTERBOX_QUEUE']


def fresh():
    for name in ('mail', 'spool'):
        path = os.path.join(work, name)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
    os.chmod(os.path.join(work, 'mail'), 0o1777)


def quiet(command, **more):
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, **more).returncode


def queued():
    """Anything that a run of the queue would have to do with."""
    return any(files for _, _, files in os.walk(queue))


def copies():
    """How many are there whole, and how many torn, when the queue is run to its end."""
    if queued():
        quiet(['sendmail', '-q'], stdin=subprocess.DEVNULL)
    if os.path.isdir(box):
        new = os.path.join(box, 'new')
        # While a Maildir is being made it has some of its folders.
        text = b''.join(read(os.path.join(new, x))
                        for x in (os.listdir(new) if os.path.isdir(new) else ()))
    else:
        text = read(box)
    begun = re.split(rb'(?m)^Subject: fault$', text)[1:]
    whole = sum(bool(re.search(rb'(?m)^>?From here$', x)) for x in begun)
    return whole, len(begun) - whole


def main():
    n = 1
    while n < CALLS_MAX:
        fresh()
        status = quiet([inject, '-t', hit, CALLS, str(n), fault, 'sendmail', '-i',
                        'u1@example.test'], input=MESSAGE)
        what = read(hit)
        if not what:
            break
        whole, torn = copies()
        where = f'{fault}, call {n} ({what.decode(errors="replace").strip()})'
        if status == 0 and (whole not in (1, 2) or torn):
            print(f'{where}: exit 0, copies whole and torn: {whole} {torn}')
        if torn:
            print(f'{where}: torn message')
        # Twice is for a crash between delivery and its mark, not for a call that failed.
        if whole == 2 and not fault.startswith(('kill', 'crash')):
            print(f'{where}: delivered twice')
        n += 1
    print(f'{n - 1} runs')


main()
