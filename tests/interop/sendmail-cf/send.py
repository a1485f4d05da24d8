"""For each line "SENDER RCPT..." of standard input sends a message, on a connection of its own, from
192.0.2.69, which may relay; says "sent" or what went wrong."""
import smtplib
import sys

for line in sys.stdin:
    sender, *rcpts = line.split()
    said = "sent"
    try:
        with smtplib.SMTP("192.0.2.1", 2525, "c.test", 60, ("192.0.2.69", 0)) as s:
            s.sendmail(
                sender, rcpts,
                "From: %s\r\nTo: %s\r\nSubject: to %s\r\n\r\nbody\r\n"
                % (sender, ", ".join(rcpts), rcpts[0]),
            )
    except Exception as e:
        said = repr(e)
    print(said, flush=True)
