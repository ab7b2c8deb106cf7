"""The part of docs/money.md that says what failures cost: the kit's rows, then those of each adapter's own table."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from heliostat.adapters.sdk.outcomes import KIT, OutcomeTable, Row
from heliostat.api.image.v1 import event_pb2
from heliostat.launch.targets import package_of

BEGIN, END = "<!-- made by `make docs`: what failures cost -->\n", "<!-- end of what is made -->\n"

EVERY_ONE = "every one"
_HEAD = "\n| provider | phase | what happened | charged | because |\n| --- | --- | --- | --- | --- |\n"
_CHARGED = {event_pb2.BILLED_NO: "no", event_pb2.BILLED_YES: "yes", event_pb2.BILLED_UNKNOWN: "unknown"}
# Adapters whose table is that of a dialect in the kit.
_DIALECTS = {"openai": "sdk.images_api"}
_NAMES = {"mapped": "mapping files"}


def made() -> str:
    """The table: a row for each fact that somebody wrote down."""
    lines = (
        f"| {_NAMES.get(who, who)} | {row.phase} | {row.what} | {_CHARGED[row.billed]} | {row.because} |\n"
        for who, row in rows()
    )
    return _HEAD + "".join(lines)


def rows() -> Iterator[tuple[str, Row]]:
    """Every row with the adapter whose own it is."""
    yield from ((EVERY_ONE, row) for row in KIT)
    for name, table in tables().items():
        yield from ((name, row) for row in table.own)


def tables() -> dict[str, OutcomeTable]:
    """The table of each installed adapter that has one of its own, by its folder."""
    found = {}
    for name in sorted(set(package_of().values())):
        place = f"heliostat.adapters.{_DIALECTS.get(name, name)}.outcomes"
        if find_spec(place) is not None:
            found[name] = import_module(place).OUTCOMES
    return found
