"""Loopback ports for what the benchmark starts."""

import socket


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody serves at the moment of asking."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
