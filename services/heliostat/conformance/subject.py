"""An adapter as the rules see it: a stub, what it describes, one model to ask."""

import io
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from PIL import Image

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, event_pb2, media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError

ATTEMPT = "req_conformance/0/1"
SQUARE = requests.Size(pixels=requests.PixelSize(width_px=1024, height_px=1024))


class Stage(Protocol):
    """The adapter's provider, emulated: with faults by script and a journal of what was billed."""

    key: str
    """The key that the adapter uses there."""

    async def script(self, *steps: dict[str, Any]) -> None:
        """Puts what shall go wrong next."""

    async def entries(self) -> list[dict[str, Any]]:
        """The requests that came in, the oldest first."""

    async def stop(self) -> None:
        """Stops listening; connections are refused from then on."""


@dataclass
class Told:
    """One attempt, read to its end."""

    messages: list[list[event_pb2.ImageEvent]] = field(default_factory=list)
    error: MeshError | None = None

    @property
    def events(self) -> list[event_pb2.ImageEvent]:
        """All events in order."""
        return [event for message in self.messages for event in message]

    @property
    def result(self) -> event_pb2.ImageResult:
        """What `completed` says. Raises the attempt's error where there is none."""
        if self.error is not None:
            raise self.error
        return self.events[-1].completed

    @property
    def failure(self) -> MeshError:
        """The error, which must have come with how far the attempt came. Raises AssertionError."""
        if self.error is None:
            raise AssertionError("the attempt did not fail")
        if self.error.failure is None:
            raise AssertionError("an error without its AttemptFailure")
        return self.error

    @property
    def outcome(self) -> "event_pb2.Outcome":
        """How far a failed attempt came. Raises AssertionError."""
        failure = self.failure.failure
        if failure is None:
            raise AssertionError("an error without its AttemptFailure")
        return failure.outcome

    @property
    def job(self) -> str:
        """The provider's job id; empty where none was told."""
        told = [event.provider_accepted.provider_job_id for event in self.events if event.HasField("provider_accepted")]
        return told[0] if told else ""

    @property
    def started(self) -> list[media_pb2.MediaInfo]:
        """What was told of each picture before its bytes."""
        return [event.media_started for event in self.events if event.HasField("media_started")]

    def pictures(self) -> list[bytes]:
        """The delivered files."""
        files: dict[int, bytes] = {}
        for event in self.events:
            if event.HasField("media_chunk"):
                chunk = event.media_chunk
                files[chunk.image_index] = files.get(chunk.image_index, b"") + chunk.data
        return [files[index] for index in sorted(files)]


@dataclass
class Subject:
    """The adapter under test."""

    stub: Any
    """An AdapterServiceStub."""
    described: adapter_pb2.DescribeResponse
    model: str
    """The provider model that is asked: one that draws from words, where the provider has one."""
    stage: Stage | None = None

    @classmethod
    async def of(cls, stub: Any, model: str = "", stage: Stage | None = None) -> Self:
        """Describes the adapter; without a `model` the first one that draws from words is asked."""
        described = await call(stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=10)
        draws = capability_pb2.OPERATION_TEXT_TO_IMAGE
        names = (one.provider_model for one in described.models if draws in one.operations)
        return cls(stub, described, model or next(names, ""), stage)

    @property
    def capability(self) -> capability_pb2.Capability:
        """What the model that is asked can do; an empty one where the adapter takes any name."""
        found = (one for one in self.described.models if one.provider_model == self.model)
        return next(found, capability_pb2.Capability())

    @property
    def draws(self) -> bool:
        """Whether that model draws from words; one that does not is asked to cut a picture out."""
        told = self.capability.operations
        return not told or capability_pb2.OPERATION_TEXT_TO_IMAGE in told

    def request(self, model: str = "", *, attempt_id: str = ATTEMPT, **fields: Any) -> adapter_pb2.GenerateRequest:
        """An attempt to ask for; `fields` are those of an ImageRequest."""
        fields.setdefault("prompt", "a very private red boat")
        if not self.draws and "edit" not in fields:
            fields["remove_background"] = requests.RemoveBackground(image=_plain_square())
        image = requests.ImageRequest(model="m", **fields)
        return adapter_pb2.GenerateRequest(attempt_id=attempt_id, provider_model=model or self.model, image=image)

    async def ask(self, model: str = "", *, timeout_s: float = 60.0, resume: str = "", **fields: Any) -> Told:
        """One attempt, read to its end."""
        request = self.request(model, **fields)
        request.resume_provider_job_id = resume
        told = Told()
        try:
            async with stream(self.stub.Generate, request, timeout_s=timeout_s) as messages:
                async for message in messages:
                    told.messages.append(list(message.events))
        except MeshError as error:
            told.error = error
        return told

    async def estimate(self, model: str, **fields: Any) -> adapter_pb2.EstimateResponse:
        """What a request would cost."""
        image = self.request(prompt="a red boat", **fields).image
        request = adapter_pb2.EstimateRequest(provider_model=model, image=image)
        response: adapter_pb2.EstimateResponse = await call(self.stub.Estimate, request, timeout_s=10)
        return response

    def secrets(self) -> list[str]:
        """What no error may tell."""
        return ["private", *([self.stage.key] if self.stage else [])]


def _plain_square() -> media_pb2.Media:
    """A picture of one colour, 1024 px a side."""
    out = io.BytesIO()
    Image.new("RGB", (1024, 1024), "steelblue").save(out, "PNG")
    return media_pb2.Media(data=out.getvalue())
