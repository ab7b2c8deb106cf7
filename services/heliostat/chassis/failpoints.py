"""Commit points at which a test may stop the process, as `kill -9` would.

`HELIOSTAT_FAILPOINT=ledger.intent_committed` stops at the first arrival, `…:3` at the third.
"""

import os
import signal

_NAME, _, _COUNT = os.environ.get("HELIOSTAT_FAILPOINT", "").partition(":")
_left = int(_COUNT or 1)

# Every commit point of a request, in the order in which a request meets them. A test holds the calls against it.
POINTS = (
    "ledger.admitted",
    "ledger.intent_committed",
    "router.attempt_started",
    "adapter.before_submit",
    "adapter.submitted",
    "ledger.accepted_committed",
    "adapter.downloaded",
    "router.attempt_ended",
    "ledger.media_stored",
    "ledger.before_terminal",
    "ledger.after_terminal",
)


def reach(name: str) -> None:
    """Stops the process by SIGKILL where the environment says so; costs a comparison otherwise."""
    global _left  # noqa: PLW0603 - a process has one environment, and one count of arrivals
    if name != _NAME:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
