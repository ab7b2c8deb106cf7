"""What failures cost, as each adapter's own table says, and that adapters go by their tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from heliostat.adapters.fal.failures import refusal as fal_refusal
from heliostat.adapters.fal.outcomes import OUTCOMES as FAL
from heliostat.adapters.sdk import Answer, read_refusal
from heliostat.adapters.sdk.images_api.answers import refusal as openai_refusal
from heliostat.adapters.sdk.images_api.outcomes import OUTCOMES as OPENAI
from heliostat.adapters.sdk.outcomes import ANYTHING, KIT, PHASES, OutcomeTable, Row
from heliostat.api.image.v1 import event_pb2
from heliostat.launch.failure_page import rows, tables

ADAPTERS = Path(__file__).parents[2] / "adapters" / "heliostat" / "adapters"
TABLES = tables()
OWN_ENGINES = {"automatic1111", "comfyui"}
# Those whose facts are written down here.
SEVERAL = ("bfl", "fal", "mock", "openai", "replicate", "studio")
NO, UNKNOWN = event_pb2.BILLED_NO, event_pb2.BILLED_UNKNOWN

# (provider, phase, what happened) -> billed: facts of docs/money.md, written down a second time on purpose.
FACTS = {
    ("kit", "prepare", ANYTHING): NO,
    ("kit", "connect", ANYTHING): NO,
    ("kit", "submit", "error answer"): NO,
    ("kit", "submit", "error of a proxy"): UNKNOWN,
    ("kit", "submit", ANYTHING): UNKNOWN,
    ("kit", "poll", ANYTHING): UNKNOWN,
    ("kit", "download", ANYTHING): UNKNOWN,
    ("kit", "convert", ANYTHING): UNKNOWN,
    ("kit", "cancel", ANYTHING): UNKNOWN,
    ("kit", "cancel", "confirmed free"): NO,
    ("openai", "submit", "blocked prompt"): NO,
    ("openai", "submit", "blocked picture"): UNKNOWN,
    ("fal", "poll", "failed job"): NO,
    ("fal", "poll", "refused job"): UNKNOWN,
    ("fal", "poll", "cancelled job"): UNKNOWN,
    ("fal", "poll", "contradicted job"): UNKNOWN,
    ("bfl", "poll", "task without a picture"): NO,
    ("bfl", "poll", "task not found"): UNKNOWN,
    ("replicate", "poll", "failed prediction"): NO,
    ("replicate", "poll", "failed prediction of a model billed by time"): UNKNOWN,
    ("studio", "submit", "failed work"): NO,
    ("mock", "submit", "mock-fail"): NO,
    ("mock", "poll", "mock-lost"): UNKNOWN,
}


def own_rows() -> Iterator[tuple[str, Row]]:
    """The rows that the facts are about, with their provider."""
    yield from (("kit", row) for row in KIT)
    yield from ((name, row) for name in SEVERAL for row in TABLES[name].own)


def test_the_tables_say_what_is_known() -> None:
    """No row more and none less than the facts."""
    assert {(name, row.phase, row.what): row.billed for name, row in own_rows()} == FACTS


def test_every_table_is_looked_at() -> None:
    """A folder with rows of its own is found, and so is the dialect that has those of `openai`."""
    folders = {file.parent.name for file in ADAPTERS.glob("*/outcomes.py")} - {"sdk"}
    assert set(TABLES) == folders | {"openai"}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_what_no_row_knows_is_careful(table: OutcomeTable) -> None:
    """In every phase something unheard-of is free only where nothing can have been sent."""
    for phase in (*PHASES, "unheard-of"):
        row = table.row(phase, "unheard-of")
        assert (row.billed == NO) is (phase in {"prepare", "connect"})
        assert (row.outcome == event_pb2.OUTCOME_NOT_SENT) is (row.billed == NO)


@pytest.mark.parametrize(("who", "row"), list(rows()), ids=lambda each: getattr(each, "what", each))
def test_a_row_is_whole(who: str, row: Row) -> None:
    """What is free was not sent or was refused, but at engines of one's own, which charge nobody. Each says why."""
    free = row.outcome in {event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED}
    assert free or row.billed != NO or who in OWN_ENGINES
    assert row.phase in PHASES
    assert row.because.endswith(".")
    assert "|" not in row.because


def test_u14_an_error_answer_is_read_by_the_table() -> None:
    """The provider's own 503 is free; a proxy's leaves the purchase open; so do OpenAI's blocked pictures."""
    own = read_refusal(Answer(503, {"x-request-id": "1"}, b"{}")).failure
    proxy = read_refusal(Answer(503, {}, b"<html>")).failure
    assert own == KIT.failure("submit", "error answer")
    assert proxy == KIT.failure("submit", "error of a proxy")
    for stage, what in (("input", "blocked prompt"), ("output", "blocked picture")):
        body = b'{"error": {"code": "moderation_blocked", "moderation_details": {"moderation_stage": "%b"}}}'
        error = openai_refusal(Answer(400, {}, body % stage.encode()), "KEY")
        assert error is not None
        assert error.failure == OPENAI.failure("submit", what)


def test_fals_error_of_a_submit_is_free() -> None:
    """As the kit's row of an error answer."""
    error = fal_refusal(Answer(422, {}, b'{"detail": [{"type": "content_policy_violation", "msg": "no"}]}'))
    assert error is not None
    assert error.failure == FAL.failure("submit", "error answer")
