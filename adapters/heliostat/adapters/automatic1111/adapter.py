"""Adapter for AUTOMATIC1111's stable-diffusion-webui and Forge: one call that is answered by the pictures.

Source: modules/api of stable-diffusion-webui-forge (2025-06), read 2026-11-22. The server does one request at a time
and has no jobs; progress and interrupt are of whatever runs, so they are used only where just one request is under way.
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress

from heliostat.adapters.automatic1111.answers import is_other_checkpoint, read_percent, read_pictures, refusal
from heliostat.adapters.automatic1111.body import MANAGED, Prepared, gather, prepare
from heliostat.adapters.automatic1111.catalog import MODELS, Engine, models_of
from heliostat.adapters.automatic1111.options import Automatic1111Options, names_for
from heliostat.adapters.automatic1111.outcomes import OTHER_CHECKPOINT, OUTCOMES
from heliostat.adapters.automatic1111.settings import Automatic1111Settings
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    MeshError,
    Model,
    Step,
    adapter_module,
    completed,
    image,
    progress,
)
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.modules import Surroundings

_INTERRUPT_S = 5.0
# After these the server may still be at work.
_GOES_ON = frozenset({reasons.ERROR_REASON_PROVIDER_TIMEOUT, reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID})


class Automatic1111Adapter(Adapter[Automatic1111Settings, Automatic1111Options]):
    """AUTOMATIC1111's web UI, and Forge."""

    provider = "automatic1111"
    display_name = "AUTOMATIC1111 / Forge"
    models = MODELS
    options = Automatic1111Options
    outcomes = OUTCOMES
    managed = MANAGED

    def __init__(self, settings: Automatic1111Settings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self.models = models_of(settings)
        self._under_way = 0
        self._interrupting = asyncio.Lock()

    def headers(self, account: str) -> Mapping[str, str]:
        """The password of --api-auth, or the token of a proxy; nothing where nothing is set."""
        key = self.settings.api_key
        if key is None or not key.present():
            return {}
        text = key.reveal()
        basic = "Basic " + b64encode(text.encode()).decode()
        return {"authorization": basic if ":" in text else f"Bearer {text}"}

    def accounts(self) -> Sequence[tuple[str, float, bool]]:
        """One, which needs no key."""
        return [("", 1.0, True)]

    def refusal(self, answer: Answer) -> MeshError | None:
        """The web UI's error bodies, with and without its middleware."""
        return refusal(answer, self.key_name(""))

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        return names_for(model.facts)

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: Automatic1111Options, call: Call
    ) -> AsyncIterator[Step]:
        """One call. Its progress is looked for while it is under way, if it is the only one from here."""
        engine: Engine = model.facts
        prepared = prepare(call, options, await gather(call))
        asked = asyncio.create_task(self._ask(prepared, call))
        self._under_way += 1
        goes_on = True
        try:
            while not await _ended(asked, self.settings.progress_s):
                yield progress(percent=await self._percent(call))
            goes_on = _goes_on(asked)
            drawn = read_pictures(asked.result())
        finally:
            self._under_way -= 1
            await self._leave(asked, goes_on=goes_on)
        if is_other_checkpoint(engine.file, drawn):
            row = OUTCOMES.row("submit", OTHER_CHECKPOINT)
            message = (
                f"The web UI drew with {drawn.checkpoint[:100]!r}, for it does not have {engine.file[:100]!r}; put the "
                "file there, or mend adapters.automatic1111.checkpoints."
            )
            gone = reasons.ERROR_REASON_PROVIDER_MODEL_GONE
            raise call.error(gone, message, outcome=row.outcome, billed=row.billed, phase=row.phase)
        for index, data in enumerate(drawn.pictures[: call.image_count]):
            yield image(data, index, seed=drawn.seed(index))
        yield completed()

    async def _ask(self, prepared: Prepared, call: Call) -> Answer:
        """The call itself; not while an interrupt is on its way, which would hit it."""
        async with self._interrupting:
            pass
        return await self.http.post_json(prepared.path, prepared.body, call)

    async def _percent(self, call: Call) -> float | None:
        """How far the server is; None where it may be at somebody else's work, or does not say."""
        if self._under_way > 1:
            return None
        with suppress(MeshError):
            return read_percent(await self.http.get("/sdapi/v1/progress?skip_current_image=true", call))
        return None

    async def _leave(self, asked: "asyncio.Task[Answer]", *, goes_on: bool) -> None:
        """Lets go of a call; one that nobody waits for any more is interrupted where that is wanted and safe."""
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        if not goes_on or not self.settings.interrupts or self._under_way:
            return
        async with self._interrupting:
            with suppress(MeshError, TimeoutError):
                async with asyncio.timeout(_INTERRUPT_S):
                    await self.http.post_json("/sdapi/v1/interrupt", {}, phase="cancel")


async def _ended(asked: "asyncio.Task[Answer]", wait_s: float) -> bool:
    await asyncio.wait({asked}, timeout=wait_s or None)
    return asked.done()


def _goes_on(asked: "asyncio.Task[Answer]") -> bool:
    """Whether the server may still be at work on a call that has ended here."""
    error = asked.exception()
    return isinstance(error, MeshError) and error.reason in _GOES_ON


MODULE = adapter_module(Automatic1111Adapter, Automatic1111Settings)
