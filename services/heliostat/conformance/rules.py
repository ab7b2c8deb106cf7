"""The list of rules: each has a name, a level, and perhaps several cases."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from heliostat.conformance.subject import Subject

Level = Literal["bronze", "silver", "gold"]
LEVELS: tuple[Level, ...] = ("bronze", "silver", "gold")

Check = Callable[..., Awaitable[None]]


class Broken(AssertionError):
    """A rule is not kept; the message says how."""


class NotApplicable(Exception):
    """The rule says nothing about this adapter; the message says why."""


def holds(truth: object, otherwise: str) -> None:
    """Raises Broken, with the sentence, where something is not true."""
    if not truth:
        raise Broken(otherwise)


def does_not_apply(why: str) -> NoReturn:
    """Raises NotApplicable."""
    raise NotApplicable(why)


@dataclass(frozen=True)
class Rule:
    """One rule. `promise` is a sentence for people."""

    name: str
    level: Level
    check: Check
    promise: str
    cases: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Name of a case -> what `check` is given beside the subject; without cases it is given nothing."""
    buys: int = 1
    """Pictures that one run may buy, at most, where the provider does what it should."""

    def runs(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Every run of the rule: its name ("rule" or "rule-case") and arguments."""
        if not self.cases:
            yield self.name, ()
        for case, arguments in self.cases.items():
            yield f"{self.name}-{case}", arguments

    async def hold(self, subject: Subject, arguments: tuple[Any, ...] = ()) -> None:
        """Tries one run. Raises Broken, NotApplicable, and MeshError where an attempt failed that should not."""
        await self.check(subject, *arguments)


_RULES: dict[str, Rule] = {}


def rule(level: Level, *, buys: int = 1, **cases: tuple[Any, ...]) -> Callable[[Check], Check]:
    """Puts a function into the list; its name is the rule's, the first line of its docstring the promise."""

    def put(check: Check) -> Check:
        promise = (check.__doc__ or "").strip().partition("\n")[0]
        _RULES[check.__name__] = Rule(check.__name__, level, check, promise, cases, buys)
        return check

    return put


def listed() -> tuple[Rule, ...]:
    """All rules that were put into the list, by level and then in their order."""
    return tuple(sorted(_RULES.values(), key=lambda one: LEVELS.index(one.level)))
