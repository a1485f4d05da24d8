"""What the disk allows, whatever the program: durable files a second."""
import os
import threading
import time


def _writer(path, number, end, counts):
    octets = b'x' * 4096
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    n = 0
    while time.monotonic() < end:
        name = f'{path}/{number}.{n}'
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, octets)
        os.fdatasync(fd)
        os.fsync(directory)
        os.close(fd)
        n += 1
    counts[number] = n
    os.close(directory)


def files_per_second(path, writers, seconds=2.0):
    """Creates, writes 4 KiB, flushes file and directory, with WRITERS at once in PATH."""
    os.makedirs(path, exist_ok=True)
    counts = [0] * writers
    start = time.monotonic()
    threads = [threading.Thread(target=_writer, args=(path, i, start + seconds, counts))
               for i in range(writers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.monotonic() - start
    for name in os.listdir(path):
        os.unlink(f'{path}/{name}')
    return sum(counts) / took
