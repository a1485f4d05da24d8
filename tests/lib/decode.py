#!/usr/bin/env python3
"""What a message says, decoded by Python's library: a check for tests/lib/checks.sh."""
import email.parser
import email.policy
import sys


def decoded(_, path, what, part=None):
    """One field, unfolded; or content, filename or type; of the whole or of the PART-th part."""
    with open(path, 'rb') as f:
        m = email.parser.BytesParser(policy=email.policy.default).parse(f)
    if part is not None:
        m = list(m.iter_parts())[int(part)]
    if m.defects:
        print('DEFECTS', m.defects)
    if what == 'content':
        c = m.get_content()
        sys.stdout.buffer.write(c if isinstance(c, bytes) else c.replace('\r\n', '\n').encode())
    elif what == 'filename':
        print(m.get_filename())
    elif what == 'type':
        print(m.get_content_type(), m.get_content_charset())
    else:
        print(m[what])
