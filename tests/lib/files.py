"""Files for tests in Python."""


def read(path):
    """The octets of a file; none when it cannot be read."""
    try:
        with open(path, 'rb') as f:
            return f.read()
    except OSError:
        return b''
