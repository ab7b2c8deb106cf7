"""Costs that drift or are unknown are counted each time, and told to operators once in a while."""

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.money import to_money
from heliostat.router.cost_watch import CostWatch
from heliostat.router.settings import CostSettings

Told = list[tuple[str, str, str]]


def ended(**micros: int) -> event_pb2.Attempt:
    """A delivered attempt with amounts by field name, in micro-dollars."""
    record = event_pb2.Attempt(provider="fal", outcome=event_pb2.OUTCOME_DELIVERED, price_version="fal 2026-11-22")
    for field, amount in micros.items():
        getattr(record, field).CopyFrom(to_money(amount))
    return record


@pytest.fixture
def told() -> Told:
    """What operators were told: (target, kind, sentence)."""
    return []


@pytest.fixture
def watch(told: Told) -> Callable[[event_pb2.Attempt], None]:
    """Looks at an attempt of one target, with usual settings and a clock that stands."""
    costs = CostWatch(CostSettings(), FakeClock(0.0), lambda *words: told.append(words))
    return lambda record: costs.look(record, "fal/a")


@pytest.mark.parametrize(
    ("record", "kinds"),
    [
        (ended(cost=40_000, reported_cost=40_000, computed_cost=40_000, estimated_cost=40_000), []),
        (ended(cost=41_900, reported_cost=41_900, computed_cost=40_000), []),
        (ended(cost=60_000, reported_cost=60_000, computed_cost=40_000), ["cost_drift"]),
        (ended(cost=20_000, reported_cost=20_000, computed_cost=40_000), ["cost_drift"]),
        (ended(cost=900, reported_cost=900, computed_cost=100), []),
        (ended(cost=55_000, computed_cost=55_000, estimated_cost=40_000), []),
        (ended(cost=90_000, computed_cost=90_000, estimated_cost=40_000), ["cost_drift"]),
        (ended(), ["cost_unknown"]),
        (event_pb2.Attempt(outcome=event_pb2.OUTCOME_ACCEPTED), []),
    ],
)
def test_operators_are_told_of_drift_and_of_unknown_costs(
    watch: Callable[[event_pb2.Attempt], None], told: Told, record: event_pb2.Attempt, kinds: list[str]
) -> None:
    """5 % between reported and computed and half of the estimate are allowed, and a tenth of a cent in any case."""
    watch(record)
    assert [kind for _, kind, _ in told] == kinds


def test_a_sentence_names_both_amounts_and_the_price_list(
    watch: Callable[[event_pb2.Attempt], None], told: Told
) -> None:
    """Who is told can look the price up."""
    watch(ended(cost=60_000, reported_cost=60_000, computed_cost=40_000))
    assert all(words in told[0][2] for words in ("0.060000 USD", "0.040000 USD", "fal 2026-11-22"))


def test_u46_a_cost_that_was_not_believed_is_told_with_its_reason(
    watch: Callable[[event_pb2.Attempt], None], told: Told
) -> None:
    """The estimate stands for the cost, and operators know why."""
    record = ended(cost=40_000, estimated_cost=40_000)
    record.cost_doubt = "The cost that the provider reported cannot be right."
    watch(record)
    assert told == [("fal/a", "cost_unknown", record.cost_doubt)]


def test_every_attempt_is_counted_and_one_in_an_hour_is_told(told: Told) -> None:
    """A price that has changed concerns every request; nobody reads a thousand mails of it."""
    clock = FakeClock(0.0)
    costs = CostWatch(CostSettings(), clock, lambda *words: told.append(words))
    labels = {"provider": "fal", "target": "fal/counted", "kind": "reported"}
    for _ in range(3):
        costs.look(ended(cost=60_000, reported_cost=60_000, computed_cost=40_000), "fal/counted")
    assert len(told) == 1
    assert REGISTRY.get_sample_value("heliostat_cost_drifts_total", labels) == 3
    clock.advance(3600.0)
    costs.look(ended(cost=60_000, reported_cost=60_000, computed_cost=40_000), "fal/counted")
    assert len(told) == 2
