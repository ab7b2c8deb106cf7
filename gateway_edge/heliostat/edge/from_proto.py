"""Events of a request as OpenAI's answer, piece by piece. Pure: no clock, no I/O.

The JSON is made without the pictures, whose base64 text is spliced in: no picture ever goes through a JSON library.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money

from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError, from_status, reason_name
from heliostat.edge.answer import Answer, Picture
from heliostat.edge.to_proto import BACKGROUNDS, QUALITIES

OUTCOMES: Mapping[int, str] = {
    event_pb2.OUTCOME_UNSPECIFIED: "unknown",
    event_pb2.OUTCOME_NOT_SENT: "not_sent",
    event_pb2.OUTCOME_REFUSED: "refused",
    event_pb2.OUTCOME_ACCEPTED: "accepted",
    event_pb2.OUTCOME_DELIVERED: "delivered",
}
BILLED: Mapping[int, str] = {
    event_pb2.BILLED_UNSPECIFIED: "unknown",
    event_pb2.BILLED_YES: "yes",
    event_pb2.BILLED_NO: "no",
    event_pb2.BILLED_UNKNOWN: "unknown",
}
COST_SOURCES: Mapping[int, str] = {
    event_pb2.COST_SOURCE_REPORTED: "reported",
    event_pb2.COST_SOURCE_COMPUTED: "computed",
    event_pb2.COST_SOURCE_ESTIMATED: "estimated",
}
COST_KINDS = ("estimated_cost", "computed_cost", "reported_cost")
MODES: Mapping[int, str] = {
    event_pb2.ADJUSTMENT_MODE_PASSTHROUGH: "passthrough",
    event_pb2.ADJUSTMENT_MODE_RENAMED: "renamed",
    event_pb2.ADJUSTMENT_MODE_CONVERTED: "converted",
    event_pb2.ADJUSTMENT_MODE_EMULATED: "emulated",
    event_pb2.ADJUSTMENT_MODE_DROPPED: "dropped",
}

PROVENANCES: Mapping[int, str] = {
    media_pb2.PROVENANCE_NONE: "none",
    media_pb2.PROVENANCE_KEPT: "kept",
    media_pb2.PROVENANCE_LOST: "lost",
}

WARNINGS: Mapping[int, str] = {media_pb2.MEDIA_WARNING_ONE_COLOUR: "one_colour"}

# media id, moment in seconds since the epoch after which the picture is gone (0 unknown) -> link
Link = Callable[[str, int, bytes], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the answer repeats of the request."""

    model: str
    quality: int = 0
    background: int = 0
    trace_id: str = ""
    sandbox: bool = False


def body_pieces(answer: Answer, asked: Asked, *, form: str, created: int, link: Link) -> list[bytes]:
    """The JSON answer in pieces; joined they are one JSON text. `form`: url or b64_json. `created` in seconds.

    Raises INTERNAL where the answer is not complete.
    """
    result = complete(answer)
    pictures = answer.pictures
    pieces = [b'{"id":%b,"created":%d,"data":[' % (orjson.dumps(answer.request_id), created)]
    for position, picture in enumerate(pictures):
        if position:
            pieces.append(b",")
        _picture_pieces(pieces, picture, form, link)
    tail = look_of(pictures[0].info if pictures else media_pb2.MediaInfo(), asked, result)
    if (usage := usage_of(result.usage)) is not None:
        tail["usage"] = usage
    tail["metadata"] = metadata_of(answer, pictures, result, asked)
    pieces.append(b"]," + orjson.dumps(tail)[1:])
    return pieces


def complete(answer: Answer) -> event_pb2.ImageResult:
    """The result. Raises INTERNAL where the stream ended without one."""
    if answer.result is None:
        raise MeshError(
            reasons.ERROR_REASON_INTERNAL, "The answer ended before it was complete; ask again under the same key."
        )
    return answer.result


def _picture_pieces(pieces: list[bytes], picture: Picture, form: str, link: Link) -> None:
    url = "" if form != "url" else picture_url(picture, link)
    beside: dict[str, Any] = {"url": url} if url else {}
    if picture.info.label:
        beside["label"] = picture.info.label
    if picture.ended is not None and picture.ended.revised_prompt:
        beside["revised_prompt"] = picture.ended.revised_prompt
    if url:
        pieces.append(orjson.dumps(beside))
        return
    pieces.append(b'{"b64_json":"')
    pieces.extend(picture.pieces)
    pieces.append(b'",' + orjson.dumps(beside)[1:] if beside else b'"}')


