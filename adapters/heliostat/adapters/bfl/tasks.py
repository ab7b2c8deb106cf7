"""A task at Black Forest Labs: its id with us, where it is asked for, and how it stands. Pure.

Source: docs.bfl.ai (get-result, integration guidelines), read 2026-11-22. The submit names the cluster that knows the
task; other hosts may not find it. So our job id is "<cluster>/<task id>", or the bare task id for base_url's own host.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, urlsplit

from heliostat.adapters.sdk import Answer

READY = "Ready"
NOT_FOUND = "Task not found"
# Anything else goes on: newer models have more words for it.
ENDED = frozenset({READY, "Request Moderated", "Content Moderated", "Error"})
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")
_MOST_CREDITS = 100_000.0
MICROS_PER_CREDIT = 10_000


@dataclass(frozen=True, slots=True)
class Task:
    """A task under way: our id of it, and where to ask for it."""

    id: str
    poll_url: str


def known_task(base_url: str, api_hosts: Sequence[str], job_id: str) -> Task | None:
    """The task of an id of ours; None where it cannot be one, or names a cluster that is none of `api_hosts`."""
    host, _, task_id = job_id.rpartition("/")
    if _TASK_ID.fullmatch(task_id) is None or (host and not _is_cluster(host, api_hosts)):
        return None
    base = urlsplit(base_url.rstrip("/"))
    place = f":{base.port}" if base.port else ""
    root = f"{base.scheme}://{host}{place}{base.path}" if host else base_url.rstrip("/")
    return Task(job_id, f"{root}/v1/get_result?id={quote(task_id)}")


def submitted_task(base_url: str, api_hosts: Sequence[str], answer: Any) -> Task | None:
    """The task of a submit's answer; None where it carries no usable id.

    It is asked for at the cluster that the answer names, if that is one of `api_hosts`: else at base_url, for the key
    must not travel elsewhere, and the task, which may already cost money, may be found there as well.
    """
    task_id = answer.get("id") if isinstance(answer, Mapping) else None
    if not isinstance(task_id, str) or _TASK_ID.fullmatch(task_id) is None:
        return None
    try:
        host = urlsplit(str(answer.get("polling_url") or "")).hostname or ""
    except ValueError:
        host = ""
    elsewhere = host != urlsplit(base_url).hostname and _is_cluster(host, api_hosts)
    return known_task(base_url, api_hosts, f"{host}/{task_id}" if elsewhere else task_id)


def _is_cluster(host: str, api_hosts: Sequence[str]) -> bool:
    return _HOST.fullmatch(host) is not None and any(fnmatchcase(host, pattern) for pattern in api_hosts)


def cost_micros(answer: Any) -> int | None:
    """What a submit's answer says the task will cost, in micro-USD (a credit is a cent); None where it does not."""
    credit = answer.get("cost") if isinstance(answer, Mapping) else None
    if not isinstance(credit, int | float) or isinstance(credit, bool) or not 0 <= credit <= _MOST_CREDITS:
        return None
    return round(credit * MICROS_PER_CREDIT)


@dataclass(frozen=True, slots=True)
class State:
    """One look at a task: `percent` of the work done, 0..100; `url` of the picture; why it was moderated."""

    status: str
    percent: float | None = None
    url: str = ""
    seed: int | None = None
    prompt: str = ""
    why: str = ""


def read_state(answer: Answer) -> State:
    """The state in an answer. Raises PROVIDER_ANSWER_INVALID."""
    value = answer.json()
    result = value.get("result")
    result = result if isinstance(result, Mapping) else {}
    done, seed = value.get("progress"), result.get("seed")
    url, prompt = result.get("sample"), result.get("prompt")
    return State(
        status=str(value.get("status", "")),
        percent=100 * done if isinstance(done, int | float) and 0 <= done <= 1 else None,
        url=url if isinstance(url, str) else "",
        seed=seed if isinstance(seed, int) and 0 <= seed < 2**63 else None,
        prompt=prompt if isinstance(prompt, str) else "",
        why=_why(value.get("details")),
    )


def _why(details: Any) -> str:
    given = details.get("Moderation Reasons") if isinstance(details, Mapping) else None
    return ", ".join(str(one) for one in given[:5]) if isinstance(given, list) else ""
