"""Requests page by page, newest first, each once: a page begins where the one before ended, whatever has come since."""

from collections.abc import Sequence

from sqlalchemy import Connection, select
from sqlalchemy.sql import ColumnElement

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.ledger.journal import Stored, load
from heliostat.ledger.schema import REQUESTS


def page_of(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], size: int, after: tuple[int, str] | None
) -> tuple[Sequence[Stored], str]:
    """Up to `size` requests for which all `conditions` hold, and the token of the next page: empty at the end."""
    query = select(REQUESTS).where(*conditions)
    if after is not None:
        time_us, request_id = after
        same = (REQUESTS.c.create_time_us == time_us) & (REQUESTS.c.request_id < request_id)
        query = query.where((REQUESTS.c.create_time_us < time_us) | same)
    query = query.order_by(REQUESTS.c.create_time_us.desc(), REQUESTS.c.request_id.desc()).limit(size + 1)
    found = load(connection, query)
    if len(found) <= size:
        return found, ""
    last = found[size - 1].request
    return found[:size], f"{last['create_time_us']}.{last['request_id']}"


def parse_token(token: str) -> tuple[int, str] | None:
    """Where a page begins; None at the newest. Raises INVALID_FIELD for a token that is none of ours."""
    if not token:
        return None
    time_us, dot, request_id = token.partition(".")
    if not dot or not time_us.isdecimal() or len(time_us) > 18:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            "The page token is not one of ours; send next_page_token as it came, or nothing for the newest.",
            field="page_token",
        )
    return int(time_us), request_id
