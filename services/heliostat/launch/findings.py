"""What `heliostat doctor` says of each thing that it looks at."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Grade(Enum):
    """How something stands: as it should; worth knowing; in the way of pictures."""

    OK = "ok"
    NOTE = "note"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, what was found, and the one thing to do about it where something is wrong."""

    grade: Grade
    topic: str
    told: str
    fix: str = ""


def ok(topic: str, told: str) -> Finding:
    """As it should be."""
    return Finding(Grade.OK, topic, told)


def note(topic: str, told: str, fix: str = "") -> Finding:
    """Worth knowing."""
    return Finding(Grade.NOTE, topic, told, fix)


def bad(topic: str, told: str, fix: str) -> Finding:
    """In the way of pictures."""
    return Finding(Grade.BAD, topic, told, fix)


def shown(findings: Iterable[Finding]) -> str:
    """A line each, fixes below what they mend. Pure."""
    lines = []
    for each in findings:
        lines.append(f"{each.grade.value:<5} {each.topic:<11} {each.told}")
        if each.fix:
            lines.append(f"{'':<17} -> {each.fix}")
    return "\n".join(lines)
