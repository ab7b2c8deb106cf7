"""provider_options["comfyui"]: what templates take beyond the normalized request."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from heliostat.adapters.comfyui.template_files import Knob, Template
from heliostat.adapters.sdk import MeshError, Options
from heliostat.api.image.v1 import reason_pb2 as reasons


class ComfyuiOptions(Options):
    """Each option goes where the template says; to ask one of a template that has no place for it is an error."""

    steps: int | None = Field(None, ge=1, le=1000, description="Steps of the sampler")
    guidance: float | None = Field(None, ge=0, le=100, description="How closely the prompt is followed")
    sampler: str | None = Field(None, max_length=100, description="Name of the sampler, such as euler")
    scheduler: str | None = Field(None, max_length=100, description="Name of the scheduler, such as karras")
    checkpoint: str | None = Field(None, max_length=300, description="File of the model on the server")
    values: dict[str, bool | int | float | str] | None = Field(
        None, description="Options of an operator's own template, by the names that it gives them"
    )

    def places(self, template: Template) -> Mapping[str, Any]:
        """Place -> value. Raises INVALID_FIELD for what the template does not take."""
        named = {key: value for key, value in self.model_dump(exclude={"values"}).items() if value is not None}
        given = {f"values.{name}": (name, value) for name, value in (self.values or {}).items()}
        given |= {name: (name, value) for name, value in named.items()}
        placed: dict[str, Any] = {}
        for field, (name, value) in given.items():
            knob = template.options.get(name)
            if knob is None:
                known = ", ".join(sorted(template.options)) or "none"
                what = f"{template.model} does not take it for {template.operation}; it takes: {known}."
                raise _wrong(field, what)
            _check(field, knob, value)
            placed |= dict.fromkeys(knob.at, value)
        return placed


def _check(field: str, knob: Knob, value: Any) -> None:
    """Raises INVALID_FIELD for a value that a template does not allow."""
    kinds: Mapping[str, type | tuple[type, ...]] = {
        "integer": int,
        "number": (int, float),
        "text": str,
        "boolean": bool,
    }
    if not isinstance(value, kinds[knob.kind]) or (isinstance(value, bool) and knob.kind != "boolean"):
        raise _wrong(field, f"it is of kind {knob.kind}; send one.")
    if isinstance(value, float) and not math.isfinite(value):
        raise _wrong(field, "it is no number; send one.")
    if knob.values and value not in knob.values:
        raise _wrong(field, f"it is one of {', '.join(knob.values)}.")
    if isinstance(value, int | float):
        if knob.min is not None and value < knob.min:
            raise _wrong(field, f"it is {knob.min:g} at least.")
        if knob.max is not None and value > knob.max:
            raise _wrong(field, f"it is {knob.max:g} at most.")


def _wrong(field: str, what: str) -> MeshError:
    where = f"provider_options.comfyui.{field[:120]}"
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, f"{where}: {what}", field=where)
