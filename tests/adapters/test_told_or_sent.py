"""Of what a caller says nothing is lost in silence, whatever the provider, the model and the operation.

Each word stands in what the provider was sent, or the answer tells that it was left out or changed, or the request is
refused before anything is sent.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call
from heliostat.chassis.modules import Exchange
from heliostat.emulators.app import samples
from heliostat.launch.targets import ADAPTER, load
from tests.adapters.emulated import EmulatedProvider, running
from tests.adapters.served import Answer, media, plain

# What is not offered by default.
SETTINGS: Mapping[str, Mapping[str, Any]] = {"bedrock": {"legacy": True}, "automatic1111": {"rembg": True}}
# Options without which a model does nothing.
NEEDED_OPTIONS = ("search_prompt", "select_prompt")
TOLD_AS = {"end_user_id": "user"}
# What some models refuse the pictures of this test for: they want a mask, or a public address instead of a file.
WANTED = {"mask", "image"}
AT_ONCE = 12

PICTURE = media(plain(256, 256))
STRIPE = media(plain(256, 256, "white", "L"))
POINT = requests.Point(x_px=128, y_px=128)


@dataclass(frozen=True)
class Work:
    """One operation of one model; `number` makes its words differ from all others'."""

    number: int
    model: capability_pb2.Capability
    operation: str
    masked: bool = False

    @property
    def title(self) -> str:
        """What a failure calls it."""
        return f"{self.model.provider_model} {self.operation}{' masked' * self.masked}"

    @property
    def words(self) -> dict[str, Any]:
        """What is said, by the fields of a request."""
        return {
            "prompt": f"an otter of zinc {self.number:04d}",
            "negative_prompt": f"a badger of brass {self.number:04d}",
            "seed": 812_345_000 + self.number,
            "style": f"marten-of-tin-{self.number:04d}",
            "end_user_id": f"ferret-of-lead-{self.number:04d}",
        }

    def requests(self, provider: str, words: Mapping[str, Any]) -> Iterator[requests.ImageRequest]:
        """The words with all that the operation needs. Some models segment everything, some want to be told what."""
        made = requests.ImageRequest(model="m", **words)
        for parameter in self.model.parameters:
            if parameter.provider_option and parameter.name in NEEDED_OPTIONS:
                made.provider_options[provider].update({parameter.name: "boat"})
        if "reference_required" in self.model.metadata:
            made.references.add(image=PICTURE)
        if self.operation == "text_to_image":
            yield made
            return
        for part in self._parts():
            part.image.CopyFrom(PICTURE)
            getattr(made, self.operation).CopyFrom(part)
            yield made

    def _parts(self) -> Iterator[Any]:
        match self.operation:
            case "edit":
                yield requests.Edit(mask=STRIPE if self.masked else None)
            case "upscale":
                yield requests.Upscale(factor=2)
            case "outpaint":
                yield requests.Outpaint(left_px=64, right_px=64)
            case "segment":
                yield from (requests.Segment(), requests.Segment(labels=["boat"]), requests.Segment(points=[POINT]))
            case "style_transfer":
                yield from (requests.StyleTransfer(), requests.StyleTransfer(style=PICTURE))
            case "variation":
                yield requests.Variation()
            case "remove_background":
                yield requests.RemoveBackground()


def works(models: Iterable[capability_pb2.Capability]) -> Iterator[Work]:
    """Everything that a provider's models do; an edit with a mask is another work than one without."""
    number = 0
    for model in models:
        for operation in model.operations:
            name = capability_pb2.Operation.Name(operation).removeprefix("OPERATION_").lower()
            for masked in (False, True) if name == "edit" and model.mask else (False,):
                number += 1
                yield Work(number, model, name, masked)


def stands(word: Any, bodies: bytes) -> bool:
    """Whether it was sent; the digits of a seed may stand in a longer number by chance."""
    return re.search(rb"\b%s\b" % re.escape(str(word).encode()), bodies) is not None


@dataclass
class Bench:
    """One provider, and all that was sent to it."""

    provider: EmulatedProvider
    sent: list[bytes]

    async def wronged(self, work: Work) -> set[str]:
        """Words that are lost without being told of, or told as lost and sent. What a refusal names is left out of the
        next try."""
        words = work.words
        while True:
            ended = await self._try(work, words)
            if ended is None:
                return set()
            if isinstance(ended, Answer):
                return self._wronged(words, ended)
            left = {name: value for name, value in words.items() if TOLD_AS.get(name, name) != ended}
            assert left != words, f"{work.title} refuses this test for its {ended}"
            words = left

    def _wronged(self, words: Mapping[str, Any], answer: Answer) -> set[str]:
        bodies = b"\n".join(self.sent)
        gone = {TOLD_AS.get(name, name) for name, value in words.items() if not stands(value, bodies)}
        told = {one.parameter for one in answer.result.adjustments}
        dropped = {one.parameter for one in answer.result.adjustments if one.mode == event_pb2.ADJUSTMENT_MODE_DROPPED}
        here = {TOLD_AS.get(name, name) for name in words} - gone
        return (gone - told) | (here & dropped)

    async def _try(self, work: Work, words: Mapping[str, Any]) -> Answer | str | None:
        """The answer, else the field that is refused; None where the model does not do it at all."""
        field = ""
        for request in work.requests(self.provider.name, words):
            answer = await self.provider.room.ask(
                work.model.provider_model, request, attempt_id=f"req_{work.number}/0/1", timeout_s=90
            )
            if answer.error is None:
                return answer
            if answer.error.reason == reasons.ERROR_REASON_PROVIDER_MODEL_GONE:
                return None
            failure = answer.error.failure
            assert failure is not None
            assert failure.outcome == event_pb2.OUTCOME_NOT_SENT, f"{work.title}: {answer.error.message}"
            field = answer.error.field or ""
        return None if field in WANTED else field


@pytest.mark.parametrize("name", sorted(samples()))
async def test_nothing_is_lost_in_silence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompt, negative prompt, seed, style and user, for every model and every operation."""
    key = load(ADAPTER + name).settings.model_fields["api_key"].default
    monkeypatch.setenv(key.reference.removeprefix("env:"), samples()[name].key)
    sent: list[bytes] = []

    def tap(exchange: Exchange) -> None:
        sent.extend([exchange.sent, *(value.encode() for value in exchange.sent_headers.values())])

    async with running(name, tmp_path, tap=tap, **SETTINGS.get(name, {})) as provider:
        described = await call(provider.room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
        bench, gate = Bench(provider, sent), asyncio.Semaphore(AT_ONCE)

        async def wronged(work: Work) -> set[str]:
            async with gate:
                return await bench.wronged(work)

        todo = list(works(described.models))
        found = await asyncio.gather(*map(wronged, todo))
    assert {work.title: names for work, names in zip(todo, found, strict=True) if names} == {}
    assert any(b"an otter of zinc" in body for body in sent)
