"""An adapter that speaks OpenAI's Images API: what every provider of that dialect has in common.

One synchronous call per attempt, streamed where previews are wished; no job ids, nothing to cancel.
Source: OpenAI's API reference, image guide and error guide, read 2026-11-22.
"""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar, TypeVar
from urllib.parse import urljoin

from heliostat.adapters.sdk.asked import QUALITY_NAMES
from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.contract import Adapter, Options
from heliostat.adapters.sdk.drawn import Drawn, deliver
from heliostat.adapters.sdk.images_api.answers import (
    Images,
    add_usage,
    read_images,
    read_streamed,
    refusal,
    stream_error,
    variant_of,
)
from heliostat.adapters.sdk.images_api.fields import MANAGED, Fields, drop_for_forms
from heliostat.adapters.sdk.images_api.forms import make_parts
from heliostat.adapters.sdk.images_api.options import ImagesOptions
from heliostat.adapters.sdk.images_api.outcomes import OUTCOMES
from heliostat.adapters.sdk.masks import MaskForm
from heliostat.adapters.sdk.models import Model, operation_of
from heliostat.adapters.sdk.multipart import Part
from heliostat.adapters.sdk.outcomes import OutcomeTable
from heliostat.adapters.sdk.pictures import read_row
from heliostat.adapters.sdk.pricing import Order
from heliostat.adapters.sdk.refusals import Answer
from heliostat.adapters.sdk.result import Completed, Picture, Step, completed, image, preview
from heliostat.adapters.sdk.settings import ProviderSettings
from heliostat.adapters.sdk.sizing import Choice
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

GENERATIONS, EDITS, VARIATIONS = "/images/generations", "/images/edits", "/images/variations"


SpokenSettings = TypeVar("SpokenSettings", bound=ProviderSettings)


