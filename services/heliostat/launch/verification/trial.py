"""The trial of one adapter: rule after rule, as long as the purse lasts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliostat.api.image.v1 import capability_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.chassis.modules import Module
from heliostat.chassis.money import to_micros
from heliostat.conformance.recording import Heard, heard
from heliostat.conformance.rules import NotApplicable, Rule
from heliostat.conformance.subject import SQUARE, Subject
from heliostat.conformance.suite import RULES
from heliostat.launch.verification.purse import Purse
from heliostat.launch.verification.servicer import Metered
from heliostat.launch.verification.stand import standing

KEPT, BROKEN, IDLE, UNTRIED = "kept", "broken", "does not apply", "not tried"
# What a real provider can be asked: faults and bills take an emulated one.
TRIED: tuple[Rule, ...] = tuple(rule for rule in RULES if rule.level != "gold")
PICTURES = sum(rule.buys for rule in TRIED for _ in rule.runs())

MakeStub = Callable[[Any], Any]


@dataclass(frozen=True)
class Verdict:
    """What became of one run of a rule; `why` is empty for one that is kept."""

    run: str
    level: str
    outcome: str
    why: str = ""


@dataclass(frozen=True)
class Candidate:
    """An adapter with its settings, and the model that is to be asked."""

    module: Module
    settings: Mapping[str, Any]
    make_stub: MakeStub
    model: str = ""


async def cheapest(candidate: Candidate, folder: Path) -> tuple[str, int | None]:
    """The model that draws from words for the least money, or the one that is named, and what a plain picture costs in
    micro-dollars: None where that is not known. Asks nobody. Raises MeshError where there is none."""
    async with standing(candidate.module, candidate.settings, folder) as channel:
        subject = await Subject.of(candidate.make_stub(channel), candidate.model)
        draws = capability_pb2.OPERATION_TEXT_TO_IMAGE
        names = [one.provider_model for one in subject.described.models if draws in one.operations]
        wanted = [candidate.model] if candidate.model else [name for name in names if name != "*"]
        priced: list[tuple[int, str]] = []
        for name in wanted:
            estimate = await subject.estimate(name, size=SQUARE)
            if estimate.HasField("cost"):
                priced.append((to_micros(estimate.cost.amount), name))
        if priced:
            micros, name = min(priced)
            return name, micros
        if not wanted:
            message = "No model of this provider draws from words; name one with --model."
            raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message)
        return wanted[0], None


async def tried(candidate: Candidate, purse: Purse, folder: Path) -> tuple[list[Verdict], list[Heard]]:
    """Every rule, each with a fresh adapter, and what was heard of the provider meanwhile."""
    told: list[Heard] = []
    base_url = str(candidate.module.settings.model_validate(candidate.settings).model_dump().get("base_url", ""))
    verdicts = []
    for rule in TRIED:
        for run, arguments in rule.runs():
            if not purse.room_for(rule.buys):
                verdicts.append(Verdict(run, rule.level, UNTRIED, "the next picture may pass --max-cost"))
                continue
            async with standing(
                candidate.module,
                candidate.settings,
                folder,
                tap=lambda exchange: told.append(heard(exchange, base_url)),
                through=lambda servicer: Metered(servicer, purse),
            ) as channel:
                subject = await Subject.of(candidate.make_stub(channel), candidate.model)
                verdicts.append(await _verdict(rule, run, arguments, subject))
    return verdicts, told


async def _verdict(rule: Rule, run: str, arguments: tuple[Any, ...], subject: Subject) -> Verdict:
    try:
        await rule.hold(subject, arguments)
    except NotApplicable as why:
        return Verdict(run, rule.level, IDLE, str(why))
    except MeshError as error:
        if error.reason == reasons.ERROR_REASON_BUDGET_EXHAUSTED:
            return Verdict(run, rule.level, UNTRIED, "the next picture may pass --max-cost")
        return Verdict(run, rule.level, BROKEN, error.message)
    except (AssertionError, ValueError, OSError, TimeoutError) as broken:
        return Verdict(run, rule.level, BROKEN, str(broken) or type(broken).__name__)
    return Verdict(run, rule.level, KEPT)
