"""The router's adapters: a stub for each, made when it is first needed."""

from collections.abc import Mapping

from heliostat.api.adapter.v1.adapter_pb2_grpc import AdapterServiceStub
from heliostat.chassis.modules import Surroundings


class Peers:
    """Adapters by name, in the order of the configuration."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._addresses: Mapping[str, str] = surroundings.adapters
        self._stubs: dict[str, AdapterServiceStub] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the adapters."""
        return tuple(self._addresses)

    def adapter(self, name: str) -> AdapterServiceStub:
        """The stub of one adapter; `name` is one of `names`."""
        stub = self._stubs.get(name)
        if stub is None:
            stub = AdapterServiceStub(self._surroundings.channel(self._addresses[name]))
            self._stubs[name] = stub
        return stub
