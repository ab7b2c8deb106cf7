"""How long a caller waits, and what it wants to hear where the work takes longer. Pure.

A bare call waits to the end of the configured time and then gets 504 with a job id, never 202: OpenAI's clients do
not know 202. Who says `Prefer: respond-async`, `Prefer: wait=N` or `?wait=N`, or has a key that says so, gets 202 with
a job.
"""

import re
from dataclasses import dataclass

from heliostat.edge.schemas import invalid

_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,4}", re.ASCII)
MAX_KEY_CHARS = 255


@dataclass(frozen=True, slots=True)
class Patience:
    """`wait_s`: seconds. `takes_job`: the caller is content with a job. `applied`: its preference, as it is honoured.

    `is_default`: it said nothing itself.
    """

    wait_s: float
    takes_job: bool
    applied: str = ""
    is_default: bool = False


def patience(prefer: str, query: str, longest_s: float) -> Patience:
    """What the Prefer header and the raw query string ask for, at most `longest_s`. Raises INVALID_FIELD."""
    if not prefer and not query:
        return Patience(longest_s, takes_job=False, is_default=True)
    wait, takes_job = None, False
    for preference in prefer.split(","):
        name, _, value = (part.strip().strip('"') for part in preference.partition("="))
        if name.lower() == "respond-async":
            takes_job = True
        elif name.lower() == "wait":
            wait, takes_job = value, True
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name == "wait":
            wait, takes_job = value, True
    if wait is not None:
        if _SECONDS.fullmatch(wait) is None:
            raise invalid("wait", "wait must be a number of seconds, such as 10.")
        wait_s = min(float(wait), longest_s)
        return Patience(wait_s, takes_job, f"wait={wait_s:g}")
    if takes_job:
        return Patience(0.0, takes_job, "respond-async")
    return Patience(longest_s, takes_job, is_default=True)


def idempotency_key(header: str) -> str:
    """The Idempotency-Key as it came; empty where there is none. Raises INVALID_FIELD."""
    if len(header) > MAX_KEY_CHARS or not (header.isascii() and header.isprintable()):
        raise invalid("Idempotency-Key", f"Idempotency-Key must be 1 to {MAX_KEY_CHARS} visible ASCII characters.")
    return header


def retry_count(header: str) -> int | None:
    """How often the caller's library sent this request before; None where it does not say."""
    return int(header) if _COUNT.fullmatch(header) else None
