"""`heliostat models`: what can be asked for, from the code alone. Adapters are loaded for this command only."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from heliostat.chassis.settings import refused
from heliostat.launch import collector
from heliostat.launch.tables import table

if TYPE_CHECKING:
    from heliostat.launch.assortment import Article

_HEAD = ("MODEL", "FROM USD", "PROVIDERS", "OPERATIONS", "SIZES")


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `models` to the command line."""
    models = commands.add_parser("models", help="print every model with its providers, prices and operations")
    models.add_argument("--provider", default="", help="only models of this provider")
    models.add_argument("--operation", default="", help="only models that can do it, such as upscale")
    models.add_argument("--json", action="store_true", help="as JSON, with aliases, provider models and descriptions")
    models.set_defaults(command=_models)


def _models(given: argparse.Namespace) -> int:
    from heliostat.launch.assortment import assortment

    with collector.at_rest():
        found = chosen(assortment(), given.provider, given.operation)
    print(json.dumps([_told(each) for each in found], indent=2, ensure_ascii=False) if given.json else listed(found))
    return 0


def chosen(articles: "Sequence[Article]", provider: str, operation: str) -> "list[Article]":
    """Those of a provider that can do the operation there; empty words choose all. Raises INVALID_FIELD for a word that
    nothing has, with those that there are.
    """
    _check("provider", provider, {offer.provider for article in articles for offer in article.offers})
    _check("operation", operation, {each for article in articles for each in article.operations})
    found = []
    for article in articles:
        offers = tuple(
            offer
            for offer in article.offers
            if provider in ("", offer.provider) and (not operation or operation in offer.operations)
        )
        if offers:
            found.append(replace(article, offers=offers))
    return found


def _check(what: str, wanted: str, known: set[str]) -> None:
    if wanted and wanted not in known:
        raise refused(f"There is no {what} {wanted[:64]!r}; there are {', '.join(sorted(known))}.")


def listed(articles: "Sequence[Article]") -> str:
    """Models as a table, and how many there are."""
    from heliostat.launch.assortment import price_of

    rows = [
        (
            article.name,
            price_of(article.least_micros),
            ", ".join(article.providers),
            ", ".join(article.operations),
            article.offers[0].sizes,
        )
        for article in articles
    ]
    several = sum(len(article.providers) > 1 for article in articles)
    count = f"{len(rows)} model{'s' * (len(rows) != 1)}" + (
        f", {several} of them at several providers" if several else ""
    )
    note = "FROM USD: one picture of 1024 x 1024 at the cheapest provider, which stands first; ? where nobody can tell."
    return f"{table(_HEAD, rows)}\n\n{count}. {note}"


def _told(article: "Article") -> dict[str, Any]:
    return {
        "model": article.name,
        "creator": article.creator,
        "description": article.description,
        "aliases": list(article.aliases),
        "operations": list(article.operations),
        "from_usd": _usd(article.least_micros),
        "providers": [
            {
                "provider": offer.provider,
                "provider_model": offer.provider_model,
                "usual_usd": _usd(offer.usual_micros),
                "operations": list(offer.operations),
                "sizes": offer.sizes,
            }
            for offer in article.offers
        ],
    }


def _usd(micros: int | None) -> float | None:
    return None if micros is None else micros / 1e6
