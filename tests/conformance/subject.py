"""An adapter as the conformance suite sees it: a stub, what it describes, one model to ask."""

from dataclasses import dataclass, field
from typing import Any, Self

import pytest

from heliostat.api.adapter.v1 import adapter_pb2, adapter_pb2_grpc
from heliostat.api.image.v1 import capability_pb2, event_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError
from tests.emulators.conftest import Bench

ATTEMPT = "req_conformance/0/1"


@dataclass(frozen=True)
class Emulated:
    """Where an adapter's provider is emulated: `key` is what `variable` holds."""

    provider: str
    path: str
    variable: str
    model: str
    key: str


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
        """What `completed` says."""
        if self.error is not None:
            raise self.error
        return self.events[-1].completed

    @property
    def failure(self) -> MeshError:
        """The error, which must have come with how far the attempt came."""
        assert self.error is not None, "the attempt did not fail"
        assert self.error.failure is not None, "an error without its AttemptFailure"
        return self.error

    def pictures(self) -> list[bytes]:
        """The delivered files."""
        files: dict[int, bytes] = {}
        for event in self.events:
            if event.HasField("media_chunk"):
                files[event.media_chunk.image_index] = files.get(event.media_chunk.image_index, b"") + (
                    event.media_chunk.data
                )
        return [files[index] for index in sorted(files)]


@dataclass
class Subject:
    """The adapter under test."""

    stub: adapter_pb2_grpc.AdapterServiceStub
    described: adapter_pb2.DescribeResponse
    model: str
    bench: Bench | None
    emulated: Emulated | None

    @classmethod
    async def of(
        cls,
        stub: adapter_pb2_grpc.AdapterServiceStub,
        model: str = "",
        bench: Bench | None = None,
        emulated: Emulated | None = None,
    ) -> Self:
        """Describes the adapter; without a `model` the first one that draws from words is asked."""
        described = await call(stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=10)
        draws = capability_pb2.OPERATION_TEXT_TO_IMAGE
        names = (one.provider_model for one in described.models if draws in one.operations)
        return cls(stub, described, model or next(names, ""), bench, emulated)

    def emulator(self) -> tuple[Bench, Emulated]:
        """The emulated provider; skips the rule where there is none."""
        if self.bench is None or self.emulated is None:
            pytest.skip("no emulated provider")
        return self.bench, self.emulated

    async def ask(self, model: str = "", *, timeout_s: float = 60.0, resume: str = "", **fields: Any) -> Told:
        """One attempt; `fields` are those of an ImageRequest."""
        fields.setdefault("prompt", "a very private red boat")
        request = adapter_pb2.GenerateRequest(
            attempt_id=ATTEMPT,
            provider_model=model or self.model,
            image=requests.ImageRequest(model="m", **fields),
            resume_provider_job_id=resume,
        )
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
        image = requests.ImageRequest(model="m", prompt="a red boat", **fields)
        request = adapter_pb2.EstimateRequest(provider_model=model, image=image)
        response: adapter_pb2.EstimateResponse = await call(self.stub.Estimate, request, timeout_s=10)
        return response

    def secrets(self) -> list[str]:
        """What no error may tell."""
        return ["private", *([self.emulated.key] if self.emulated else [])]
