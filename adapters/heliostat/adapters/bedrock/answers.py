"""What the models at Bedrock answer: pictures, seeds, and why there are none. Pure.

Source: Bedrock's pages on Stability AI's and Amazon's image models, read 2026-11-22. A filtered picture comes under
status 200: `finish_reasons` of Stability AI's, `error` of Amazon's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat.adapters.bedrock.outcomes import FAILED, FILTERED, OUTCOMES
from heliostat.adapters.sdk import Call, MeshError, read_json_pictures
from heliostat.adapters.sdk.media import JsonPictures
from heliostat.adapters.sdk.refusals import clean
from heliostat.api.image.v1 import reason_pb2 as reasons

_MOST_SEED = 2**32
_FILTER = "filter reason"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A whole answer: where its pictures are, their seeds (None where unknown), and why some or all are missing."""

    source: JsonPictures
    places: tuple[str, ...]
    seeds: tuple[int | None, ...]
    why: str = ""

    def picture(self, index: int) -> bytes:
        """A picture's file. Raises ValueError for what is not base64."""
        return self.source.picture(self.places[index])


def read_answer(body: bytes) -> Drawn:
    """Reads an answer. Raises ValueError for anything that is not the documented shape."""
    source = read_json_pictures(body, "images")
    rest = source.rest
    status = rest.get("status")
    if isinstance(status, str) and "moderated" in status.lower():
        return Drawn(source, (), (), f"{_FILTER}: {status}")
    images, ends, seeds = rest.get("images") or [], _list(rest, "finish_reasons"), _list(rest, "seeds")
    if not isinstance(images, list) or not all(one is None or isinstance(one, str) for one in images):
        raise ValueError("no list of pictures")
    told = next((one for one in (*ends, rest.get("error")) if isinstance(one, str) and one), "")
    kept = [index for index, one in enumerate(images) if one and not _said(ends, index)]
    if not kept and not told:
        raise ValueError("neither a picture nor a reason why there is none")
    return Drawn(source, tuple(images[at] for at in kept), tuple(_seed(seeds, at) for at in kept), told)


def fruitless(drawn: Drawn, call: Call) -> MeshError:
    """The error of an answer without a picture."""
    said = clean(drawn.why, (call.request.prompt, call.request.negative_prompt))
    if drawn.why.lower().startswith("inference error"):
        row = OUTCOMES.row("submit", FAILED)
        reason, field = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, None
        message = f"The model failed while it drew; ask again later or elsewhere. It said: {said}"
    else:
        row = OUTCOMES.row("submit", FILTERED)
        reason = reasons.ERROR_REASON_CONTENT_BLOCKED
        field = "image" if "input image" in drawn.why.lower() else "prompt"
        message = f"The request was refused as unsafe; change it. It said: {said}"
    return call.error(reason, message, outcome=row.outcome, billed=row.billed, phase="submit", field=field)


def _list(rest: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = rest.get(name)
    return value if isinstance(value, list) else ()


def _said(ends: Sequence[Any], index: int) -> bool:
    """Whether the end of a picture was another one than the good one."""
    return index < len(ends) and isinstance(ends[index], str) and bool(ends[index])


def _seed(seeds: Sequence[Any], index: int) -> int | None:
    seed = seeds[index] if index < len(seeds) else None
    return seed if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < _MOST_SEED else None
