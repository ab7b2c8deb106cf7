"""The ASGI application: the routes, and what every request passes: limits, trace, errors, the access log."""

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.context import Incoming, serving
from heliostat.chassis.errors import MeshError, internal
from heliostat.chassis.logs import get_logger
from heliostat.edge.desk import Desk
from heliostat.edge.files import Files
from heliostat.edge.health import Health
from heliostat.edge.images import Images
from heliostat.edge.jobs import Jobs
from heliostat.edge.limits import check_head
from heliostat.edge.media_files import MediaFiles
from heliostat.edge.model_list import ModelList
from heliostat.edge.operations import Operations
from heliostat.edge.pages import Pages
from heliostat.edge.presence import CallerLeft, DrainOver, Interruption
from heliostat.edge.problems import Problem, Refusal, problem_of, problem_of_refusal
from heliostat.edge.reports import Reports
from heliostat.edge.request_log import RequestLog
from heliostat.edge.routes import RouteMap, under_bases
from heliostat.edge.visit import Answering, Reply, Visit, open_visit
from heliostat.edge.webhooks import Webhooks

log = get_logger("heliostat.edge")

# What a log shows for a caller who hung up before the answer.
_LEFT = 499


def all_routes(desk: Desk) -> list[Route]:
    """Every route of the edge, the busiest first."""
    images, models, jobs, health, pages = Images(desk), ModelList(desk), Jobs(desk), Health(desk), Pages(desk)
    reports, told = Reports(desk), RequestLog(desk)
    operations, files = Operations(desk, images).endpoints(), Files(desk)
    return [
        *under_bases("/images/generations", images.generations, "POST"),
        *under_bases("/media/{id}", MediaFiles(desk).media, "GET"),
        *(route for path, end in operations.items() for route in under_bases(path, end, "POST")),
        *under_bases("/jobs/{id}", jobs.job, "GET"),
        *under_bases("/jobs/{id}", jobs.cancel, "DELETE"),
        *under_bases("/models", models.models, "GET"),
        *under_bases("/models/{id:path}", models.model, "GET"),
        *under_bases("/requests", told.requests, "GET"),
        *under_bases("/requests/{id}", told.request, "GET"),
        *under_bases("/requests/{id}/payloads", told.purge, "DELETE"),
        *under_bases("/usage", told.usage, "GET"),
        *under_bases("/balance", told.balance, "GET"),
        *under_bases("/providers", reports.providers, "GET"),
        *under_bases("/routes/{model:path}/arms", reports.arms, "GET"),
        *under_bases("/providers/{provider}/webhook", Webhooks(desk).webhook, "POST"),
        *under_bases("/files", files.upload, "POST"),
        *under_bases("/files", files.files, "GET"),
        *under_bases("/files/{id}", files.file, "GET"),
        *under_bases("/files/{id}", files.delete, "DELETE"),
        *under_bases("/files/{id}/content", files.content, "GET"),
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        Route("/metrics", health.metrics),
        Route("/llms.txt", models.overview),
        Route("/openapi.json", pages.openapi),
        Route("/docs", pages.docs),
        Route("/", pages.root),
    ]


class App:
    """Answers every HTTP request, whatever happens inside."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.routes = RouteMap(all_routes(desk))
        self._in_flight = telemetry.IN_FLIGHT.labels("edge")
        self._under_way: set[Interruption] = set()
        self._over = False

    def end_all(self) -> None:
        """Ends requests under way, and those that still come: with an answer, where theirs has not begun."""
        self._over = True
        for interruption in tuple(self._under_way):
            interruption.interrupt(DrainOver)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        visit = open_visit(scope, self._desk.clock.monotonic())
        route = self.routes.find(scope)
        visit.route = route.path_format if route is not None else ""
        serving(Incoming(request_id=visit.request_id))
        telemetry.continue_trace(visit.header(b"traceparent"))
        self._in_flight.inc()
        self._under_way.add(visit.interruption)
        try:
            with telemetry.span(f"{scope['method']} {visit.route or 'unknown'}", "server") as span:
                visit.trace_id = span.trace_id
                try:
                    await self._serve(route, Request(scope, receive, send), visit, send)
                finally:
                    self._note(scope["method"], visit, span)
        finally:
            self._under_way.discard(visit.interruption)
            self._in_flight.dec()

    async def _serve(self, route: Route | None, request: Request, visit: Visit, send: Send) -> None:
        try:
            reply = await self._answer(route, request, visit)
        except CallerLeft:
            visit.status = _LEFT
            return
        visit.status = reply.status
        beside = {
            "x-request-id": visit.request_id,
            "openai-processing-ms": str(self._desk.elapsed_ms(visit)),
            "x-heliostat-trace-id": visit.trace_id,
            **visit.answer_headers,
        }
        if visit.body_left and isinstance(reply, Reply):
            beside["connection"] = "close"
            reply.linger = request.receive
        try:
            with visit.interruption:
                await reply.send(send, beside)
        except Exception as error:
            # The answer had begun: nothing is left but to end the connection before the body is whole.
            log.unforeseen("an answer was cut", error, route=visit.route)

    async def _answer(self, route: Route | None, request: Request, visit: Visit) -> Answering:
        try:
            if self._over:
                raise DrainOver
            check_head(request.scope, visit, self._desk.settings)
            if route is None:
                raise self.routes.refusal(request.scope)
            with visit.interruption:
                answered: Answering = await route.endpoint(request)
                return answered
        except MeshError as error:
            visit.error = error
            return _problem_reply(problem_of(error, possibly_bought=visit.possibly_bought))
        except Refusal as refusal:
            return _problem_reply(problem_of_refusal(refusal))
        except CallerLeft:
            raise
        except DrainOver:
            return _problem_reply(problem_of(_stopping(), possibly_bought=visit.possibly_bought))
        except Exception as error:
            visit.error = error
            log.unforeseen("a request failed unforeseen", error, route=visit.route)
            return _problem_reply(problem_of(internal(error), possibly_bought=visit.possibly_bought))

    def _note(self, method: str, visit: Visit, span: telemetry.span) -> None:
        span.set(telemetry.HTTP_METHOD, method)
        span.set(telemetry.HTTP_ROUTE, visit.route)
        span.set(telemetry.HTTP_STATUS, visit.status)
        span.set(telemetry.REQUEST_ID, visit.request_id)
        if visit.error is not None and visit.status >= 500:
            span.fail(visit.error)
        # An error holds on to the frames that it passed through.
        visit.error = None
        write = log.debug if visit.route in ("/healthz", "/readyz", "/metrics") else log.info
        duration_ms = self._desk.elapsed_ms(visit)
        write("answered", method=method, route=visit.route, status=visit.status, duration_ms=duration_ms)


def _stopping() -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_MESH_UNAVAILABLE, "The gateway is stopping; send the request again.", retry_after_s=2.0
    )


def _problem_reply(problem: Problem) -> Reply:
    return Reply(problem.status, [problem.body], headers=problem.headers)
