"""A name server on 127.0.0.1 that knows no name."""
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
while True:
    query, peer = s.recvfrom(2048)
    end = 12
    while query[end]:
        end += query[end] + 1
    s.sendto(query[:2] + b"\x81\x83" + b"\0\1\0\0\0\0\0\0" + query[12 : end + 5], peer)
