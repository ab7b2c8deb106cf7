"""What can be asked for, told from the code alone: every model with the providers that have it, the cheapest first."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from heliostat.api.image.v1 import capability_pb2
from heliostat.chassis.money import to_micros
from heliostat.launch.described import described
from heliostat.router.catalog import entry_of
from heliostat.router.naming import Naming

_OPERATION = "OPERATION_"


@dataclass(frozen=True, slots=True)
class Offer:
    """A model at one provider; `usual_micros` is what a picture of usual size costs there, None where unknown."""

    provider: str
    provider_model: str
    usual_micros: int | None
    operations: tuple[str, ...]
    sizes: str


@dataclass(frozen=True, slots=True)
class Article:
    """One model under its canonical name, with its offers in the order in which they are asked."""

    name: str
    creator: str
    description: str
    aliases: tuple[str, ...]
    offers: tuple[Offer, ...]

    @property
    def providers(self) -> tuple[str, ...]:
        """Its providers, each once."""
        return tuple(dict.fromkeys(offer.provider for offer in self.offers))

    @property
    def operations(self) -> tuple[str, ...]:
        """What some offer of it can do."""
        return tuple(sorted({each for offer in self.offers for each in offer.operations}))

    @property
    def least_micros(self) -> int | None:
        """The least that a picture of usual size costs, as far as is known."""
        return min((offer.usual_micros for offer in self.offers if offer.usual_micros is not None), default=None)


def assortment() -> list[Article]:
    """Every model that some adapter offers with the settings that it has by itself, by name."""
    told = asyncio.run(described())
    entries = [(each.provider, entry_of(each)) for each in told]
    offered = {(each.provider, model.provider_model): model for each in told for model in each.models}
    naming = Naming(entries)
    return sorted(_articles(naming, offered), key=lambda article: article.name)


def _articles(naming: Naming, offered: dict[tuple[str, str], capability_pb2.Capability]) -> Iterator[Article]:
    for name in naming.models():
        found = [(provider, offered[provider, model]) for provider, model in naming.targets(name)]
        first = found[0][1]
        yield Article(
            name=name,
            creator=first.creator,
            description=first.description if len(found) == 1 else _common([model.description for _, model in found]),
            aliases=naming.aliases(name),
            offers=tuple(_offer(provider, model) for provider, model in found),
        )


def _common(descriptions: Iterable[str]) -> str:
    """What is said of a model by all, without what one provider adds."""
    return min(filter(None, descriptions), key=len, default="")


def _offer(provider: str, model: capability_pb2.Capability) -> Offer:
    return Offer(
        provider,
        model.provider_model,
        to_micros(model.usual_price) if model.HasField("usual_price") else None,
        tuple(capability_pb2.Operation.Name(each).removeprefix(_OPERATION).lower() for each in model.operations),
        sizes_of(model.sizes),
    )


def sizes_of(rule: capability_pb2.SizeRule) -> str:
    """A rule of sizes in a few words. Pure."""
    kind = rule.WhichOneof("rule")
    if kind == "grid":
        return f"{rule.grid.min_px} to {rule.grid.max_px} px"
    if kind == "exact":
        return _named(f"{each.width_px}x{each.height_px}" for each in rule.exact.sizes)
    if kind == "shapes":
        return _named(f"{each.width_ratio}:{each.height_ratio}" for each in rule.shapes.ratios)
    return "as the input"


def _named(words: Iterable[str]) -> str:
    told = list(words)
    return ", ".join(told) if len(told) <= 3 else f"{', '.join(told[:2])} and {len(told) - 2} more"


def price_of(micros: int | None) -> str:
    """US dollars as people read them; "?" where nobody knows. Pure."""
    if micros is None:
        return "?"
    return f"{micros / 1e6:.6f}".rstrip("0").rstrip(".") if micros else "free"
