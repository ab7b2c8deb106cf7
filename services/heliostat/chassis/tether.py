"""A process that ends with the one that started it, also when that one is killed and can say nothing.

Who starts such a process sets HELIOSTAT_TETHER=1 for it and keeps the other end of its standard input open: the system
closes it, whatever happens.
"""

import os
import signal
import threading
import time

VARIABLE = "HELIOSTAT_TETHER"

# After the first signal a process drains, after the second it stops at once; then it is ended.
_DRAIN_S = 2.0
_STOP_S = 5.0


def end_with_starter() -> None:
    """Ends this process with the one that started it, where the environment says so."""
    if os.environ.get(VARIABLE) == "1":
        # A thread: the event loop may be what hangs.
        threading.Thread(target=_watch, name="tether", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1024):
        pass
    for pause_s in (_DRAIN_S, _STOP_S):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(pause_s)
    os._exit(1)
