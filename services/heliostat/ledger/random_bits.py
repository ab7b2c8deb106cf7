"""Unguessable ids, drawn from the system's randomness in bulk: one system call per id costs more than the id."""

import os

_BULK_BYTES = 4096


class RandomBits:
    """Hands out each random byte once."""

    __slots__ = ("_at", "_bulk")

    def __init__(self) -> None:
        self._bulk = b""
        self._at = 0

    def hexadecimal(self, count: int) -> str:
        """`count` random bytes, 1 to 4096, as lower-case hexadecimal digits."""
        end = self._at + count
        if end > len(self._bulk):
            self._bulk, self._at, end = os.urandom(_BULK_BYTES), 0, count
        drawn = self._bulk[self._at : end]
        self._at = end
        return drawn.hex()


RANDOM_BITS = RandomBits()
