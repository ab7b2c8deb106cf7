"""What calls of one adapter share: downloads, the media store, picture work."""

import random
from urllib.parse import urlsplit

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.convert import Darkroom
from heliostat.adapters.sdk.download import Downloader, DownloadFailed
from heliostat.adapters.sdk.inputs import Changes, Input, changed, is_recoded
from heliostat.adapters.sdk.masks import MaskMisfit, MaskOrder, ShapedMask, shape_mask
from heliostat.adapters.sdk.pace import Durations
from heliostat.adapters.sdk.picture_metadata import without_metadata
from heliostat.adapters.sdk.settings import AdapterSettings, ProviderSettings
from heliostat.adapters.sdk.structure import read_shape
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.modules import Surroundings

INPUTS = "inputs/"
_ON_THE_SPOT_BYTES = 1024 * 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class SharedBench:
    """The bench of one adapter's service. `close` ends connections and workers."""

    def __init__(self, settings: AdapterSettings, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._darkroom = Darkroom()
        self.durations = Durations()
        """How long jobs took, over all accounts."""
        hosts: tuple[str, ...] = ()
        loopback = False
        if isinstance(settings, ProviderSettings):
            own = urlsplit(settings.base_url).hostname or ""
            hosts = (*settings.media_hosts, own)
            loopback = own in _LOOPBACK
        self._results = Downloader(self.clock, hosts, loopback=loopback)
        self._inputs = Downloader(self.clock, ("*",))

    @property
    def clock(self) -> Clock:
        """The process's clock."""
        return self._surroundings.clock

    @property
    def dice(self) -> random.Random:
        """The process's randomness."""
        return self._surroundings.dice

    async def fetch_result(self, url: str, call: Call) -> bytes:
        """A result of the provider. Raises as `Call.fetch` says."""
        try:
            return await self._results.fetch(url, call.time_remaining_s())
        except DownloadFailed as failed:
            raise _lost_result(call, failed) from None

    async def fetch_input(self, url: str, call: Call) -> bytes:
        """A caller's picture from a public host. Raises INPUT_UNREADABLE."""
        try:
            return await self._inputs.fetch(url, call.time_remaining_s())
        except DownloadFailed as failed:
            raise MeshError(
                reasons.ERROR_REASON_INPUT_UNREADABLE,
                f"The picture's address cannot be fetched: {failed}. Send the picture itself or a public address.",
                field="image",
            ) from None

    async def read_blob(self, blob_id: str) -> bytes:
        """An input that the edge or the ledger put into the media store. Raises RESOURCE_NOT_FOUND."""
        if not blob_id.startswith(INPUTS):
            # Pictures of other callers are in the same store.
            raise MeshError(
                reasons.ERROR_REASON_RESOURCE_NOT_FOUND,
                "There is no such input; send the picture itself.",
                field="image",
            )
        return await self._surroundings.blobs.get(blob_id)

    async def change_input(self, data: bytes, changes: Changes) -> bytes:
        """A caller's picture with `changes` made; only taking little metadata out is done on the spot. Raises
        ValueError."""
        if len(data) <= _ON_THE_SPOT_BYTES and not is_recoded(Input(data, read_shape(data)), changes):
            return without_metadata(data)
        return await self._darkroom.run(changed, data, changes)

    async def shape_mask(self, mask: bytes, order: MaskOrder) -> ShapedMask:
        """A caller's mask in a provider's convention. Raises INPUT_UNREADABLE, INVALID_FIELD for another shape."""
        try:
            return await self._darkroom.run(shape_mask, mask, order)
        except MaskMisfit as misfit:
            message = f"The mask has another shape than the image: the mask has {misfit}; make them the same size."
            raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="mask") from None
        except ValueError as error:
            message = f"The mask cannot be read ({error}); send a PNG."
            raise MeshError(reasons.ERROR_REASON_INPUT_UNREADABLE, message, field="mask") from None

    @property
    def darkroom(self) -> Darkroom:
        """Where pictures are worked on."""
        return self._darkroom

    async def close(self) -> None:
        """Ends connections and workers."""
        await self._results.close()
        await self._inputs.close()
        await self._darkroom.close()


def _lost_result(call: Call, failed: DownloadFailed) -> MeshError:
    if failed.forbidden:
        reason, advice = (
            reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID,
            "Add the host to media_hosts if it is to be trusted.",
        )
    elif failed.timed_out:
        reason, advice = reasons.ERROR_REASON_PROVIDER_TIMEOUT, "Try again."
    else:
        reason, advice = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "Try again."
    return call.error(reason, f"The provider's picture cannot be fetched: {failed}. {advice}", phase="download")
