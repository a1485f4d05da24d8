"""send.py SENDER RCPT...: sends one message from 192.0.2.69, which may relay."""
import smtplib
import sys

with smtplib.SMTP("192.0.2.1", 2525, "c.test", 60, ("192.0.2.69", 0)) as s:
    s.sendmail(
        sys.argv[1], sys.argv[2:],
        "From: %s\r\nTo: %s\r\nSubject: to %s\r\n\r\nbody\r\n"
        % (sys.argv[1], ", ".join(sys.argv[2:]), sys.argv[2]),
    )
