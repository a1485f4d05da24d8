"""ask.py FOLDER PROGRAM...: what a program says over -bs to each command that check_other may see."""
import re
import subprocess
import sys

VERBS = "NOOP JUNK SEND SAML SOML TURN LHLO DEBUG WIZ KILL BDAT XUSR ONEX".split()
# The ruleset is not asked about these: they have answers, or rulesets, of their own.
OTHERS = "HELP RSET STARTTLS AUTH VRFY EXPN ETRN MAIL RCPT DATA".split()


def session(line):
    p = subprocess.Popen(sys.argv[2:] + ["-C", sys.argv[1] + "/other.cf", "-bs"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # Whoever says more before these replies is an early talker.
    p.stdout.readline()
    p.stdin.write(b"HELO me\r\n")
    p.stdin.flush()
    p.stdout.readline()
    out = p.communicate((line + "\r\nRSET\r\nQUIT\r\n").encode(), timeout=30)[0]
    return out.decode("latin1").replace("\r", "").split("\n")


for verb in VERBS:
    for word in ("no", "later", "bye", "drop", "yes") if verb in ("NOOP", "SEND") else ("no",):
        said = session("%s %s" % (verb, word))
        print("%s %s" % (verb, word), *said, sep=" | ")
for verb in OTHERS:
    print(verb, "asked" if any("refused" in s for s in session(verb + " no")) else "not asked")