def picture_url(picture: Picture, link: Link) -> str:
    """Where the picture can be had; empty where nobody keeps it."""
    if picture.info.uri:
        return picture.info.uri
    if not picture.media_id:
        return ""
    if picture.ended is None:
        return link(picture.media_id, 0, b"")
    return link(picture.media_id, picture.ended.expire_time_seconds, picture.ended.sha256)


def look_of(info: media_pb2.MediaInfo, asked: Asked, result: event_pb2.ImageResult | None) -> dict[str, Any]:
    """What was delivered, measured on one picture; what was asked for only where it was not changed.

    Without a `result` nobody knows yet what was changed.
    """
    echo: dict[str, Any] = {}
    if info.width_px and info.height_px:
        echo["size"] = f"{info.width_px}x{info.height_px}"
    if info.media_type:
        echo["output_format"] = format_name(info.media_type)
    changed = {adjustment.parameter: adjustment for adjustment in (result.adjustments if result is not None else ())}
    for name, value, words in (
        ("quality", asked.quality, _QUALITY_WORDS),
        ("background", asked.background, _BACKGROUND_WORDS),
    ):
        adjustment = changed.get(name) or changed.get(f"output.{name}")
        word = words.get(value, "") if adjustment is None else adjustment.delivered or adjustment.sent
        if word in words.values():
            echo[name] = word
    return echo


_QUALITY_WORDS: Mapping[int, str] = {QUALITIES[word]: word for word in ("low", "medium", "high", "xhigh", "max")}
_BACKGROUND_WORDS: Mapping[int, str] = {value: word for word, value in BACKGROUNDS.items() if word != "auto"}


def format_name(media_type: str) -> str:
    """OpenAI's word for a media type: "image/jpeg" is "jpeg"."""
    return media_type.partition("/")[2].partition(";")[0].removesuffix("+xml")


def usage_of(usage: event_pb2.Usage) -> dict[str, Any] | None:
    """Tokens in OpenAI's shape; None where the provider counts none."""
    if not usage.input_token_count and not usage.output_token_count:
        return None
    return {
        "total_tokens": usage.input_token_count + usage.output_token_count,
        "input_tokens": usage.input_token_count,
        "output_tokens": usage.output_token_count,
        "input_tokens_details": {
            "text_tokens": usage.input_text_token_count,
            "image_tokens": usage.input_image_token_count,
        },
        "output_tokens_details": {
            "text_tokens": usage.output_text_token_count,
            "image_tokens": usage.output_image_token_count,
        },
    }


def metadata_of(
    answer: Answer, pictures: Sequence[Picture], result: event_pb2.ImageResult, asked: Asked
) -> dict[str, Any]:
    """`metadata` of the answer: who made it, what it cost, what was tried, where the time went, what was changed."""
    metadata = result_metadata(result, answer.request_id, asked.model)
    metadata["images"] = [_image(picture.info, picture.ended) for picture in pictures]
    if asked.trace_id:
        metadata["trace_id"] = asked.trace_id
    if asked.sandbox:
        metadata["sandbox"] = True
    if answer.replayed:
        metadata["replayed"] = True
    if answer.joined:
        metadata["joined"] = True
    return metadata


def result_metadata(result: event_pb2.ImageResult, request_id: str, model: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "request_id": request_id,
        "model": model,
        "executed_model": executed_model(result),
        "provider": result.provider,
        "cost": usd(result.cost.amount) if result.HasField("cost") and result.cost.HasField("amount") else None,
        "cost_currency": "USD",
        "cost_source": COST_SOURCES.get(result.cost.source),
        "attempts": [attempt_of(attempt) for attempt in result.attempts],
        "timing": timing_of(result.timing),
        "adjustments": [adjustment_of(adjustment) for adjustment in result.adjustments],
    }
    if result.provider_job_id:
        metadata["provider_job_id"] = result.provider_job_id
    if result.missing_image_count:
        metadata["missing_images"] = result.missing_image_count
    return metadata


def warning_words(warnings: Iterable[int]) -> list[str]:
    """What is odd about a picture, in words."""
    return [WARNINGS.get(warning, "unknown") for warning in warnings]


