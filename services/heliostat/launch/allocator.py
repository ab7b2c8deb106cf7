"""glibc's allocator, told to keep large buffers.

With its defaults every picture's buffer goes back to the kernel and is faulted in again, page by page: measured in
2026-11, that is 40 to 65 % of the CPU of a 2 MB answer.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_KEEP_BYTES = 64 * 1024 * 1024
_PAD_BYTES = 1024 * 1024


def keep_large_buffers() -> bool:
    """Sets the thresholds of this process; False where the C library is not glibc."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # glibc caps the threshold at 32 MiB; whatever is larger than that is rare enough.
    settings = (
        (_M_MMAP_THRESHOLD, 32 * 1024 * 1024),
        (_M_TRIM_THRESHOLD, _KEEP_BYTES),
        (_M_TOP_PAD, _PAD_BYTES),
        # One arena: what one thread frees, the next one may have. A quarter of the page faults of a 2 MB answer.
        (_M_ARENA_MAX, 1),
    )
    return all(mallopt(name, value) == 1 for name, value in settings)
