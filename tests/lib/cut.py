#!/usr/bin/env python3
"""Ends the channels of a role with its peers, but for that to gate (descriptor 3).

    cut.py PID

Nobody dies of it: each side sees the other close.  Prints how many there were.
"""
import ctypes
import os
import socket
import sys

PIDFD_GETFD = 438  # of 64-bit x86 and ARM alike
CONTROL = 3

pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
target = os.pidfd_open(pid)
count = 0
for name in sorted(os.listdir(f'/proc/{pid}/fd'), key=int):
    if int(name) == CONTROL or not os.readlink(f'/proc/{pid}/fd/{name}').startswith('socket:'):
        continue
    fd = libc.syscall(PIDFD_GETFD, target, int(name), 0)
    if fd < 0:
        sys.exit('pidfd_getfd: ' + os.strerror(ctypes.get_errno()))
    with socket.socket(fileno=fd) as s:
        if s.family == socket.AF_UNIX and s.type & socket.SOCK_SEQPACKET == socket.SOCK_SEQPACKET:
            s.shutdown(socket.SHUT_RDWR)
            count += 1
print(count)
