"""The part of docs/rest_api.md that says what each provider makes of each parameter, from the adapters' own words."""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.clock import Clock
from heliostat.chassis.modules import Surroundings
from heliostat.launch.targets import ADAPTER, adapter_kinds, load

BEGIN, END = "<!-- made by `make docs`: what providers make of it -->\n", "<!-- end of what is made -->\n"

# Providers that stand for no company.
_NONE = frozenset({"mock"})
_HEAD = "\n| field | honoured by | left out there, and reported |\n| --- | --- | --- |\n"
_SHAPES = """
| provider | operations | sizes | pictures a call | references | mask | formats |
| --- | --- | --- | --- | --- | --- | --- |
"""
# Words of a body by the names that adapters describe.
_FIELDS: Mapping[str, str] = {
    "negative_prompt": "negative_prompt",
    "seed": "seed",
    "style": "style",
    "quality": "quality",
    "background": "background",
    "output_compression": "output_compression",
    "partial_images": "partial_images",
    "moderation": "moderation",
    "user": "user",
    "strength": "strength",
    "similarity": "similarity",
    "creativity": "creativity",
    "mask_feather": "feather",
}
_SIZES = {"grid": "any on a grid", "exact": "a list", "shapes": "shapes", None: "as the input"}
_MASKS = {
    capability_pb2.MASK_SUPPORT_EXACT: "exact",
    capability_pb2.MASK_SUPPORT_GUIDANCE: "as a hint",
}

_Models = Iterable[capability_pb2.Capability]


def spliced(page: str) -> str:
    """The page with what is made put between its marks. Raises ValueError where it has none."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks to put the table between")
    return f"{head}{BEGIN}{made()}\n{END}{tail}"


def made() -> str:
    """Both tables: what each parameter comes to, and what each provider can do."""
    described = {told.provider: told.models for told in asyncio.run(_described())}
    fields = (_field_row(field, name, described) for field, name in _FIELDS.items())
    providers = (_provider_row(provider, models) for provider, models in described.items())
    return f"{_HEAD}{''.join(fields)}{_SHAPES}{''.join(providers)}"


async def _described() -> list[adapter_pb2.DescribeResponse]:
    """What every adapter says of itself with the settings that it has by itself; none is started."""
    return [await _describe(kind) for kind in adapter_kinds() if kind not in _NONE]


async def _describe(kind: str) -> adapter_pb2.DescribeResponse:
    module = load(ADAPTER + kind)
    part = module.build(module.settings(), _nowhere(ADAPTER + kind))
    (service,) = part.services
    told: adapter_pb2.DescribeResponse = await service.servicer.Describe(adapter_pb2.DescribeRequest(), None)
    return told


def _nowhere(name: str) -> Surroundings:
    """A process with nothing in it."""
    refuse: Callable[..., Any] = partial(_refuse, name)
    return Surroundings(
        name=name,
        channel=refuse,
        adapters={},
        blobs=Blobs("memory://"),
        database=refuse,
        clock=Clock(),
        dice=random.Random(0),
        state_dir=Path(),
        sandbox=False,
        secret=refuse,
        draining=lambda: False,
    )


def _refuse(name: str, *_: object) -> Any:
    raise RuntimeError(f"{name} asks for its process while it only describes itself")


def _field_row(field: str, name: str, described: Mapping[str, _Models]) -> str:
    honoured, left_out = [], []
    for provider, models in described.items():
        able = [_honours(model, name) for model in models]
        if all(able):
            honoured.append(provider)
        elif any(able):
            honoured.append(f"{provider} ({sum(able)} of {len(able)} models)")
        else:
            left_out.append(provider)
    return f"| `{field}` | {', '.join(honoured) or '-'} | {', '.join(left_out) or '-'} |\n"


def _honours(model: capability_pb2.Capability, name: str) -> bool:
    return any(parameter.name == name and not parameter.provider_option for parameter in model.parameters)


def _provider_row(provider: str, models: _Models) -> str:
    models = list(models)
    cells = (
        provider,
        ", ".join(_operations(models)),
        _listed(_SIZES[model.sizes.WhichOneof("rule")] for model in models),
        _span(model.max_image_count for model in models),
        _span(model.max_reference_count for model in models),
        _listed(_MASKS[model.mask] for model in models if model.mask) or "-",
        _listed(kind.removeprefix("image/") for model in models for kind in model.media_types),
    )
    return f"| {' | '.join(cells)} |\n"


def _operations(models: _Models) -> Iterator[str]:
    for operation in sorted({operation for model in models for operation in model.operations}):
        yield capability_pb2.Operation.Name(operation).removeprefix("OPERATION_").lower().replace("_", " ")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def _span(counts: Iterable[int]) -> str:
    least, most = min(found := list(counts)), max(found)
    return str(most) if least == most else f"{least} to {most}"
