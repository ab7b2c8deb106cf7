"""The part of docs/rest_api.md that says what each provider makes of each parameter, from the adapters' own words."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from heliostat.api.image.v1 import capability_pb2
from heliostat.launch.described import described

BEGIN, END = "<!-- made by `make docs`: what providers make of it -->\n", "<!-- end of what is made -->\n"

_HEAD = "\n| field | honoured by | left out there, and reported |\n| --- | --- | --- |\n"
_SHAPES = """
| provider | operations | sizes | pictures a call | references | mask | formats |
| --- | --- | --- | --- | --- | --- | --- |
"""
# Words of a body by the names that adapters describe.
_FIELDS: Mapping[str, str] = {
    "prompt": "prompt",
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


def made() -> str:
    """Both tables: what each parameter comes to, and what each provider can do."""
    by_provider = {told.provider: told.models for told in asyncio.run(described())}
    fields = (_field_row(field, name, by_provider) for field, name in _FIELDS.items())
    providers = (_provider_row(provider, models) for provider, models in by_provider.items())
    return f"{_HEAD}{''.join(fields)}{_SHAPES}{''.join(providers)}"


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
