"""What names mean, told from what adapters describe: public names, their spellings, providers' own ids. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence

from heliostat.api.image.v1 import capability_pb2, event_pb2
from heliostat.chassis.money import to_micros
from heliostat.router.catalog import Entry
from heliostat.router.table import Route

_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_Rank = tuple[bool, float, int, int, int]


class Naming:
    """All names of one state of the catalogue."""

    def __init__(self, entries: Iterable[tuple[str, Entry]]) -> None:
        """`entries` are adapters with what they described, in the order of the configuration."""
        self._served: dict[str, list[tuple[_Rank, str, str]]] = {}
        self._canonical: dict[str, str] = {}
        self._spelled: dict[str, dict[str, None]] = {}
        self._loose: dict[str, dict[str, None]] = {}
        described = [
            (name, entry, capability, place)
            for place, (name, entry) in enumerate(entries)
            for capability in entry.described.models
            if capability.model_names
        ]
        # What is the first name of one model is no spelling of another.
        self._canonical.update((capability.model_names[0],) * 2 for _, _, capability, _ in described)
        for adapter, entry, capability, place in described:
            rank = _rank(entry, capability, place)
            for name in capability.model_names:
                self._served.setdefault(name, []).append((rank, adapter, capability.provider_model))
                self._canonical.setdefault(name, capability.model_names[0])
        for _, _, capability, _ in described:
            meant = self._canonical[capability.model_names[0]]
            for name in (*capability.model_names, capability.provider_model):
                self._spelled.setdefault(fold(name), {})[self._canonical.get(name, meant)] = None
            for name in capability.loose_names:
                self._loose.setdefault(fold(name), {})[meant] = None

        self._others: dict[str, tuple[str, ...]] = {}
        for name, model in self._canonical.items():
            if name != model:
                self._others[model] = (*self._others.get(model, ()), name)

    def canonical(self, name: str) -> str:
        """The model that a public name means; empty where nobody knows the name."""
        return self._canonical.get(name, "")

    def models(self) -> Iterator[str]:
        """Every model once, by its canonical name, in the adapters' order."""
        return (name for name, canonical in self._canonical.items() if name == canonical)

    def names(self) -> Iterable[str]:
        """Every public name, spellings included."""
        return self._canonical

    def aliases(self, model: str) -> tuple[str, ...]:
        """Other names of a model."""
        return self._others.get(model, ())

    def targets(self, model: str) -> list[tuple[str, str]]:
        """(adapter, provider model) of all that know the name, in the order in which they should be asked: those with
        a key, the cheapest first, at the same price who honours more, then in the order of the configuration.
        """
        return [(adapter, provider_model) for _, adapter, provider_model in sorted(self._served.get(model, ()))]

    def meant(self, name: str) -> tuple[str, ...]:
        """Models that a name may mean that is none: written otherwise, a provider's own id, or one that people use.

        A model's own name written otherwise comes before what people call another one. What stands before the last "/"
        is left out where the whole means nothing.
        """
        for written in (fold(name), fold(name.rpartition("/")[2])):
            found = self._spelled.get(written) or self._loose.get(written)
            if found:
                return tuple(found)
        return ()


def fold(name: str) -> str:
    """A name without what people write in many ways: case and punctuation. Pure."""
    return _PUNCTUATION.sub("", name[:200].lower())


def _rank(entry: Entry, capability: capability_pb2.Capability, place: int) -> _Rank:
    usual = capability.usual_price
    priced = capability.HasField("usual_price") and usual.currency_code in ("", "USD")
    honoured = sum(not parameter.provider_option for parameter in capability.parameters)
    micros = float(to_micros(usual)) if priced else float("inf")
    return not entry.configured, micros, -len(capability.operations), -honoured, place


def told(routes: Sequence[Route]) -> Iterator[event_pb2.Adjustment]:
    """What is told of routes that were asked for by names that they do not have."""
    for route in routes:
        if route.asked_as:
            yield event_pb2.Adjustment(
                parameter="model",
                requested=route.asked_as[:200],
                sent=route.model,
                reason="No model has this name; nothing else that is served is meant by it.",
                mode=event_pb2.ADJUSTMENT_MODE_CONVERTED,
            )
