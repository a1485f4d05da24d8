"""Many open sessions, each of which answers."""
import socket
import ssl

LO = '127.0.0.1'


class Session:
    def __init__(self, port, tls=False):
        self.s = socket.create_connection((LO, port), 60)
        self.s.settimeout(60)
        self.buf = b''
        if tls:
            self.start_tls()

    def start_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.s = context.wrap_socket(self.s)

    def line(self):
        while b'\n' not in self.buf:
            got = self.s.recv(4096)
            if not got:
                raise OSError('the server closed the connection')
            self.buf += got
        line, self.buf = self.buf.split(b'\n', 1)
        return line

    def smtp(self, command=None):
        if command:
            self.s.sendall(command + b'\r\n')
        line = self.line()
        while line[3:4] == b'-':
            line = self.line()
        if line[:1] not in b'23':
            raise OSError(line.decode(errors='replace'))

    def pop(self, command=None):
        if command:
            self.s.sendall(command + b'\r\n')
        line = self.line()
        if not line.startswith(b'+OK'):
            raise OSError(line.decode(errors='replace'))

    def close(self):
        self.s.close()


def smtp_plain(port):
    s = Session(port)
    s.smtp()
    s.smtp(b'EHLO load.bench.example')
    s.smtp(b'MAIL FROM:<load@src.example>')
    s.smtp(b'RCPT TO:<bench@bench.example>')
    return s


def smtp_tls(port):
    s = Session(port)
    s.smtp()
    s.smtp(b'EHLO load.bench.example')
    s.smtp(b'STARTTLS')
    s.start_tls()
    s.smtp(b'EHLO load.bench.example')
    return s


def pop_plain(port):
    s = Session(port)
    s.pop()
    return s


def pop_tls(port):
    s = Session(port, tls=True)
    s.pop()
    return s


def answers(s, kind):
    """Does the session do what it is asked?"""
    try:
        if kind.startswith('smtp'):
            s.smtp(b'NOOP')
        else:
            s.pop(b'CAPA')
            while s.line().strip() != b'.':
                pass
        return True
    except OSError:
        return False


KINDS = {'smtp plain': smtp_plain, 'smtp tls': smtp_tls, 'pop plain': pop_plain,
         'pop tls': pop_tls}


def hold(kind, port, count):
    """Opens COUNT sessions; gives those that came up, and why the first other one did not."""
    held, why = [], ''
    for _ in range(count):
        try:
            held.append(KINDS[kind](port))
        except OSError as e:
            why = str(e)
            break
    return held, why
