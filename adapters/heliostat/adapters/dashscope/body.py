"""ImageRequest -> the JSON body of one of DashScope's four endpoints: model, input, parameters.

Source: the vendor's own SDK (2.0.2) and help pages to 2026-03, read 2026-11-22. Sizes are written with an asterisk;
pictures travel as data URIs.
"""

from typing import Any

from heliostat.adapters.dashscope.endpoints import Endpoint, Form
from heliostat.adapters.dashscope.functions import function_of
from heliostat.adapters.dashscope.options import DashScopeOptions
from heliostat.adapters.sdk import Call, MaskForm, MeshError, operation_of
from heliostat.adapters.sdk.inputs import data_uri
from heliostat.adapters.sdk.pictures import Pictures, read_image, read_references
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.api.image.v1 import reason_pb2 as reasons

_MOST_SEED = 2**31 - 1


async def gather(endpoint: Endpoint, call: Call) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE, and UNSUPPORTED for too many."""
    image = await read_image(call)
    mask = await call.mask(MaskForm.WHITE_REPAINTS, image) if image and operation_of(call.request) == "edit" else None
    pictures = Pictures(image, await read_references(call), mask)
    if len(pictures.together) > endpoint.most:
        message = f"{call.model.name} takes at most {endpoint.most} pictures in all; send fewer."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    return pictures


def make_body(endpoint: Endpoint, call: Call, options: DashScopeOptions, pictures: Pictures) -> dict[str, Any]:
    """The body. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    request = call.request
    options.check(call.model.name, endpoint, len(pictures.together))
    parameters = options.parameters()
    if call.model.max_images > 1:
        parameters["n"] = call.image_count
    if request.HasField("seed"):
        parameters["seed"] = seed_between(call, 0, _MOST_SEED)
    choice = call.size(endpoint.beside if pictures.together else None)
    if choice.width_px:
        parameters["size"] = f"{choice.width_px}*{choice.height_px}"
    given, more = _input(endpoint, call, options, pictures)
    return {"model": call.model.name, "input": given, "parameters": parameters | more}


def _input(
    endpoint: Endpoint, call: Call, options: DashScopeOptions, pictures: Pictures
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(`input`, further members of `parameters`)."""
    prompt = call.request.prompt
    avoided = call.request.negative_prompt if "negative_prompt" in endpoint.takes else ""
    images = [one.data_uri for one in pictures.together]
    if endpoint.form is Form.MESSAGES:
        content = [*({"image": one} for one in images), {"text": prompt}]
        more = {"negative_prompt": avoided} if avoided else {}
        return {"messages": [{"role": "user", "content": content}]}, more
    if endpoint.form is Form.FUNCTION:
        given, more = function_of(call, options, pictures.together[0], pictures.mask is not None)
        mask = {"mask_image_url": data_uri("image/png", pictures.mask)} if pictures.mask is not None else {}
        return {**given, "base_image_url": images[0], **mask}, more
    given = {"prompt": prompt} | ({"negative_prompt": avoided} if avoided else {})
    return (given | {"images": images} if endpoint.form is Form.IMAGES else given), {}