class ImagesApiAdapter(Adapter[SpokenSettings, Options]):
    """A provider of the Images API. A subclass gives models, headers and `fields`, and `path` where it has its own."""

    options: type[Options] = ImagesOptions
    outcomes: ClassVar[OutcomeTable] = OUTCOMES
    managed = MANAGED

    @property
    def mask_form(self) -> MaskForm:
        """The provider's convention of masks."""
        return MaskForm.ALPHA_REPAINTS

    @abstractmethod
    def fields(self, call: Call, options: Options) -> Fields:
        """All fields but pictures. Reports what is adjusted; raises UNSUPPORTED where the request is strict."""

    def path(self, what: str, call: Call) -> str:
        """Where an endpoint (`GENERATIONS`, `EDITS`, `VARIATIONS`) is, below base_url."""
        return what

    def refusal(self, answer: Answer) -> MeshError | None:
        """The dialect's own error codes."""
        return refusal(answer, self.key_name(""), self.outcomes)

    def order(self, model: Model, request: request_pb2.ImageRequest, size: Choice) -> Order:
        """The order with the quality that its price depends on."""
        quality = QUALITY_NAMES.get(request.output.quality, "")
        order = super().order(model, request, size)
        return replace(order, variant={"quality": quality}) if quality else order

    async def generate_one(
        self, model: Model, request: request_pb2.ImageRequest, options: Options, call: Call
    ) -> AsyncGenerator[Step]:
        """One call of the API. Raises what the API refuses."""
        fields = self.fields(call, options)
        parts = await self._form(fields, call)
        if "stream" in fields:
            async with aclosing(self._streamed(fields, parts, call)) as steps:
                async for step in steps:
                    yield step
            return
        images = self._read((await self._ask(fields, parts, call)).body, call)
        for index, drawn in enumerate(images.drawn[: call.image_count]):
            yield await self._picture(drawn, index, call)
        yield _end(images)

    async def _form(self, fields: Fields, call: Call) -> Sequence[Part]:
        """The request as a form where pictures go with it; empty where it travels as JSON."""
        inputs = await read_row(call)
        if not inputs:
            return ()
        mask = await call.mask(self.mask_form, inputs[0])
        return make_parts(drop_for_forms(call, fields), inputs, mask)

    async def _ask(self, fields: Fields, parts: Sequence[Part], call: Call) -> Answer:
        """The answer at once."""
        if not parts:
            return await self.http.post_json(self.path(GENERATIONS, call), fields, call)
        what = VARIATIONS if operation_of(call.request) == "variation" else EDITS
        return await self.http.post_multipart(self.path(what, call), parts, call)

    def _read(self, body: bytes, call: Call) -> Images:
        """A whole answer. From here on the call is known to be charged."""
        try:
            images = read_images(body)
        except ValueError as error:
            message = f"The provider's answer cannot be read: {error}."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message) from None
        self._charge(call, images.usage, images.variant, len(images.drawn))
        return images

    async def _picture(self, drawn: Drawn, index: int, call: Call) -> Picture:
        """A picture of a whole answer, fetched where it came as an address and bytes are wanted."""
        return await deliver(replace(drawn, url=self._whole_url(drawn.url)) if drawn.url else drawn, index, call)

    async def _streamed(self, fields: Fields, parts: Sequence[Part], call: Call) -> AsyncGenerator[Step]:
        """Previews as they come, then the pictures. A server that does not stream answers at once."""
        events = self.http.post_events(self.path(EDITS if parts else GENERATIONS, call), parts or fields, call)
        usage, echo, done, doubt = event_pb2.Usage(), dict[str, str](), 0, ""
        async with aclosing(events):
            async for name, data in events:
                if not name:
                    images = self._read(data, call)
                    for index, drawn in enumerate(images.drawn[: call.image_count]):
                        yield await self._picture(drawn, index, call)
                    yield _end(images)
                    return
                if name == "error":
                    raise stream_error(data, self.key_name(""), call)
                try:
                    drawn = read_streamed(data)
                except ValueError as error:
                    message = f"The provider's answer cannot be read: {error}."
                    raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message) from None
                if name.endswith("partial_image"):
                    yield preview(_decoded(drawn, call), drawn.partial_index, done)
                elif name.endswith("completed") and done < call.image_count:
                    add_usage(usage, drawn.usage)
                    echo.update(drawn.echo)
                    doubt = doubt or drawn.doubt
                    self._charge(call, usage, variant_of(echo), done + 1)
                    yield image(_decoded(drawn, call), done)
                    done += 1
        yield completed(usage=_whole(usage, doubt), metadata=echo, variant=variant_of(echo), doubt=doubt)

    def _whole_url(self, url: str) -> str:
        """A picture's address; some servers write it without their own name before it."""
        return url if url.startswith(("https://", "http://")) else urljoin(urljoin(self.settings.base_url, "/"), url)

    def _charge(self, call: Call, usage: event_pb2.Usage, variant: Mapping[str, str], count: int) -> None:
        """Notes what the answer costs, whatever may still go wrong with it."""
        if not count:
            return
        order = self.order(call.model, call.request, call.size())
        # More pictures than were asked for are not believed to be charged.
        order = replace(order, image_count=min(count, call.image_count), variant={**order.variant, **variant})
        micros = call.model.price.cost(order, usage)
        call.charged_micros = call.model.price.estimate(order) if micros is None else micros


def _end(images: Images) -> Completed:
    return completed(usage=images.usage, metadata=images.echo, variant=images.variant, doubt=images.doubt)


def _whole(usage: event_pb2.Usage, doubt: str) -> event_pb2.Usage:
    """The tokens of all pictures; none where those of one are not believed, for their sum would be too small."""
    return event_pb2.Usage() if doubt else usage


def _decoded(drawn: Drawn, call: Call) -> bytes:
    try:
        return drawn.picture()
    except ValueError as error:
        message = f"The provider delivered a picture that cannot be read: {error}."
        raise call.error(reasons.ERROR_REASON_MEDIA_INVALID, message, phase="download") from None
