"""A prediction of Replicate as it stands: its state, its pictures, its time. Pure.

Source: Replicate's HTTP API (2026) and prediction pages, read 2026-11-22. `output` is an address, a list of them, or
an object with addresses in it, by the model; files of up to 256 KB may be data URLs.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.adapters.sdk import Answer

ENDED = frozenset({"succeeded", "failed", "canceled", "aborted"})
_ID = re.compile(r"[A-Za-z0-9]{1,64}")
_LONGEST_S = 86_400.0


def prediction_id(value: Any) -> str:
    """An id that can stand in a path, as given; empty for anything else."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One look at a prediction.

    `files` are addresses of pictures; `removed` tells that Replicate has deleted them. `seconds` is the time that the
    model ran, 0 where it is not said.
    """

    status: str
    error: str
    files: tuple[str, ...]
    removed: bool
    seconds: float


def read_prediction(answer: Answer, *, masks: bool) -> Prediction:
    """The prediction in an answer; `masks` prefers single masks to the combined one. Raises PROVIDER_ANSWER_INVALID."""
    value = answer.json()
    metrics = value.get("metrics")
    seconds = metrics.get("predict_time") if isinstance(metrics, Mapping) else None
    sound = isinstance(seconds, int | float) and 0 < seconds < _LONGEST_S
    error = value.get("error")
    return Prediction(
        status=str(value.get("status", "")),
        error=error if isinstance(error, str) else "",
        files=tuple(_files(value.get("output"), masks=masks)),
        removed=value.get("data_removed") is True,
        seconds=float(seconds) if sound and seconds is not None else 0.0,
    )


def _files(output: Any, *, masks: bool) -> Iterator[str]:
    """The addresses in an output of any of its three shapes, in their order."""
    if isinstance(output, str) and output:
        yield output
    elif isinstance(output, list):
        for one in output:
            yield from _files(one, masks=masks)
    elif isinstance(output, Mapping):
        alone = output.get("individual_masks")
        if masks and isinstance(alone, list) and alone:
            output = {"individual_masks": alone}
        for one in output.values():
            yield from _files(one, masks=masks)
