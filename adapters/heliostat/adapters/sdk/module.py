"""An Adapter as a module of the house."""

from collections.abc import Callable, Sequence
from typing import Any

from heliostat.adapters.sdk.accounts import Accounts
from heliostat.adapters.sdk.bench import SharedBench
from heliostat.adapters.sdk.canon import with_names
from heliostat.adapters.sdk.contract import Adapter
from heliostat.adapters.sdk.own_prices import with_prices
from heliostat.adapters.sdk.servicer import AdapterServicer
from heliostat.adapters.sdk.settings import AdapterSettings
from heliostat.api.adapter.v1 import adapter_pb2_grpc
from heliostat.chassis.modules import Module, Service, Surroundings

SERVICE_NAME = "heliostat.api.adapter.v1.AdapterService"


class AdapterPart:
    """A running adapter."""

    def __init__(
        self,
        adapter: Adapter[Any, Any],
        surroundings: Surroundings,
        make: Callable[[Any], Adapter[Any, Any]] | None = None,
    ) -> None:
        """`make` makes the adapter with the settings of one account."""
        self._accounts = Accounts(adapter, make)
        self._bench = SharedBench(adapter.settings, surroundings)
        self._servicer = AdapterServicer(adapter, self._bench, self._accounts)

    @property
    def services(self) -> Sequence[Service]:
        """AdapterService."""
        add = adapter_pb2_grpc.add_AdapterServiceServicer_to_server
        return [Service(SERVICE_NAME, add, self._servicer)]

    async def start(self) -> None:
        """Starts the adapter; never calls the provider."""
        await self._accounts.start()

    async def stop(self) -> None:
        """Ends attempts, the adapter, connections and workers, in this order."""
        await self._servicer.stop()
        await self._accounts.stop()
        await self._bench.close()


def adapter_module(adapter: type[Adapter[Any, Any]], settings: type[AdapterSettings]) -> Module:
    """The MODULE of an adapter's package."""

    def build(own: AdapterSettings, surroundings: Surroundings) -> AdapterPart:
        made = adapter(own, surroundings)
        made.models = with_names(with_prices(made.models, adapter.provider, own, surroundings.state_dir))
        return AdapterPart(made, surroundings, lambda settings: adapter(settings, surroundings))

    return Module(
        name=f"adapter-{adapter.provider}", section=("adapters", adapter.provider), settings=settings, build=build
    )
