#!/usr/bin/env python3
"""What the system says at every call of a submission or a delivery that opens, makes or renames.

    errno_faults.py INJECT CALLS CONFIGURATION MESSAGE ERRNO[,ERRNO...] COMMAND [ARG...]

For n = 1, 2, ... the n-th of CALLS that COMMAND makes, with MESSAGE as its standard input, fails
with the next ERRNO in turn (tests/fault/inject_peer.c), until it gets through without so many.
Prints a line for each promise that is broken:

    exit status 0 means that the message is in the mailbox once, if need be after a run of the
    queue; else it is 71 or 75, which are for now, or 72 for a configuration that cannot be read,
    which is said at once; nothing is reported to the sender

and "N runs" last.  Settings come from the environment, which tests/lib/server.sh makes.
"""
import os
import re
import shutil
import subprocess
import sys

from files import read

CALLS_MAX = 400

inject, calls, configuration, message = sys.argv[1:5]
errnos, command = sys.argv[5].split(','), sys.argv[6:]
work = os.environ['T']
hit, said, mail, queue = (os.path.join(work, x) for x in ('hit', 'said', 'mail', 'spool/queue'))


def fresh():
    for path in mail, queue:
        shutil.rmtree(path, ignore_errors=True)
    os.mkdir(mail)
    os.chmod(mail, 0o1777)


def run(words, name):
    with open(message, 'rb') as stdin, open(name, 'wb') as output:
        return subprocess.run(words, check=False, stdin=stdin, stdout=output,
                              stderr=subprocess.STDOUT).returncode


def copies():
    return len(re.findall(rb'^Subject: errno$', read(os.path.join(mail, 'u1')), re.M))


def judge(status, where, call):
    if status == 0 and not copies():
        run(['sendmail', '-C', configuration, '-q'], os.path.join(work, 'run'))
    told = read(said).decode(errors='replace').splitlines()
    if status not in (0, 71, 75) and not (status == 72 and call.endswith(configuration)):
        print(f'{where}: status {status}: {told[-1:]}')
    if status == 0 and copies() != 1:
        print(f'{where}: taken, and delivered {copies()} times')
    report = os.path.join(mail, 'u2')
    if os.path.lexists(report):
        print(f'{where}: reported: {re.findall(rb"^Diagnostic-Code.*", read(report), re.M)}')


def main():
    n = 0
    while n + 1 < CALLS_MAX:
        n += 1
        errno = errnos[(n - 1) % len(errnos)]
        fresh()
        status = run([inject, '-t', hit, calls, str(n), errno] + command, said)
        call = read(hit).decode(errors='replace').rstrip('\n').partition(' ')[2]
        if not call:
            break
        judge(status, f'{errno} at {n}, {call}', call)
    print(f'{n} runs')


main()
