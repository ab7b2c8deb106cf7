"""/playground: pictures by hand, one step after the other, with what each costs."""

import json
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import Metadata, call
from heliostat.chassis.errors import MeshError
from heliostat.console import playground_models as models
from heliostat.console.desk import ASK_S, Desk
from heliostat.console.playground_ask import CHAIN_ID, Form, image_of, tags_of, wrong
from heliostat.console.playground_chain import Chains
from heliostat.console.playground_examples import examples
from heliostat.console.playground_files import MOST_FILE_BYTES
from heliostat.console.playground_key import PATH, Keys, as_key, checked
from heliostat.console.playground_run import Run
from heliostat.console.streams import Stream
from heliostat.console.views import Views

_MOST_QUESTION_BYTES = 1024 * 1024
_EDGE_URL = "http://127.0.0.1:8080"
_GRPC_ADDRESS = "127.0.0.1:50051"
_MOST_PREVIEWS = 3
_IDEMPOTENCY_CHARS = 40


class PlaygroundPage:
    """The page, its estimates and its runs."""

    def __init__(self, desk: Desk, views: Views) -> None:
        self._desk = desk
        self._views = views
        self._keys = Keys(desk)
        self._chains = Chains(desk)

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route(PATH, self.page),
            Route(f"{PATH}/ready", self.ready),
            Route(f"{PATH}/fields", self.fields),
            Route(f"{PATH}/look", self.look, methods=["POST"]),
            Route(f"{PATH}/runs", self.run, methods=["POST"]),
            Route(f"{PATH}/runs/{{request_id}}", self.shown),
            Route(f"{PATH}/runs/{{request_id}}/cancel", self.cancel, methods=["POST"]),
            Route(f"{PATH}/key", self.key, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """The page; `chain` and `at` of the query bring back a chain and one of its steps."""
        title = "Playground"
        if not self._keys.has_key(request):
            return self._views.page(request, "playground/key.html", title=title, trouble="")
        try:
            return self._views.page(request, "playground.html", title=title, **await self._whole(request))
        except MeshError as error:
            if error.reason in (reasons.ERROR_REASON_CALLER_UNKNOWN, reasons.ERROR_REASON_CALLER_FORBIDDEN):
                return self._views.page(request, "playground/key.html", title=title, trouble=error.message)
            return self._views.page(request, "playground/away.html", title=title, status=503, trouble=error.message)

    async def ready(self, request: Request) -> Response:
        """For a page that could not be made: tells it to make itself anew as soon as it can be."""
        try:
            await self._models(self._keys.metadata(request), "-")
        except MeshError:
            return Response(status_code=204)
        return Response(status_code=204, headers={"hx-refresh": "true"})

    async def fields(self, request: Request) -> Response:
        """The fields of a model, with what was filled in before. Raises MODEL_NOT_FOUND."""
        name = request.query_params.get("model", "")
        listed = await self._models(self._keys.metadata(request), name)
        if not name or not listed:
            raise MeshError(reasons.ERROR_REASON_MODEL_NOT_FOUND, "There is no such model.", field="model")
        return self._views.piece(
            request, "playground/fields.html", **_form(models.offer(listed[0]), dict(request.query_params))
        )

    async def look(self, request: Request) -> Response:
        """What the request would cost and how a program sends it, without sending it. Raises INVALID_FIELD."""
        image = image_of(await _question(request))
        settings = self._desk.settings
        edge_url = settings.edge_url.rstrip("/") or _EDGE_URL
        told = examples(image, edge_url, settings.grpc_address or _GRPC_ADDRESS)
        return self._views.piece(request, "playground/look.html", programs=told, **await self._estimate(request, image))

    async def run(self, request: Request) -> Response:
        """Sends the request, and follows it as server-sent events; see playground_run. Raises INVALID_FIELD."""
        values = await _question(request)
        image = image_of(values)
        form = Form(values)
        chain_id, key = form.text("chain"), form.text("key")
        if not CHAIN_ID.fullmatch(chain_id):
            raise wrong("chain", "is the name of a chain")
        if not (key.isascii() and key.isalnum() and len(key) <= _IDEMPOTENCY_CHARS):
            raise wrong("key", "is letters and digits")
        image.session_id = chain_id
        image.tags.update(tags_of(values))
        image.output.delivery = request_pb2.DELIVERY_STORED
        image.output.partial_image_count = form.whole("previews", 0, _MOST_PREVIEWS) or 0
        asked = router_pb2.GenerateRequest(image=image, progressive=True, idempotency_key=key)
        metadata = self._keys.metadata(request)
        frames = Run(self._desk, self._views, self._chains, metadata).frames(asked)
        return Stream(frames, media_type="text/event-stream")

    async def shown(self, request: Request) -> Response:
        """One step of a chain again, as the last event of a run tells it. Raises RESOURCE_NOT_FOUND."""
        metadata, request_id = self._keys.metadata(request), request.path_params["request_id"]
        values = await self._chains.shown(request_id, metadata)
        chain = await self._chains.told(values["record"].session_id, request_id, metadata)
        html = self._views.text("playground/result.html", **values, error=None)
        strip = self._views.text("playground/chain.html", chain=chain)
        return JSONResponse({"html": html, "chain": strip, "request": request_id})

    async def cancel(self, request: Request) -> Response:
        """Cancels a run where that is still possible. Raises RESOURCE_NOT_FOUND."""
        ask = ledger_pb2.CancelJobRequest(request_id=request.path_params["request_id"])
        answer = await call(self._desk.ledger.CancelJob, ask, timeout_s=ASK_S, metadata=self._keys.metadata(request))
        return JSONResponse({"cancelled": answer.cancelled})

    async def key(self, request: Request) -> Response:
        """Takes a key that somebody entered, once it has been let in; empty: forgets it."""
        form = await request.form()
        text = str(form.get("key", ""))
        key = ""
        if text.strip() and not self._keys.is_configured:
            try:
                key = checked(text)
                await self._models(as_key(key), "-")
            except MeshError as error:
                return self._views.page(
                    request, "playground/key.html", title="Playground", status=400, trouble=error.message
                )
        answer = RedirectResponse(PATH, 303)
        self._keys.keep(request, answer, key)
        return answer

    async def _whole(self, request: Request) -> dict[str, Any]:
        metadata = self._keys.metadata(request)
        listed = await self._models(metadata)
        grouped = models.drawing_offers(listed)
        wanted = request.query_params.get("model", "") or self._desk.settings.playground_model
        flat = [offer for group in grouped.values() for offer in group]
        chosen = next((offer for offer in flat if wanted in (offer.model.name, *offer.model.aliases)), None)
        chosen = chosen or next((offer for offer in flat if offer.available), None)
        chain_id, at = request.query_params.get("chain", ""), request.query_params.get("at", "")
        chain = await self._chains.told(chain_id, at, metadata)
        at = at or (chain.links[-1].record.request_id if chain.links else "")
        first = self._desk.settings.playground_step_model
        return {
            "groups": grouped,
            "chosen": chosen,
            **(_form(chosen, {}) if chosen is not None else {}),
            "steps": models.step_offers(listed, first),
            "step_words": models.STEP_WORDS,
            "chain": chain,
            "chain_id": chain_id if CHAIN_ID.fullmatch(chain_id) else f"play-{secrets.token_hex(8)}",
            "at": at,
            "most_bytes": min(self._desk.settings.max_body_bytes, MOST_FILE_BYTES),
            "key_entered": not self._keys.is_configured,
        }

    async def _models(self, metadata: Metadata, name: str = "") -> list[router_pb2.Model]:
        """The models that the key may use, or the one of a name. "-" asks for none: only whether somebody answers."""
        ask = router_pb2.ListModelsRequest(model=name)
        try:
            answer = await call(self._desk.router.ListModels, ask, timeout_s=ASK_S, metadata=metadata)
        except MeshError as error:
            if name == "-" and error.reason == reasons.ERROR_REASON_MODEL_NOT_FOUND:
                return []
            raise
        return list(answer.models)

    async def _estimate(self, request: Request, image: request_pb2.ImageRequest) -> dict[str, Any]:
        try:
            answer = await call(
                self._desk.router.Estimate,
                router_pb2.EstimateRequest(image=image),
                timeout_s=ASK_S,
                metadata=self._keys.metadata(request),
            )
        except MeshError as error:
            away = error.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
            return {"targets": [], "first": None, "trouble": error.message, "away": away}
        targets = list(answer.targets)
        first = next((target for target in targets if not target.excluded_because), None)
        return {"targets": targets, "first": first, "trouble": "", "away": False}


def _form(offer: models.Offer, filled: dict[str, str]) -> dict[str, Any]:
    """Values of `playground/fields.html`."""
    return {
        "model": offer.model,
        "fields": models.fields_of(offer.model),
        "abilities": models.abilities(offer.model),
        "price": offer.price,
        "formats": models.FORMATS,
        "own_size": models.OWN_SIZE,
        "available": offer.available,
        "filled": filled,
    }


async def _question(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises INVALID_FIELD."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_QUESTION_BYTES:
            raise wrong("body", f"has at most {_MOST_QUESTION_BYTES:,} bytes")
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise wrong("body", "is a JSON object") from None
    if not isinstance(values, dict):
        raise wrong("body", "is a JSON object")
    return values
