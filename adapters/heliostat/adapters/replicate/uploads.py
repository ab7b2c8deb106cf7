"""The caller's pictures on their way to Replicate: small ones inside of the request, larger ones uploaded first.

Source: Replicate's HTTP API (files, 2026) and input file pages, read 2026-11-22: data URIs are advised up to 256 KB; an
uploaded file is read under the token that sent it, and expires within a day.
"""

from heliostat.adapters.replicate.body import Sent
from heliostat.adapters.sdk import Call, Part, ProviderClient
from heliostat.adapters.sdk.inputs import data_uri
from heliostat.adapters.sdk.pictures import Pictures
from heliostat.api.image.v1 import reason_pb2 as reasons

_SUFFIX = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif", "image/avif": "avif"}


class Uploads:
    """Gives Replicate the pictures of one attempt."""

    def __init__(self, http: ProviderClient, call: Call, inline_limit_bytes: int) -> None:
        self._http = http
        self._call = call
        self._limit = inline_limit_bytes

    async def give(self, pictures: Pictures) -> Sent:
        """The pictures as values of input fields. Raises what an upload raises; nothing is bought by one."""
        image = pictures.image
        return Sent(
            image=await self._give(image.data, image.media_type) if image else "",
            references=tuple([await self._give(one.data, one.media_type) for one in pictures.references]),
            mask=await self._give(pictures.mask, "image/png") if pictures.mask is not None else "",
        )

    async def _give(self, data: bytes, media_type: str) -> str:
        if len(data) <= self._limit:
            return data_uri(media_type, data)
        part = Part("content", data, filename=f"input.{_SUFFIX[media_type]}", media_type=media_type)
        answer = await self._http.post_multipart("/files", [part], self._call, phase="prepare")
        addresses = answer.json().get("urls")
        address = addresses.get("get") if isinstance(addresses, dict) else None
        if not isinstance(address, str):
            message = "Replicate took a picture without saying where it is; try again, or ask another provider."
            raise self._call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="prepare")
        # The job will be told this address: one outside of Replicate would be somebody else's picture.
        return self._http.resolve(address)
