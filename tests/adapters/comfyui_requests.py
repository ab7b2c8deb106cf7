"""Requests for a ComfyUI server."""

from typing import Any

from google.protobuf.struct_pb2 import Struct

from heliostat.adapters.comfyui.body import files_of, gather, make_values, make_workflow, template_of
from heliostat.adapters.comfyui.catalog import MODELS
from heliostat.adapters.comfyui.options import ComfyuiOptions
from tests.adapters.emulated import call_of

FILES = ("image", "mask", "references")
SECRET = "user:comfy-secret-0123456789"


async def sent(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The workflow of a request; files by their words."""
    call = call_of(MODELS.get(model), **fields)
    template = template_of(call)
    pictures = await gather(template, call)
    values = make_values(template, call, pictures)
    files: dict[str, list[str]] = {}
    for word, _ in files_of(pictures):
        files.setdefault(word, []).append(f"{word}.png")
    return make_workflow(template, values, files, ComfyuiOptions(**(options or {})))


def wish_options(**given: Any) -> dict[str, Any]:
    """provider_options of the adapter."""
    options = Struct()
    options.update(given)
    return {"comfyui": options}
