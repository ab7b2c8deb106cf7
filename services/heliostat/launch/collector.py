"""Python's collector of what nobody refers to any more: at rest while much is loaded, then told what stays.

Measured in 2026-11: it looked at all that was loaded some 400 times, a sixth of the CPU of a sandbox's start, and found
3 of 100 objects to be garbage.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_rest() -> Iterator[None]:
    """The collector looks at nothing, until `settle` or the end."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def settle() -> None:
    """What was loaded so far stays and is not looked at again; the collector works from here on, less often.

    Measured in 2026-11: with CPython's defaults it took a fifth of the CPU of a small request.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
