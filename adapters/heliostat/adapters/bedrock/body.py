"""ImageRequest -> the JSON of one model at Bedrock."""

from typing import Any

import orjson
import pybase64

from heliostat.adapters.bedrock.catalog import Task
from heliostat.adapters.bedrock.endpoints import MOST_FILE_BYTES
from heliostat.adapters.bedrock.options import BedrockOptions
from heliostat.adapters.bedrock.tasks import gather_for_task, make_task
from heliostat.adapters.sdk import Call
from heliostat.adapters.sdk.stable_image import MANAGED as STABILITYS
from heliostat.adapters.sdk.stable_image import gather, make_fields

MANAGED = STABILITYS | {
    *("taskType", "imageGenerationConfig", "textToImageParams", "imageVariationParams", "inPaintingParams"),
    *("backgroundRemovalParams", "colorGuidedGenerationParams", "outPaintingParams"),
}
"""What is filled here: the request has words for it."""


async def make_body(call: Call, options: BedrockOptions) -> dict[str, Any]:
    """The body; pictures are bytes in it. Raises INPUT_UNREADABLE, INVALID_FIELD and UNSUPPORTED."""
    facts = call.model.facts
    if isinstance(facts, Task):
        return {**call.passed_on, **make_task(call, options, await gather_for_task(call))}
    pictures = await gather(facts, call, MOST_FILE_BYTES)
    body = make_fields(facts, call, options.fields(call.model.name, facts))
    body |= {name: one.data for name, one in pictures.files.items()}
    return body if pictures.mask is None else {**body, "mask": pictures.mask}


def encoded(body: dict[str, Any]) -> bytes:
    """The body as it travels: pictures in base64. Takes milliseconds for each megabyte."""
    return orjson.dumps(body, default=pybase64.b64encode_as_string)
