"""Adapter for Ideogram: generations. Submits once (always as a job), polls, downloads, resumes by generation id.

Source: developer.ideogram.ai (to 2026-11-16) and the OpenAPI document (2026-10-07), read 2026-11-22. No job can be
cancelled.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace

from heliostat.adapters.ideogram.body import MANAGED, gather, make_fields, make_parts
from heliostat.adapters.ideogram.catalog import MODELS
from heliostat.adapters.ideogram.endpoints import Family
from heliostat.adapters.ideogram.failures import ended_badly, nothing_to_show, refusal
from heliostat.adapters.ideogram.generations import COMPLETED, ENDED, Generation, generation_id, read_generation
from heliostat.adapters.ideogram.options import IdeogramOptions
from heliostat.adapters.ideogram.orders import order_of
from heliostat.adapters.ideogram.outcomes import OUTCOMES
from heliostat.adapters.ideogram.settings import IdeogramSettings
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    Choice,
    Completed,
    MeshError,
    Model,
    Order,
    Step,
    accepted,
    adapter_module,
    completed,
    polling,
    progress,
)
from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.adapters.sdk.links import Links
from heliostat.adapters.sdk.pictures import Pictures
from heliostat.api.image.v1 import request_pb2 as requests

_UNSAFE = "unsafe_image_count"


class IdeogramAdapter(Adapter[IdeogramSettings, IdeogramOptions]):
    """Ideogram."""

    provider = "ideogram"
    display_name = "Ideogram"
    models = MODELS
    options = IdeogramOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def headers(self, account: str) -> Mapping[str, str]:
        """The key. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        return {"api-key": key.reveal()} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """The API's error bodies."""
        return refusal(answer)

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with the word that its price hangs on."""
        return order_of(model, request, size)

    def delivered_order(
        self,
        model: Model,
        request: requests.ImageRequest,
        size: Choice,
        end: Completed,
        delivered: Sequence[tuple[int, int]],
    ) -> Order:
        """The order as it came out: pictures that are held back as unsafe are charged as well."""
        order = super().delivered_order(model, request, size, end, delivered)
        return replace(order, image_count=order.image_count + int(end.metadata.get(_UNSAFE, 0)))

    def option_names(self, model: Model) -> Collection[str]:
        """The options that some operation of the model takes."""
        family: Family = model.facts
        return {name for endpoint in family.endpoints.values() for name in endpoint.options}

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: IdeogramOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One generation. One that fails is free; pictures that are held back are not."""
        generation, sizes = Generation(), input_sizes(request)
        if call.resume_provider_job_id:
            job = self._known(call)
        else:
            generation, pictures = await self._submit(model.facts, options, call)
            job, sizes = generation.id, pictures.sizes
        yield accepted(job)
        if generation.status not in ENDED:
            async for answer in polling.poll(call, lambda: self._look(job, call)):
                generation = read_generation(answer)
                if generation.status in ENDED:
                    break
                yield progress()
        if generation.status != COMPLETED:
            raise ended_badly(call, generation)
        order = replace(self.order(model, request, call.size()), image_count=max(1, len(generation.drawn)))
        reported = generation.reported
        call.charged_micros = reported.micros if reported.micros is not None else model.price.estimate(order)
        if not generation.pictures:
            raise nothing_to_show(call, generation)
        links = Links(call, lambda: self._look(job, call), _links_of)
        for index, drawn in enumerate(generation.pictures[: call.image_count]):
            revised = drawn.prompt if drawn.prompt != request.prompt else ""
            yield await links.fetch(drawn.url, index, seed=drawn.seed, revised_prompt=revised)
        unsafe = {_UNSAFE: generation.unsafe_count} if generation.unsafe_count else {}
        yield completed(reported_micros=reported.micros, doubt=reported.doubt, metadata=unsafe, input_sizes=sizes)

    async def _submit(self, family: Family, options: IdeogramOptions, call: Call) -> tuple[Generation, Pictures]:
        """The generation as the submit's answer tells it: under way, or done where the endpoint knows no jobs."""
        endpoint = family.choose(call.request)
        pictures = await gather(family, endpoint, call)
        fields = make_fields(family, endpoint, call, options, pictures)
        parts = make_parts(endpoint, fields, pictures)
        path = f"/v2/image/{endpoint.path}"
        if parts:
            answer = await self.http.post_multipart(path, parts, call)
        else:
            answer = await self.http.post_json(path, fields, call)
        generation = read_generation(answer)
        if not generation.id:
            raise self.nameless_job(call)
        return generation, pictures

    def _known(self, call: Call) -> str:
        job = generation_id(call.resume_provider_job_id)
        if not job:
            raise self.foreign_job(call)
        return job

    async def _look(self, job: str, call: Call) -> Answer:
        """One look at a generation."""
        return await self.http.look(f"/v2/generations/{job}", call)


def _links_of(answer: Answer) -> list[str]:
    return [drawn.url for drawn in read_generation(answer).pictures]


MODULE = adapter_module(IdeogramAdapter, IdeogramSettings)
