"""Answers that are written while they are made, and closed when their reader leaves."""

from collections.abc import AsyncGenerator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Send


class Stream(StreamingResponse):
    """A streamed answer. Its generator is closed at the end, however that comes, and with it what it holds open."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], **values: Any) -> None:
        super().__init__(pieces, **values)
        self._pieces = pieces

    async def stream_response(self, send: Send) -> None:
        """Sends the pieces."""
        try:
            await super().stream_response(send)
        finally:
            await self._pieces.aclose()
