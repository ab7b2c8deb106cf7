"""The result of a job at fal: its pictures, its flags, its price.

Source: fal's endpoint types (fal-js, 2026-08-02) and queue pages, read 2026-11-22. With the safety checker on, a
picture that is flagged in `has_nsfw_concepts` is black.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat.adapters.fal.billing import billed_units
from heliostat.adapters.fal.endpoints import Endpoint
from heliostat.adapters.sdk import Answer, Call, MeshError, operation_of
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

_UNITS_HEADER = "x-fal-billable-units"


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished job gave.

    `files` are fal's descriptions of pictures (url, content_type, width, height) that are there to be fetched;
    `blocked` counts those that the safety checker blacked out. `units` is what fal billed, None where it did not say;
    `doubt` tells why what it said was not believed.
    """

    files: Sequence[Mapping[str, Any]]
    blocked: int
    seed: int | None
    prompt: str
    units: float | None
    doubt: str = ""

    def usage(self, *, by_second: bool) -> events.Usage:
        """The billed units as usage; `by_second` tells that a unit is a second of compute."""
        units = self.units or 0.0
        return events.Usage(billed_units=units, compute_seconds=units if by_second else 0.0)

    def told(self, index: int, request: requests.ImageRequest) -> dict[str, Any]:
        """What is known of a picture before its bytes."""
        file, masks = self.files[index], operation_of(request) == "segment"
        return {
            "seed": self.seed,
            "revised_prompt": self.prompt if self.prompt != request.prompt else "",
            "role": medias.MEDIA_ROLE_MASK if masks else medias.MEDIA_ROLE_IMAGE,
            "label": next(iter(request.segment.labels), "") if masks else "",
            "media_type": str(file.get("content_type") or ""),
            "width_px": _pixels(file.get("width")),
            "height_px": _pixels(file.get("height")),
        }


def read_result(endpoint: Endpoint, answer: Answer, *, checked: bool) -> Result:
    """The result in an answer; `checked` tells that the safety checker was on. Raises PROVIDER_ANSWER_INVALID."""
    value = answer.json()
    files = list(_files(value.get(endpoint.answer)))
    flags = value.get("has_nsfw_concepts")
    flagged = [bool(flag) for flag in flags] if checked and isinstance(flags, list) else []
    clean = [file for place, file in enumerate(files) if place >= len(flagged) or not flagged[place]]
    seed, prompt = value.get("seed"), value.get("prompt")
    header = answer.headers.get(_UNITS_HEADER)
    units = billed_units(header)
    return Result(
        files=clean,
        blocked=len(files) - len(clean),
        seed=seed if isinstance(seed, int) and 0 <= seed < 2**63 else None,
        prompt=prompt if isinstance(prompt, str) else "",
        units=units,
        doubt="The number of billed units cannot be read." if header and units is None else "",
    )


def empty(call: Call, result: Result) -> MeshError:
    """The error of a job that ended well and gave nothing to show. It was worked on: what it cost stands."""
    if result.blocked:
        message = "fal's safety checker blacked the picture out; change the prompt."
        return call.error(reasons.ERROR_REASON_CONTENT_BLOCKED, message)
    message = "fal's result holds no picture; ask again later or elsewhere."
    return call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message)


def _pixels(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value < 2**31 else 0


def _files(value: Any) -> Iterator[Mapping[str, Any]]:
    """The files under a key that holds one of them or a list."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping) and isinstance(one.get("url"), str) and one["url"]:
            yield one
