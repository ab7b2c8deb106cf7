"""/events: what changes on an open page, as server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from heliostat.console.live import Live
from heliostat.console.standing import TOPIC as STANDING

_MOST_TOPICS = 8


class EventPages:
    """Streams Live to pages."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [Route("/events", self.events)]

    async def events(self, request: Request) -> Response:
        """What changes of `topics` (names with commas between them), and who is away."""
        topics = {STANDING, *request.query_params.get("topics", "").split(",")[:_MOST_TOPICS]}
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")

        async def frames() -> AsyncGenerator[bytes, None]:
            async with aclosing(self._live.frames(topics, since)) as told:
                async for frame in told:
                    yield frame

        return StreamingResponse(frames(), media_type="text/event-stream")
