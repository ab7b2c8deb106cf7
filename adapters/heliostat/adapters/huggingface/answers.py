"""Pictures in answers, whichever provider gave them. Pure.

Source: the official clients (huggingface.js 2026-08-21, huggingface_hub 2.4), read 2026-11-22: the picture itself, or
JSON with `data` (base64 or addresses), `images` (fal), `output` (Replicate, sometimes hf-inference), `outputs`
(WaveSpeed, within `data`), or a list of labelled masks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from heliostat.adapters.sdk import Answer
from heliostat.adapters.sdk.media import decode_base64, read_json_pictures

_MOST_FILES = 256
_MOST_LABEL = 200


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture: its bytes, or the address of them; `label` names what a mask shows."""

    data: bytes = b""
    url: str = ""
    label: str = ""
    mask: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """The pictures of an answer that may be shown. `blocked` counts those that a safety checker blackened."""

    files: tuple[Drawn, ...]
    blocked: int = 0
    seed: int | None = None


def read_result(answer: Answer) -> Result:
    """The pictures of an answer. Raises ValueError for what holds none, and for broken base64."""
    if answer.headers.get("content-type", "").strip().lower().startswith("image/"):
        return Result((Drawn(answer.body),))
    listed = _listed(answer.body)
    if listed is not None:
        return Result(tuple(_masks(listed)))
    source = read_json_pictures(answer.body)
    value: Mapping[str, Any] = source.rest
    data = value.get("data")
    if isinstance(data, Mapping):
        value = data
    elif isinstance(data, list):
        return Result(tuple(_openai(data, source.picture)))
    files = list(_files(value.get("images") or value.get("outputs") or value.get("output")))
    if not files:
        raise ValueError("no picture")
    flags = value.get("has_nsfw_concepts")
    flagged = flags if isinstance(flags, list) else []
    shown = [file for place, file in enumerate(files) if place >= len(flagged) or flagged[place] is not True]
    seed = value.get("seed")
    sound = isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**63
    return Result(tuple(shown), len(files) - len(shown), seed if sound else None)


def _listed(body: bytes) -> list[Any] | None:
    if body.lstrip()[:1] != b"[":
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValueError("no JSON") from None
    if not value:
        raise ValueError("no picture")
    return list(value)


def _masks(listed: list[Any]) -> Iterator[Drawn]:
    for one in listed[:_MOST_FILES]:
        mask, label = (one.get("mask"), one.get("label")) if isinstance(one, Mapping) else (None, None)
        if not isinstance(mask, str):
            raise ValueError("a segment without a mask")
        name = label[:_MOST_LABEL] if isinstance(label, str) else ""
        yield Drawn(decode_base64(mask.encode()), label=name, mask=True)


def _openai(data: list[Any], picture: Any) -> Iterator[Drawn]:
    if not data:
        raise ValueError("no picture")
    for one in data[:_MOST_FILES]:
        encoded, url = (one.get("b64_json"), one.get("url")) if isinstance(one, Mapping) else (None, None)
        if encoded:
            yield Drawn(picture(encoded))
        elif isinstance(url, str) and url:
            yield Drawn(url=url)
        else:
            raise ValueError("a picture without bytes and address")


def _files(value: Any) -> Iterator[Drawn]:
    """The files of an address, of a list of them, or of fal's descriptions."""
    for one in (value if isinstance(value, list) else [value])[:_MOST_FILES]:
        url = one.get("url") if isinstance(one, Mapping) else one
        if not isinstance(url, str) or not url:
            continue
        yield Drawn(decode_base64(url.encode())) if url.startswith("data:") else Drawn(url=url)
