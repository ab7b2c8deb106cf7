"""What an adapter yields, step by step: accepted, progress, pictures, completed.

`generate_one` yields these; the kit turns them into the events of the contract: it measures, checks, converts,
hashes and cuts pictures, and fills cost, timing and adjustments of the result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heliostat.api.image.v1 import event_pb2, media_pb2


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: either `data` (an encoded file) or, passed through, the provider's own `uri`.

    `index` is the position among the pictures of the request, 0 first. `partial_index` is 0.. for a preview and
    None for a final picture. `width_px` and `height_px` matter only where there is a `uri` and no data: sizes of
    bytes are measured. `flagged` tells that the provider calls it unsafe: one that has one colour then is held back.
    """

    data: bytes = b""
    index: int = 0
    uri: str = ""
    seed: int | None = None
    revised_prompt: str = ""
    partial_index: int | None = None
    role: media_pb2.MediaRole = media_pb2.MEDIA_ROLE_IMAGE
    label: str = ""
    media_type: str = ""
    width_px: int = 0
    height_px: int = 0
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """The end of the work: what it used, what it cost, what else the provider said.

    `reported_micros` is the cost in micro-USD as the provider said it; without it the cost is computed from `usage`
    and the model's price. `metadata` holds JSON values and neither prompt nor key. `doubt` is a sentence about figures
    of the provider that cannot be believed; operators are told of it. `variant`, `input_sizes` ((width, height) in px)
    and `steps` are what the price depends on, as far as the call has shown it.
    """

    usage: event_pb2.Usage = field(default_factory=event_pb2.Usage)
    reported_micros: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    variant: Mapping[str, str] = field(default_factory=dict)
    doubt: str = ""
    input_sizes: Sequence[tuple[int, int]] = ()
    steps: int = 0


Step = event_pb2.ImageEvent | Picture | Completed


def accepted(provider_job_id: str = "") -> event_pb2.ImageEvent:
    """The provider took the work and may charge from here on. Yield it before any wait for the picture."""
    return event_pb2.ImageEvent(provider_accepted=event_pb2.ProviderAccepted(provider_job_id=provider_job_id))


def progress(percent: float | None = None, queue_position: int | None = None) -> event_pb2.ImageEvent:
    """The work goes on: 0..100 percent, place in the provider's queue; None where unknown."""
    return event_pb2.ImageEvent(progress=event_pb2.Progress(percent=percent, queue_position=queue_position))


def image(
    data: bytes,
    index: int = 0,
    *,
    seed: int | None = None,
    revised_prompt: str = "",
    role: media_pb2.MediaRole = media_pb2.MEDIA_ROLE_IMAGE,
    label: str = "",
    flagged: bool = False,
) -> Picture:
    """A final picture as an encoded file; `label` names what a segment's mask shows, `flagged`: see Picture."""
    return Picture(
        data=data, index=index, seed=seed, revised_prompt=revised_prompt, role=role, label=label, flagged=flagged
    )


def preview(data: bytes, partial_index: int, index: int = 0) -> Picture:
    """A preview of picture `index` that a later picture of the same index replaces."""
    return Picture(data=data, index=index, partial_index=partial_index)


def completed(
    *,
    usage: event_pb2.Usage | None = None,
    reported_micros: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    variant: Mapping[str, str] | None = None,
    doubt: str = "",
    input_sizes: Sequence[tuple[int, int]] = (),
    steps: int = 0,
) -> Completed:
    """The end of the work. Always the last thing that `generate_one` yields.

    `variant` names what a price depends on as the provider resolved it, such as {"quality": "high"}; see `Completed`.
    """
    return Completed(
        usage=usage or event_pb2.Usage(),
        reported_micros=reported_micros,
        metadata=metadata or {},
        variant=variant or {},
        doubt=doubt,
        input_sizes=input_sizes,
        steps=steps,
    )
