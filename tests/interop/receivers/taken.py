"""What the receivers have taken: "SUBJECT LINES LAST-LINE TLS" for each message.

    taken.py pf|ex|sm
"""
import glob
import re
import sys


def message(text):
    head, _, body = text.partition("\n\n")
    subject = re.search(r"(?m)^Subject: (.*)$", head)
    lines = body.rstrip("\n").split("\n")
    tls = bool(re.search(r"TLS", head))
    if subject:
        print(subject.group(1), len(lines), lines[-1], "tls" if tls else "clear")


def read(name):
    try:
        with open(name, encoding="latin-1") as f:
            return f.read()
    except FileNotFoundError:
        return None


if sys.argv[1] == "sm":
    for name in glob.glob("/var/lib/sm/queue/qf*"):
        envelope, body = read(name), read(name.replace("/qf", "/df"))
        if envelope is None or body is None:
            continue
        # "H??Subject: ..." and its continuations.
        head = re.findall(r"(?m)^(?:H\?[^?]*\?|\t).*$", envelope)
        message("\n".join(re.sub(r"^H\?[^?]*\?", "", x) for x in head) + "\n\n" + body)
else:
    place = {"pf": "/var/lib/postfix/mail/all", "ex": "/var/lib/exim4/mail/all"}[sys.argv[1]]
    for name in glob.glob(place + "/new/*"):
        message(read(name) or "")
