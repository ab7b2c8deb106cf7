"""Predictions as Replicate shows them (prediction pages and HTTP API, read to 2026-11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from heliostat.emulators.jobs import Job
from heliostat.emulators.replicate.billing import PREDICT_S
from heliostat.emulators.replicate.catalogue import ReplicateModel
from heliostat.emulators.replicate.times import shown


@dataclass(frozen=True)
class Asked:
    """What a job keeps of its create call."""

    model: ReplicateModel
    input: Any
    webhook: str = ""
    events: frozenset[str] = frozenset()
    limit_s: float | None = None


def status_of(job: Job) -> str:
    """Name the state: starting, processing, succeeded, failed, canceled, or aborted before it began."""
    if job.taken_back:
        return "canceled" if job.began else "aborted" if _was_late(job) else "canceled"
    if job.result is None:
        return "processing" if job.began else "starting"
    return "failed" if job.result.status >= 400 else "succeeded"


def prediction_json(job: Job) -> dict[str, Any]:
    """Show a prediction as create, get, cancel and callbacks do. A scripted result's own members are shown as well."""
    asked: Asked = job.facts
    address = f"{job.address}/v1/predictions/{job.id}"
    content: dict[str, Any] = {
        "id": job.id,
        "model": asked.model.id,
        "version": "hidden" if asked.model.official else asked.model.version,
        "input": asked.input,
        "output": None,
        "logs": "",
        "error": None,
        "status": status_of(job),
        "source": "api",
        "data_removed": False,
        "created_at": shown(job.created),
        "started_at": shown(job.began),
        "completed_at": shown(job.ended),
        "urls": {"get": address, "cancel": f"{address}/cancel", "web": f"https://replicate.com/p/{job.id}"},
    }
    if asked.webhook:
        content["webhook"] = asked.webhook
    if asked.limit_s is not None:
        content["deadline"] = shown(job.created + asked.limit_s)
    if job.ended and job.began:
        content["metrics"] = {"predict_time": float(PREDICT_S), "total_time": round(job.ended - job.created, 3)}
    if job.result is None:
        return content
    body = _read(job.result.body)
    if job.result.status >= 400:
        return content | {"error": str(body.get("error") or body.get("detail") or "The model failed.")}
    return content | body


def _was_late(job: Job) -> bool:
    asked: Asked = job.facts
    return asked.limit_s is not None and job.ended - job.created >= asked.limit_s


def _read(body: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"output": body.decode(errors="replace")}
    return content if isinstance(content, dict) else {"output": content}
