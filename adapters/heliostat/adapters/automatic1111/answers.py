"""Pictures, seeds and progress in the web UI's answers; its errors in the words of the mesh. Pure.

Source: modules/api of stable-diffusion-webui-forge (2025-06) and the error middleware of AUTOMATIC1111's, read
2026-11-22. `info` is JSON in a text. An unknown checkpoint is passed over in silence by the server (?), so what drew is
compared with what was asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from heliostat.adapters.sdk import Answer, MeshError, read_refusal
from heliostat.adapters.sdk.media import decode_base64
from heliostat.api.image.v1 import reason_pb2 as reasons

_MOST_PICTURES = 64
_MOST_SEED = 2**63 - 1
_HASHED = re.compile(r"^(?P<name>.*?)\s*\[(?P<hash>[0-9a-fA-F]{6,64})\]$")
_ENDINGS = (".safetensors", ".ckpt", ".gguf", ".pt")
_OPTION = "provider_options.automatic1111."
_FIELD_OF: Mapping[str, str] = {
    "width": "size",
    "height": "size",
    "batch_size": "n",
    "init_images": "image",
    "image": "image",
    "denoising_strength": "strength",
    "steps": f"{_OPTION}steps",
    "cfg_scale": f"{_OPTION}guidance",
    "sampler_name": f"{_OPTION}sampler",
    "styles": f"{_OPTION}styles",
}
# What the server says -> the field that is to blame.
_SENTENCES: Mapping[str, str] = {
    "sampler not found": f"{_OPTION}sampler",
    "init image not found": "image",
    "invalid encoded image": "image",
}
_OUT_OF_MEMORY = ("outofmemoryerror", "out of memory")


@dataclass(frozen=True, slots=True)
class Drawn:
    """An answer: pictures, their seeds, and the checkpoint that drew them by name and hash; empty where not told."""

    pictures: tuple[bytes, ...]
    seeds: tuple[int | None, ...] = ()
    checkpoint: str = ""
    checkpoint_hash: str = ""

    def seed(self, index: int) -> int | None:
        """The seed of one picture."""
        return self.seeds[index] if index < len(self.seeds) else None


def read_pictures(answer: Answer) -> Drawn:
    """The pictures of an answer, grids and what extensions put behind them left out.

    Raises PROVIDER_ANSWER_INVALID where there is none, or one cannot be read.
    """
    value = answer.json()
    given = value.get("images", [value.get("image")])
    info = _info(value.get("info"))
    seeds = [_whole(one) for one in _list(info.get("all_seeds"))[:_MOST_PICTURES]]
    first = _whole(info.get("index_of_first_image")) or 0
    texts = _list(given)[first : first + (len(seeds) or _MOST_PICTURES)]
    try:
        pictures = tuple(decode_base64(text.encode()) for text in texts if isinstance(text, str))
    except ValueError:
        pictures = ()
    if not pictures or len(pictures) < len(texts):
        message = "The web UI answered without a picture that can be read; look into its console."
        raise MeshError(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message)
    name, digest = info.get("sd_model_name"), info.get("sd_model_hash")
    return Drawn(
        pictures, tuple(seeds), name if isinstance(name, str) else "", digest if isinstance(digest, str) else ""
    )


def is_other_checkpoint(wanted: str, drawn: Drawn) -> bool:
    """Whether another checkpoint drew than `wanted`: a file, a title with its hash, or a hash alone."""
    if not wanted or not drawn.checkpoint:
        return False
    found = _HASHED.match(wanted)
    if drawn.checkpoint_hash and drawn.checkpoint_hash in (wanted, found.group("hash") if found else ""):
        return False
    return _stem(found.group("name") if found else wanted) != _stem(drawn.checkpoint)


def _stem(name: str) -> str:
    name = re.split(r"[/\\]", name)[-1].strip().lower()
    return next((name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending)), name)


def read_percent(answer: Answer) -> float | None:
    """How far the work of the server is, 0..100; None where it does not say."""
    value = answer.json_or_none()
    done = value.get("progress") if isinstance(value, Mapping) else None
    if not isinstance(done, int | float) or isinstance(done, bool) or not 0 <= done <= 1:
        return None
    return 100.0 * done


def _info(text: Any) -> Mapping[str, Any]:
    try:
        value = orjson.loads(text) if isinstance(text, str) else {}
    except orjson.JSONDecodeError:
        value = {}
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _whole(value: Any) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_SEED
    return value if good else None


def refusal(answer: Answer, key_name: str) -> MeshError | None:
    """The error of an answer that speaks the web UI's dialect; None for what any server could say."""
    value = answer.json_or_none()
    if not isinstance(value, Mapping):
        return None
    name, said = _told(value)
    if any(word in f"{name} {said}".lower() for word in _OUT_OF_MEMORY):
        error = read_refusal(answer)
        error.reason = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
        error.message = "The web UI's GPU ran out of memory; ask for less, again later, or elsewhere."
        return error
    if answer.status == 404 and said == "Not Found":
        error = read_refusal(answer, key_name)
        error.message = "The web UI has no such call; start it with --api, and with the extension if one is needed."
        return error
    if name and said:
        answer = replace(answer, body=orjson.dumps({"error": {"message": said, "code": name}}))
    blamed = next((field for words, field in _SENTENCES.items() if words in said.lower()), "")
    error = read_refusal(answer, key_name)
    if blamed:
        error.reason, error.field = reasons.ERROR_REASON_INVALID_FIELD, blamed
        error.message = f"The web UI does not take the request. It said: {said}"
    elif error.field:
        error.field = _FIELD_OF.get(error.field, error.field)
    return error


def _told(value: Mapping[str, Any]) -> tuple[str, str]:
    """(class of the exception, sentence): the middleware's four texts, or FastAPI's detail."""
    name, detail, errors = value.get("error"), value.get("detail"), value.get("errors")
    said = next((text for text in (detail, errors) if isinstance(text, str) and text), "")
    return (name[:100] if isinstance(name, str) else ""), said[:2000]
