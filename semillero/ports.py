"""Ports on loopback."""

import socket
from collections.abc import Collection

HOST = "127.0.0.1"


def free_port(besides: Collection[int] = ()) -> int:
    """Return a port nobody listens on, and none of those that are to be used already."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
        if port not in besides:
            return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what servers do; a port in TIME_WAIT is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
