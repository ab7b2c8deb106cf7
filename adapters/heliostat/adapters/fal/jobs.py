"""Jobs in fal's queue: their ids and addresses. Pure.

Source: fal.ai/docs/model-apis/inference/queue, read 2026-11-22. A model id is owner/app[/path]; status, result and
cancel live under owner/app alone. Our job id is "<owner>/<app>/<request id>": it finds the job again without the model.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_JOB_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}/[A-Za-z0-9_.-]{1,64}/[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Job:
    """A job under way: our id of it and where to ask for its status and result and to cancel it."""

    id: str
    status_url: str
    response_url: str
    cancel_url: str


def known_job(base_url: str, job_id: str) -> Job | None:
    """The job of an id of ours; None where it cannot be one."""
    if _JOB_ID.fullmatch(job_id) is None or ".." in job_id.split("/"):
        return None
    owner, app, request_id = job_id.split("/")
    root = f"{base_url.rstrip('/')}/{owner}/{app}/requests/{request_id}"
    return Job(job_id, f"{root}/status", root, f"{root}/cancel")


def submitted_job(base_url: str, path: str, answer: Any) -> Job | None:
    """The job of a submit's answer; None where it carries no usable request id.

    The addresses are fal's own, except for those of a foreign origin: the key must not travel there, and the job,
    which may already cost money, is still found under the documented address.
    """
    request_id = answer.get("request_id") if isinstance(answer, Mapping) else None
    if not isinstance(request_id, str) or _REQUEST_ID.fullmatch(request_id) is None:
        return None
    own = known_job(base_url, "/".join([*path.split("/")[:2], request_id]))
    if own is None:
        return None
    return Job(
        own.id,
        _own(base_url, answer.get("status_url"), own.status_url),
        _own(base_url, answer.get("response_url"), own.response_url),
        _own(base_url, answer.get("cancel_url"), own.cancel_url),
    )


def _own(base_url: str, given: Any, documented: str) -> str:
    if not isinstance(given, str):
        return documented
    try:
        same = urlsplit(given)[:2] == urlsplit(base_url)[:2] and "@" not in given
    except ValueError:
        return documented
    return given if same else documented
