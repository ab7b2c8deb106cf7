"""RouterService: thin."""

from collections.abc import AsyncGenerator
from typing import Any

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc
from heliostat.chassis.calls import call
from heliostat.router.dispatch import Dispatcher
from heliostat.router.explain import Explainer
from heliostat.router.listing import Listing
from heliostat.router.peers import Peers
from heliostat.router.roster import Roster


class RouterServicer(router_pb2_grpc.RouterServiceServicer):
    """Makes pictures, tells prices, lists models, hands over callbacks."""

    def __init__(
        self, dispatcher: Dispatcher, explainer: Explainer, listing: Listing, roster: Roster, peers: Peers
    ) -> None:
        self._dispatcher = dispatcher
        self._explainer = explainer
        self._listing = listing
        self._roster = roster
        self._peers = peers

    def Generate(
        self, request: router_pb2.GenerateRequest, context: Any
    ) -> AsyncGenerator[router_pb2.GenerateResponse, None]:
        """Relays one request to its targets."""
        return self._dispatcher.generate(request)

    async def Estimate(self, request: router_pb2.EstimateRequest, context: Any) -> router_pb2.EstimateResponse:
        """Tells what each target would charge and change, or why it is out."""
        explained = await self._explainer.explain(request.image, mask_preview=request.mask_preview)
        return router_pb2.EstimateResponse(targets=explained.targets, route=explained.decision.route)

    async def ListModels(self, request: router_pb2.ListModelsRequest, context: Any) -> router_pb2.ListModelsResponse:
        """Lists what is served."""
        return router_pb2.ListModelsResponse(models=await self._listing.models(request.model))

    async def ListProviders(
        self, request: router_pb2.ListProvidersRequest, context: Any
    ) -> router_pb2.ListProvidersResponse:
        """Tells how providers fare."""
        return router_pb2.ListProvidersResponse(providers=await self._roster.providers(request.name))

    async def GiveUp(self, request: router_pb2.GiveUpRequest, context: Any) -> router_pb2.GiveUpResponse:
        """Ends what a request has under way at providers."""
        return await self._dispatcher.under_way.give_up(request.request_id, only_free=request.only_free)

    async def DeliverWebhook(
        self, request: router_pb2.DeliverWebhookRequest, context: Any
    ) -> router_pb2.DeliverWebhookResponse:
        """Hands a callback to the adapter of that name; nobody is found behind an unknown one."""
        if request.provider not in self._peers.names:
            return router_pb2.DeliverWebhookResponse(found=False)
        headers = [adapter_pb2.Header(name=name, value=value) for name, value in request.headers.items()]
        answer = await call(
            self._peers.adapter(request.provider).DeliverWebhook,
            adapter_pb2.DeliverWebhookRequest(headers=headers, body=request.body),
            timeout_s=10.0,
        )
        return router_pb2.DeliverWebhookResponse(found=answer.found)
