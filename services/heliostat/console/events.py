"""/events: what changes on an open page, as server-sent events."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from heliostat.console.live import Live
from heliostat.console.sandbox_feed import TOPIC as SANDBOX
from heliostat.console.standing import TOPIC as STANDING
from heliostat.console.streams import Stream

_MOST_TOPICS = 8


class EventPages:
    """Streams Live to pages."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [Route("/events", self.events)]

    async def events(self, request: Request) -> Response:
        """What changes of `topics` (names with commas between them), who is away, and what goes on in the sandbox."""
        topics = {STANDING, SANDBOX, *request.query_params.get("topics", "").split(",")[:_MOST_TOPICS]}
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        # Proxies that gather answers would hold the events back.
        headers = {"x-accel-buffering": "no"}
        return Stream(self._live.frames(topics, since), media_type="text/event-stream", headers=headers)
