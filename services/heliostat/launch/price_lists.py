"""The price lists that are in force here, as a table, and how an operator's own list is taken in."""

import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from heliostat.adapters.sdk.price_lines import Line
from heliostat.adapters.sdk.price_list import (
    PriceList,
    imported_path,
    provided,
    read_price_list,
    shipped,
    shipped_beside,
)
from heliostat.chassis.errors import MeshError
from heliostat.launch.tables import table
from heliostat.launch.targets import adapter_kinds

_HEAD = ("PROVIDER", "MODEL", "PER", "PRICE", "WHEN", "READ", "VERSION")


def list_prices(state_dir: Path, provider: str = "") -> str:
    """Every line of the lists that are in force, as a table: imported lists stand before shipped ones."""
    names = [provider] if provider else _providers(state_dir)
    rows = [row for name in names for row in _rows(name, state_dir)]
    return table(_HEAD, rows)


def import_prices(file: str, state_dir: Path) -> str:
    """Takes a list in after a look at all of it. Raises MeshError with the line of everything that is wrong."""
    prices = read_price_list(file)
    place = imported_path(state_dir, prices.provider)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = place.with_suffix(".new")
    shutil.copyfile(file, made)
    os.replace(made, place)
    count = len(list(prices))
    return (
        f"{count} models of {prices.provider} ({prices.version}) are kept at {place}. "
        "Adapters read them when they start; remove the file to go back to the shipped prices."
    )


def _providers(state_dir: Path) -> list[str]:
    imported = {path.stem for path in imported_path(state_dir, "x").parent.glob("*.json")}
    own = {name for name in adapter_kinds() if provided(name)}
    return sorted({*shipped_beside(), *own, *imported})


def _rows(provider: str, state_dir: Path) -> Iterator[tuple[str, ...]]:
    imported = imported_path(state_dir, provider)
    own = read_price_list(str(imported), provider) if imported.is_file() else None
    yield from _rows_of(own) if own is not None else ()
    try:
        known = shipped(provider)
    except MeshError:
        if own is None:
            raise
        return
    yield from _rows_of(known, besides=own)


def _rows_of(prices: PriceList, besides: PriceList | None = None) -> Iterator[tuple[str, ...]]:
    for model in prices:
        found = prices.find(model)
        if found is None or (besides is not None and besides.find(model) is not None):
            continue
        day = str(found.as_of or prices.as_of)
        currency = found.currency or prices.currency
        for line in found.lines:
            for amount, condition in _amounts(line):
                price = f"{amount.normalize():f} {currency}"
                unit = line.per if line.of == "output" else f"{line.per} {line.of}"
                yield prices.provider, model, unit, price, condition, day, prices.version


def _amounts(line: Line) -> Iterator[tuple[Decimal, str]]:
    if line.first is not None:
        yield line.first, ",".join(filter(None, (line.condition, "first")))
    yield line.price, line.condition
