"""A piece of a mapping file: it knows its keys, and says what to write instead of one that it does not know."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from pydantic import model_validator

from heliostat.chassis.settings import Section, fault


class Piece(Section):
    """A section of a mapping file."""

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in value:
            if key not in known:
                raise fault(f"is no key of a mapping; {instead(str(key), known)}", key)
        return value


def instead(word: str, known: Collection[str]) -> str:
    """What to write in place of a word that nobody knows."""
    near = get_close_matches(word, known, 1)
    listed = ", ".join(known)
    return f"write {near[0]} (known are {listed})" if near else f"write one of {listed}"
