"""Which models and operations a key is for, by whatever name they are asked for: fallback models are asked for too."""

from dataclasses import dataclass

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.ledger.callers import Caller
from heliostat.ledger.desk import Desk
from heliostat.ledger.normal_form import operation

_ASK_S = 10.0
_KNOWN_FOR_S = 5.0
_MOST_KNOWN = 1000


@dataclass(frozen=True, slots=True)
class _Names:
    names: frozenset[str]
    until: float


class Permissions:
    """Holds requests to the lists of their keys. Aliases are the router's, and believed for a few seconds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._known: dict[str, _Names] = {}

    async def check(self, caller: Caller, image: request_pb2.ImageRequest) -> None:
        """Raises CALLER_FORBIDDEN where the key is not for the operation, the model, or one of its fallback models.

        A model that nobody serves is not on a key's list either.
        """
        limits, what = caller.key.limits, operation(image)
        if limits.operations and what not in limits.operations:
            raise _forbidden(f"This key may not use the operation {what!r}.", "operation")
        if limits.models:
            for model in (image.model, *image.routing.fallback_models):
                if not caller.may_use(model) and not caller.may_use(*await self._names_of(model)):
                    raise self.no_model(model)

    @staticmethod
    def no_model(model: str) -> MeshError:
        """CALLER_FORBIDDEN for a model that is not on the key's list."""
        return _forbidden(f"This key may not use the model {model!r}.", "model")

    async def _names_of(self, model: str) -> frozenset[str]:
        """The model's own name and its aliases; none where nobody serves it."""
        known = self._known.get(model)
        now = self._desk.clock.monotonic()
        if known is None or known.until < now:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[model] = _Names(await self._ask(model), now + _KNOWN_FOR_S)
        return known.names

    async def _ask(self, model: str) -> frozenset[str]:
        try:
            asked = router_pb2.ListModelsRequest(model=model)
            answer = await call(self._desk.router.ListModels, asked, timeout_s=_ASK_S)
        except MeshError as error:
            if error.reason == reasons.ERROR_REASON_MODEL_NOT_FOUND:
                return frozenset()
            raise
        return frozenset(name for found in answer.models for name in (found.name, *found.aliases))


def _forbidden(message: str, field: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_CALLER_FORBIDDEN, message, field=field)
