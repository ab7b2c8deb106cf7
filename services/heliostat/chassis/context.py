"""The call that is being served, as far as every room may know it."""

import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Incoming:
    """What the metadata of the served call tells.

    `authorization` is the raw header value of the caller, or empty; it stops at the ledger.
    """

    request_id: str = ""
    authorization: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    time_remaining: Callable[[], float | None] = lambda: None

    def time_remaining_s(self) -> float | None:
        """Seconds until the caller's deadline; None where it set none."""
        return self.time_remaining()


_CURRENT: contextvars.ContextVar[Incoming | None] = contextvars.ContextVar("heliostat_incoming", default=None)


def current_call() -> Incoming | None:
    """The call that this task serves; None outside of one."""
    return _CURRENT.get()


def serving(incoming: Incoming) -> None:
    """Makes `incoming` the current call of this task's context."""
    _CURRENT.set(incoming)
