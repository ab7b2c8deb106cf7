"""Names of models, once for all providers: `canon.json` beside this file owns them, their makers and what they are.

An adapter's catalogue may name a model by its canonical name or by any other in the file; Describe tells the same names
for the same model everywhere, so that the routes which nobody wrote down hold every provider of it. A model that the
file does not know keeps the names of its catalogue: a new adapter edits nothing here.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from pydantic import Field, TypeAdapter

from heliostat.adapters.sdk.models import Model, ModelTable
from heliostat.chassis.settings import Section

_FILE = "canon.json"


class Known(Section):
    """What is said of one model, whoever serves it."""

    creator: str = Field("", description="Who made it.")
    text: str = Field(min_length=1, description="What it is, in one sentence.")
    also: tuple[str, ...] = Field((), description="Other names that mean this model and no other.")
    loose: tuple[str, ...] = Field((), description="Names that people use for it by mistake, or for its whole family.")


class Canon:
    """All models that the file knows."""

    def __init__(self, models: Mapping[str, Known]) -> None:
        """Raises ValueError where a name means two of them."""
        self.models = models
        self._owners: dict[str, str] = {}
        for canonical, known in models.items():
            for name in (canonical, *known.also):
                if self._owners.setdefault(name, canonical) != canonical:
                    raise ValueError(f"{name} means {self._owners[name]} and {canonical}")

    def canonical(self, name: str) -> str:
        """The canonical name behind a name; empty for one that the file does not know."""
        return self._owners.get(name, "")

    def facts(self, model: Model) -> Mapping[str, Any]:
        """What changes of a model of a catalogue: names, creator, description; nothing where the file has none of its
        names. What the catalogue says of the model at its provider stands after what the file says of it everywhere.
        """
        canonical = next(filter(None, map(self.canonical, model.names)), "")
        if not canonical:
            return {}
        known = self.models[canonical]
        return {
            "names": tuple(dict.fromkeys((canonical, *model.names, *known.also))),
            "loose_names": known.loose,
            "creator": known.creator or model.creator,
            "description": ". ".join(filter(None, (known.text, model.description))),
        }


@cache
def canon() -> Canon:
    """The file, read once."""
    text = resources.files("heliostat.adapters.sdk").joinpath(_FILE).read_text("utf-8")
    return Canon(TypeAdapter(dict[str, Known]).validate_python(json.loads(text)))


def with_names(models: ModelTable) -> ModelTable:
    """The models under the names that all providers share."""
    return models.priced(lambda name: canon().facts(models.get(name)) if name != "*" else {})
