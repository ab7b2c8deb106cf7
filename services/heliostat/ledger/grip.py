"""Whose an open request is: its owner's, as long as the fence is the one that the owner was given with it.

Who takes a request over raises its fence. A process that was stopped, and wakes up after its requests were taken over,
cannot write over what their new owner does: every write that goes on with a request looks here first, in its own
transaction.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, literal_column, select

from heliostat.chassis.database import Prepared
from heliostat.ledger.schema import REQUESTS

# On PostgreSQL the row stays locked until the commit: nobody takes the request over in between.
_HELD = Prepared(
    select(REQUESTS.c.request_id)
    .where(
        REQUESTS.c.request_id == bindparam("request_id"),
        REQUESTS.c.owner == bindparam("owner"),
        REQUESTS.c.fence == bindparam("fence"),
        REQUESTS.c.state == literal_column("1"),
    )
    .with_for_update()
)


class LostRequest(Exception):
    """The request is another process's by now, or over. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Grip:
    """A process's hold on one request."""

    request_id: str
    owner: str
    fence: int = 0

    def check(self, connection: Connection) -> None:
        """Raises LostRequest where the request is not held any more."""
        values = {"request_id": self.request_id, "owner": self.owner, "fence": self.fence}
        if not _HELD.fetch(connection, values):
            raise LostRequest