def warnings_of(pictures: Sequence[Picture]) -> str:
    """What is odd about pictures, as a header tells it: "one_colour; image=0, one_colour; image=2"; mostly empty."""
    return ", ".join(
        f"{word}; image={picture.info.image_index}"
        for picture in pictures
        for word in warning_words(picture.info.warnings)
    )


def executed_model(result: event_pb2.ImageResult) -> str:
    """ "provider/provider model" """
    return f"{result.provider}/{result.provider_model}" if result.provider else result.provider_model


def usd(amount: Money) -> float:
    """Money as a float of US dollars, to the millionth."""
    dollars: float = round(amount.units + amount.nanos / 1e9, 6)
    return dollars


def milliseconds(duration: Duration) -> int:
    """A duration in whole milliseconds."""
    return duration.seconds * 1000 + round(duration.nanos / 1e6)


def attempt_of(attempt: event_pb2.Attempt) -> dict[str, Any]:
    """One attempt as the answer tells it."""
    told: dict[str, Any] = {
        "target": attempt.target,
        "provider": attempt.provider,
        "outcome": OUTCOMES.get(attempt.outcome, "unknown"),
        "billed": BILLED.get(attempt.billed, "unknown"),
        "cost": usd(attempt.cost) if attempt.HasField("cost") else None,
        "duration_ms": milliseconds(attempt.duration),
        # Neither delivered nor failed: it is still under way, as a job's open attempt is.
        "status": "succeeded" if attempt.outcome == event_pb2.OUTCOME_DELIVERED else "in_progress",
    }
    told |= costs_of(attempt)
    if attempt.account:
        told["account"] = attempt.account
    if attempt.provider_job_id:
        told["provider_job_id"] = attempt.provider_job_id
    if attempt.HasField("status") and attempt.status.code:
        error = from_status(attempt.status)
        told["status"] = "failed"
        told["reason"] = reason_name(error.reason)
        told["message"] = error.message
    return told


def timing_of(timing: event_pb2.Timing) -> dict[str, int]:
    """Where the time went, in milliseconds."""
    return {
        "queue": milliseconds(timing.queue),
        "provider": milliseconds(timing.provider),
        "download": milliseconds(timing.download),
        "convert": milliseconds(timing.convert),
        "store": milliseconds(timing.store),
        "total": milliseconds(timing.total),
    }


def costs_of(attempt: event_pb2.Attempt) -> dict[str, Any]:
    """What was expected, computed and reported of an attempt, as far as it is known, and how far they are apart."""
    known = {kind: getattr(attempt, kind) for kind in COST_KINDS if attempt.HasField(kind)}
    told: dict[str, Any] = {kind: usd(amount) for kind, amount in known.items()}
    should = known.get("computed_cost") if "reported_cost" in known else known.get("estimated_cost")
    if should is not None and attempt.HasField("cost"):
        told["cost_drift"] = round(usd(attempt.cost) - usd(should), 6)
    if attempt.price_version:
        told["price_version"] = attempt.price_version
    if attempt.cost_doubt:
        told["cost_doubt"] = attempt.cost_doubt
    return told


def adjustment_of(adjustment: event_pb2.Adjustment) -> dict[str, Any]:
    """What became of a parameter."""
    return {
        "parameter": adjustment.parameter,
        "requested": adjustment.requested,
        "sent": adjustment.sent,
        "delivered": adjustment.delivered,
        "reason": adjustment.reason,
        "mode": MODES.get(adjustment.mode, "unknown"),
    }


def _image(info: media_pb2.MediaInfo, ended: media_pb2.MediaEnded | None) -> dict[str, Any]:
    image: dict[str, Any] = {
        "width": info.width_px or None,
        "height": info.height_px or None,
        "format": format_name(info.media_type) or None,
        "bytes": info.size_bytes or None,
        "sha256": None,
    }
    if info.provenance in PROVENANCES:
        image["provenance"] = PROVENANCES[info.provenance]
    if info.warnings:
        image["warnings"] = warning_words(info.warnings)
    if info.role == media_pb2.MEDIA_ROLE_MASK:
        image |= {"role": "mask", "label": info.label or None}
    if ended is not None:
        image["bytes"] = ended.size_bytes or image["bytes"]
        image["sha256"] = ended.sha256.hex() or None
        if ended.HasField("seed"):
            image["seed"] = ended.seed
    return image
