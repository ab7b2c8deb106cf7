"""A generation as server-sent events for the one page that asked for it.

Its events: `admitted` (the request's id), `note` (a sentence), `progress` (0 to 100), `preview` (a partial picture as a
data address), and one of `done` (markup of the result and of the chain), `failed` (markup) and `away` (nobody could be
asked, or the connection was lost: the same request may be sent again, its idempotency key sees to it that nothing is
bought twice).
"""

import base64
import json
from collections.abc import AsyncGenerator
from typing import Any

from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import Metadata, stream
from heliostat.chassis.errors import MeshError
from heliostat.console.desk import Desk
from heliostat.console.pictures import MEDIA_TYPES
from heliostat.console.playground_chain import Chains
from heliostat.console.views import Views
from heliostat.console.wording import billed, clip

# A preview larger than this is not shown: the picture itself follows.
_MOST_PREVIEW_BYTES = 8 * 1024 * 1024
_KNOWN_TYPES = frozenset(MEDIA_TYPES.values())


class Run:
    """One generation, followed from its first event to its last."""

    def __init__(self, desk: Desk, views: Views, chains: Chains, metadata: Metadata) -> None:
        self._desk = desk
        self._views = views
        self._chains = chains
        self._metadata = metadata
        self._request_id = ""
        self._labels: dict[int, str] = {}
        self._seeds: dict[int, int] = {}
        self._previews: dict[int, bytearray] = {}
        self._begun: dict[int, media_pb2.MediaInfo] = {}

    async def frames(self, asked: router_pb2.GenerateRequest) -> AsyncGenerator[bytes, None]:
        """The events. Ends after the last one; closing it means that the caller has left."""
        try:
            async with stream(self._desk.router.Generate, asked, metadata=self._metadata) as messages:
                async for message in messages:
                    for event in message.events:
                        for frame in self._told(event):
                            yield frame
            yield await self._over("done", asked.image.session_id)
        except MeshError as error:
            if error.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE:
                yield _frame("away", text=clip(error.message, 300))
            else:
                yield await self._failed(error, asked.image.session_id)

    def _told(self, event: event_pb2.ImageEvent) -> list[bytes]:
        kind = event.WhichOneof("event")
        told = getattr(self, f"_on_{kind}", None)
        return told(getattr(event, kind)) if kind and told else []

    def _on_admitted(self, admitted: event_pb2.Admitted) -> list[bytes]:
        self._request_id = admitted.request_id
        frames = [_frame("admitted", request=admitted.request_id)]
        if admitted.replayed:
            frames.append(_frame("note", text="This was asked before: here is the same answer, bought once."))
        return frames

    def _on_attempt_started(self, begun: event_pb2.AttemptStarted) -> list[bytes]:
        return [_frame("note", text=f"Asking {clip(begun.provider, 60)} for {clip(begun.provider_model, 80)}.")]

    def _on_provider_accepted(self, accepted: event_pb2.ProviderAccepted) -> list[bytes]:
        return [_frame("note", text="It has taken the work.")]

    def _on_waiting(self, waiting: event_pb2.Waiting) -> list[bytes]:
        place = f", place {waiting.queue_position}" if waiting.queue_position else ""
        return [_frame("note", text=f"Waiting for a provider that has asked to slow down{place}.")]

    def _on_progress(self, progress: event_pb2.Progress) -> list[bytes]:
        if progress.HasField("percent"):
            return [_frame("progress", percent=max(0.0, min(100.0, progress.percent)))]
        return [_frame("note", text=f"In the provider's queue, place {progress.queue_position}.")]

    def _on_attempt_failed(self, failed: event_pb2.AttemptFailed) -> list[bytes]:
        attempt = failed.attempt
        follows = " The next one is asked." if failed.failing_over else ""
        said = f"{clip(attempt.provider, 60)} failed: {clip(attempt.status.message, 300)}"
        return [_frame("note", text=f"{said} Billed: {billed(attempt)}.{follows}", bad=True)]

    def _on_media_started(self, info: media_pb2.MediaInfo) -> list[bytes]:
        self._begun[info.image_index] = info
        self._previews.pop(info.image_index, None)
        if info.partial:
            self._previews[info.image_index] = bytearray()
        if info.label:
            self._labels[info.image_index] = info.label
        return []

    def _on_media_chunk(self, chunk: media_pb2.MediaChunk) -> list[bytes]:
        preview = self._previews.get(chunk.image_index)
        if preview is not None and len(preview) + len(chunk.data) <= _MOST_PREVIEW_BYTES:
            preview += chunk.data
        return []

    def _on_media_ended(self, ended: media_pb2.MediaEnded) -> list[bytes]:
        if ended.HasField("seed"):
            self._seeds[ended.image_index] = ended.seed
        info, data = self._begun.get(ended.image_index), self._previews.pop(ended.image_index, None)
        if info is None or not data or info.media_type not in _KNOWN_TYPES:
            return []
        address = f"data:{info.media_type};base64,{base64.b64encode(data).decode()}"
        return [_frame("preview", index=ended.image_index, src=address)]

    async def _over(self, name: str, chain_id: str, error: MeshError | None = None) -> bytes:
        """The last event, with markup of the result and of the chain."""
        values: dict[str, Any] = await self._chains.shown(self._request_id, self._metadata, self._labels, self._seeds)
        chain = await self._chains.told(chain_id, self._request_id, self._metadata)
        result = self._views.text("playground/result.html", **values, error=error)
        strip = self._views.text("playground/chain.html", chain=chain)
        return _frame(name, html=result, chain=strip, request=self._request_id)

    async def _failed(self, error: MeshError, chain_id: str) -> bytes:
        if self._request_id:
            try:
                return await self._over("failed", chain_id, error)
            except MeshError:
                # Who cannot tell about the request any more has told why it failed.
                pass
        return _frame("failed", html=self._views.text("playground/refused.html", error=error))


def _frame(name: str, **told: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(told)}\n\n".encode()
