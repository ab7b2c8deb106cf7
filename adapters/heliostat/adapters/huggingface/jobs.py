"""Jobs behind the router: their ids, how they stand. Pure.

Source: the official clients (huggingface.js 2026-08-21, huggingface_hub 2.4), read 2026-11-22. A job of ours is the
path under which the router shows it, without the first slash: it finds the job again without the model. fal answers
with an address of its own queue, whose path is the router's behind /fal-ai.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from heliostat.adapters.huggingface.endpoints import FAL, REPLICATE, WAVESPEED
from heliostat.adapters.sdk import Answer, MeshError
from heliostat.api.image.v1 import reason_pb2 as reasons

_STEP = r"(?!\.)[A-Za-z0-9_.-]{1,64}"
_FORM = {
    FAL: re.compile(rf"fal-ai(?:/{_STEP}){{1,6}}/requests/[A-Za-z0-9_-]{{1,128}}", re.ASCII),
    REPLICATE: re.compile(r"replicate/v1/predictions/[A-Za-z0-9]{1,64}", re.ASCII),
    WAVESPEED: re.compile(r"wavespeed/api/v3/predictions/[A-Za-z0-9_-]{1,128}/result", re.ASCII),
}
_GOOD = frozenset({"COMPLETED", "succeeded", "completed"})
_BAD = frozenset({"failed", "canceled", "aborted"})
_QUEUE = "?_subdomain=queue"


@dataclass(frozen=True, slots=True)
class State:
    """How a job stands: `ended` with or without success, with what it said of an error."""

    ended: bool
    failed: bool
    error: str = ""
    status: str = ""


def known(provider: str, job: str) -> str:
    """A job's id as given; empty for what cannot be one of this provider."""
    form = _FORM.get(provider)
    return job if form is not None and form.fullmatch(job) else ""


def submitted(provider: str, answer: Answer) -> str:
    """The job of a submit's answer; empty where it names none."""
    value = answer.json_or_none()
    if not isinstance(value, Mapping):
        return ""
    if provider == FAL:
        path = _path(value.get("response_url"))
    elif provider == REPLICATE:
        path = f"/v1/predictions/{value.get('id')}"
    else:
        data = value.get("data")
        urls = data.get("urls") if isinstance(data, Mapping) else None
        path = _path(urls.get("get") if isinstance(urls, Mapping) else None)
    return known(provider, f"{provider}{path}")


def status_path(provider: str, job: str) -> str:
    """Where to look at a job."""
    return f"/{job}/status{_QUEUE}" if provider == FAL else f"/{job}"


def result_path(provider: str, job: str) -> str:
    """Where a job's pictures are told, if not where its state is; empty otherwise."""
    return f"/{job}{_QUEUE}" if provider == FAL else ""


def is_result(provider: str, value: Mapping[str, Any]) -> bool:
    """Whether it is a job's result and not its state, where the two have addresses of their own."""
    return provider == FAL and "status" not in value


def read_state(answer: Answer) -> State:
    """How the job of an answer stands; a word that nobody knows goes on. Raises PROVIDER_ANSWER_INVALID."""
    value = answer.json()
    data = value.get("data")
    told = data if isinstance(data, Mapping) else value
    status, error = told.get("status"), told.get("error")
    if not isinstance(status, str):
        raise MeshError(
            reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID,
            "The provider answered a look at the job without its state; ask for it by its id later.",
        )
    said = error if isinstance(error, str) else ""
    failed = status in _BAD or (status == "COMPLETED" and bool(said))
    return State(failed or status in _GOOD, failed, said, status)


def _path(url: Any) -> str:
    try:
        return urlsplit(url).path if isinstance(url, str) else ""
    except ValueError:
        return ""
