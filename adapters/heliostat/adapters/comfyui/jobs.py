"""A prompt on the server: its id, its place in the queue, its entry in the history. Pure.

Source: ComfyUI's server.py and execution.py (2025-10, and of the second half of 2026), read 2026-11-22. An entry
appears when the work is over, whichever way; until then the history is empty, and the queue has the prompt.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from heliostat.adapters.sdk import Answer

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_FOLDERS = frozenset({"output", "temp", "input"})
_MOST_PICTURES = 64
_MOST_SECONDS = 86_400.0
_WITHOUT_PLACE = 1_000_000


def is_job(text: object) -> bool:
    """Whether it can be a prompt's id: it becomes part of a path."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a prompt ended: the addresses of its pictures below the server's, the seconds it ran, or what went wrong.

    `fault` is the class of the exception, "interrupted", or empty for success; `node` is the class of the node in which
    it happened.
    """

    pictures: tuple[str, ...] = ()
    seconds: float | None = None
    fault: str = ""
    said: str = ""
    node: str = ""


def read_entry(answer: Answer, job: str, output: str) -> Ended | None:
    """The end of a prompt by its history; None while there is none. Raises PROVIDER_ANSWER_INVALID."""
    entry = answer.json().get(job)
    if not isinstance(entry, Mapping):
        return None
    status = entry.get("status")
    status = status if isinstance(status, Mapping) else {}
    messages = dict(_messages(status.get("messages")))
    seconds = _seconds(messages)
    if status.get("status_str") == "error":
        told = messages.get("execution_error", {})
        if "execution_interrupted" in messages:
            return Ended(seconds=seconds, fault="interrupted")
        return Ended(
            seconds=seconds,
            fault=_text(told.get("exception_type")) or "error",
            said=_text(told.get("exception_message")),
            node=_text(told.get("node_type")),
        )
    outputs = entry.get("outputs")
    node = outputs.get(output) if isinstance(outputs, Mapping) else None
    images = node.get("images") if isinstance(node, Mapping) else None
    found = [_address(one) for one in images[:_MOST_PICTURES]] if isinstance(images, list) else []
    return Ended(tuple(address for address in found if address), seconds)


def _messages(given: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in given if isinstance(given, list) else ():
        if isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], Mapping):
            yield one[0], one[1]


def _seconds(messages: Mapping[str, Mapping[str, Any]]) -> float | None:
    """How long the prompt ran; its times are milliseconds. None where they are not told, or make no sense."""
    ends = ("execution_success", "execution_error", "execution_interrupted")
    began = messages.get("execution_start", {}).get("timestamp")
    ended = next((messages[name].get("timestamp") for name in ends if name in messages), None)
    if not isinstance(began, int) or not isinstance(ended, int):
        return None
    seconds = (ended - began) / 1000
    return seconds if 0 <= seconds <= _MOST_SECONDS else None


def _address(given: Any) -> str:
    """Where a picture of the history can be had; empty for what is none."""
    if not isinstance(given, Mapping):
        return ""
    name, folder, kind = (given.get(key) for key in ("filename", "subfolder", "type"))
    if not isinstance(name, str) or not name or not isinstance(folder, str) or kind not in _FOLDERS:
        return ""
    return "/view?" + urlencode({"filename": name, "subfolder": folder, "type": kind})


def place_in_queue(answer: Answer, job: str) -> int | None:
    """How many prompts are before it: 0 for one that runs, and only for that; None where the queue does not have it.

    Raises PROVIDER_ANSWER_INVALID.
    """
    queue = answer.json()
    if job in _ids(queue.get("queue_running")):
        return 0
    waiting = _ids(queue.get("queue_pending"))
    if job not in waiting:
        return None
    before = sorted(waiting, key=lambda one: waiting[one]).index(job)
    return max(1, len(_ids(queue.get("queue_running"))) + before)


def _ids(given: Any) -> dict[str, float]:
    """Id -> number of the prompts in one half of the queue; lower numbers come first."""
    found: dict[str, float] = {}
    for one in given if isinstance(given, list) else ():
        if isinstance(one, list) and len(one) > 1 and isinstance(one[1], str):
            found[one[1]] = float(one[0]) if isinstance(one[0], int | float) else _WITHOUT_PLACE
    return found


def stored_name(answer: Answer) -> str | None:
    """What a workflow calls a file that was uploaded; None where the answer does not say."""
    value = answer.json_or_none()
    if not isinstance(value, Mapping):
        return None
    name, folder, kind = value.get("name"), value.get("subfolder") or "", value.get("type")
    if not isinstance(name, str) or not name or not isinstance(folder, str) or kind not in _FOLDERS:
        return None
    path = f"{folder}/{name}" if folder else name
    return path if kind == "input" else f"{path} [{kind}]"


def _text(value: Any) -> str:
    return value[:2000] if isinstance(value, str) else ""
