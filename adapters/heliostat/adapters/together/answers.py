"""What Together AI answers: pictures as base64 or addresses, and refusals. Pure.

Source: the OpenAPI document (2026-04-28) and docs.together.ai (errors), read 2026-11-22. Errors have OpenAI's shape.
How a refusal as unsafe looks is not documented: its message speaks of NSFW, and it is a 422.
"""

import re

from heliostat.adapters.sdk import Answer, MeshError, read_json_pictures, read_refusal
from heliostat.adapters.sdk.drawn import Drawn, read_drawn
from heliostat.adapters.sdk.refusals import LONGEST_PAUSE_S, told_pause_s
from heliostat.api.image.v1 import reason_pb2 as reasons

_UNSAFE = re.compile(r"\bnsfw\b|safety check|unsafe content|content policy|inappropriate", re.IGNORECASE)
_TOO_LARGE = re.compile(r"too (?:large|long|big)|exceed", re.IGNORECASE)
_SECONDS = re.compile(r"\d{1,6}(?:\.\d{1,6})?", re.ASCII)
_FIELD_OF = {
    "width": "size",
    "height": "size",
    "aspect_ratio": "size",
    "image_url": "image",
    "reference_images": "references",
    "output_format": "output.media_type",
    "steps": "provider_options.together.steps",
    "guidance_scale": "provider_options.together.guidance_scale",
    "image_loras": "provider_options.together.image_loras",
}


def read_images(body: bytes) -> list[Drawn]:
    """The pictures of an answer in their order. Raises ValueError for anything that is not the documented shape."""
    source = read_json_pictures(body)
    data = source.rest.get("data")
    if not isinstance(data, list) or not data or not all(isinstance(one, dict) for one in data):
        raise ValueError("no list of pictures")
    drawn: list[tuple[int, Drawn]] = []
    for place, one in enumerate(data):
        index = one.get("index")
        known = isinstance(index, int) and not isinstance(index, bool)
        drawn.append((index if known else place, read_drawn(Drawn, source, one)))
    return [one for _, one in sorted(drawn, key=lambda pair: pair[0])]


def refusal(answer: Answer, key_name: str) -> MeshError | None:
    """What only Together's words tell; None leaves an answer to the kit's table."""
    said = answer.error_text()
    if answer.status in {400, 403, 422} and _UNSAFE.search(f"{said} {answer.error_code()}"):
        error = read_refusal(answer, key_name)
        error.reason, error.field = reasons.ERROR_REASON_CONTENT_BLOCKED, "prompt"
        error.message = f"Together AI refused the request as unsafe; change the prompt. It said: {said}"
        return error
    if answer.status == 403 and _TOO_LARGE.search(said):
        error = read_refusal(answer, key_name)
        error.reason, error.message = reasons.ERROR_REASON_INVALID_FIELD, said
        error.field = _FIELD_OF.get(answer.error_field(), answer.error_field()) or None
        return error
    if answer.status == 429 and told_pause_s(answer.headers) is None:
        error = read_refusal(answer, key_name)
        error.retry_after_s = _reset_s(answer)
        return error
    if answer.status in {400, 422} and answer.error_field():
        error = read_refusal(answer, key_name)
        error.field = _FIELD_OF.get(answer.error_field(), answer.error_field())
        return error
    return None


def _reset_s(answer: Answer) -> float | None:
    """Seconds until the limit is reset, 0..60; None where no header tells."""
    told = answer.headers.get("x-ratelimit-reset", "").strip()
    return min(float(told), LONGEST_PAUSE_S) if _SECONDS.fullmatch(told) else None
