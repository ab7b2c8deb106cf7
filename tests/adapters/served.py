"""An adapter alone, served in process, and pictures for it to work on."""

import io
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from PIL import Image, ImageDraw

from heliostat.api.adapter.v1 import adapter_pb2, adapter_pb2_grpc
from heliostat.api.image.v1 import event_pb2, media_pb2, request_pb2
from heliostat.chassis.calls import call, stream
from heliostat.chassis.channels import Channels
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.local import LocalServer
from heliostat.chassis.modules import Exchange, Module, Surroundings
from heliostat.chassis.settings import MeshSettings

ATTEMPT = "req_test/0/1"


@dataclass
class Answer:
    """What came back for one attempt."""

    events: list[event_pb2.ImageEvent] = field(default_factory=list)
    error: MeshError | None = None

    @property
    def kinds(self) -> list[str]:
        """The kinds of the events, in order; progress is left out, for it comes as often as it likes."""
        kinds = [event.WhichOneof("event") or "" for event in self.events]
        return [kind for kind in kinds if kind != "progress"]

    def of(self, kind: str) -> list[Any]:
        """All events of one kind, in order."""
        return [getattr(event, kind) for event in self.events if event.WhichOneof("event") == kind]

    @property
    def result(self) -> event_pb2.ImageResult:
        """What `completed` says; fails with the error where there is none."""
        if self.error is not None:
            raise self.error
        (result,) = self.of("completed")
        return cast(event_pb2.ImageResult, result)

    @property
    def failure(self) -> MeshError:
        """The error; there must be one."""
        assert self.error is not None
        return self.error

    @property
    def pictures(self) -> list[bytes]:
        """The delivered files, put together from their chunks."""
        files: dict[int, bytes] = {started.image_index: b"" for started in self.of("media_started")}
        for chunk in self.of("media_chunk"):
            assert chunk.offset_bytes == len(files[chunk.image_index])
            files[chunk.image_index] += chunk.data
        return [files[index] for index in sorted(files)]

    def adjusted(self, parameter: str) -> event_pb2.Adjustment:
        """The one adjustment of a parameter."""
        (adjustment,) = [one for one in self.result.adjustments if one.parameter == parameter]
        return adjustment


class Room:
    """A running adapter."""

    def __init__(self, channels: Channels) -> None:
        channel = channels.channel("local:adapter")
        self.stub = adapter_pb2_grpc.AdapterServiceStub(channel)

    async def ask(
        self,
        provider_model: str,
        image: request_pb2.ImageRequest | None = None,
        *,
        timeout_s: float = 20.0,
        resume: str = "",
        attempt_id: str = ATTEMPT,
        **fields: Any,
    ) -> Answer:
        """One attempt, read to its end; `fields` are those of an ImageRequest."""
        answer = Answer()
        request = adapter_pb2.GenerateRequest(
            attempt_id=attempt_id,
            provider_model=provider_model,
            image=image or wish(**fields),
            resume_provider_job_id=resume,
        )
        try:
            async with stream(self.stub.Generate, request, timeout_s=timeout_s) as messages:
                async for message in messages:
                    answer.events.extend(message.events)
        except MeshError as error:
            answer.error = error
        return answer

    async def estimate(self, provider_model: str, **fields: Any) -> adapter_pb2.EstimateResponse:
        """What a request would cost."""
        request = adapter_pb2.EstimateRequest(provider_model=provider_model, image=wish(**fields))
        return cast(adapter_pb2.EstimateResponse, await call(self.stub.Estimate, request, timeout_s=30))

    async def cancel(self, provider_model: str, provider_job_id: str) -> adapter_pb2.CancelResponse:
        """Cancels a job that no stream holds."""
        request = adapter_pb2.CancelRequest(provider_model=provider_model, provider_job_id=provider_job_id)
        return cast(adapter_pb2.CancelResponse, await call(self.stub.Cancel, request, timeout_s=30))


def wish(prompt: str = "a red boat", **fields: Any) -> request_pb2.ImageRequest:
    """A request for a picture."""
    return request_pb2.ImageRequest(model="m", prompt=prompt, **fields)


def pixels(width: int, height: int) -> request_pb2.Size:
    """A wished size in pixels."""
    return request_pb2.Size(pixels=request_pb2.PixelSize(width_px=width, height_px=height))


def media(picture: Image.Image) -> media_pb2.Media:
    """A picture as a PNG that travels in the request."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return media_pb2.Media(data=out.getvalue())


def opened(data: bytes) -> Image.Image:
    """The decoded picture."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def plain(width: int = 64, height: int = 64, colour: str = "steelblue", mode: str = "RGB") -> Image.Image:
    """A picture of one colour."""
    return Image.new(mode, (width, height), colour)


def ball(width: int = 128, height: int = 128) -> Image.Image:
    """A red ball on white."""
    picture = plain(width, height, "white")
    ImageDraw.Draw(picture).ellipse((width // 4, height // 4, width * 3 // 4, height * 3 // 4), fill="red")
    return picture


@asynccontextmanager
async def served(
    module: Module,
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    *,
    sandbox: bool = False,
    tap: Callable[[Exchange], None] | None = None,
) -> AsyncIterator[Room]:
    """The adapter of a module, started and stopped; `tap` is told what it sends and gets."""
    channels = Channels(MeshSettings())
    surroundings = Surroundings(
        name=module.name,
        channel=channels.channel,
        adapters={},
        blobs=cast(Any, None),
        database=cast(Any, None),
        clock=Clock(),
        dice=random.Random(7),
        state_dir=folder,
        sandbox=sandbox,
        secret=lambda _: bytes(32),
        draining=lambda: False,
        tap=tap,
    )
    # Emulated painters of tests paint in one colour: each picture would be decoded, by a process of its own.
    chosen = {"one_colour_warning": False, **(settings or {})}
    part = module.build(module.settings.model_validate(chosen), surroundings)
    server = LocalServer()
    for service in part.services:
        service.add(service.servicer, server)
    channels.offer("adapter", server)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(channels.close)
        stack.push_async_callback(server.stop, 1)
        stack.push_async_callback(part.stop)
        await part.start()
        yield Room(channels)
