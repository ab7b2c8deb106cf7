"""What an adapter is: a provider, its models, and `generate_one`."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.demands import read_options
from heliostat.adapters.sdk.http import ProviderClient
from heliostat.adapters.sdk.models import Model, ModelTable
from heliostat.adapters.sdk.orders import usual_order
from heliostat.adapters.sdk.outcomes import KIT, OutcomeTable
from heliostat.adapters.sdk.pricing import Order
from heliostat.adapters.sdk.refusals import Answer
from heliostat.adapters.sdk.result import Completed, Step
from heliostat.adapters.sdk.settings import AdapterSettings, ProviderSettings
from heliostat.adapters.sdk.sizing import Choice
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.modules import Surroundings


class Options(BaseModel):
    """provider_options[<provider>]: what the normalized request has no word for. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def given(self, provider: str, model: str, taken: Collection[str]) -> dict[str, Any]:
        """Those that a request sets, by name. Raises INVALID_FIELD for one that is none of `taken`, which are those
        that `model` takes for what is asked: many providers ignore in silence what they do not know."""
        given = self.model_dump(exclude_none=True)
        foreign = min(given.keys() - set(taken), default="")
        if foreign:
            known = ", ".join(sorted(taken)) or "none"
            where = f"provider_options.{provider}.{foreign}"
            message = f"{model} does not take {where} for this; it takes: {known}."
            raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=where)
        return given


SettingsT = TypeVar("SettingsT", bound=AdapterSettings)
OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of a cancel: whether the provider knew the job, and whether nothing is charged."""

    found: bool
    free: bool = False


class Adapter(ABC, Generic[SettingsT, OptionsT]):
    """One provider.

    A subclass sets the class attributes and writes `generate_one`; the kit does the rest. `name` of an instance is the
    name of its section in the configuration: `provider` of the class, unless the operator has several of a kind.
    """

    provider: ClassVar[str]
    display_name: ClassVar[str] = ""
    models: ModelTable
    options: type[Options] = Options
    ignores: tuple[str, ...] = ()
    managed: Collection[str] | None = None
    """Fields of the provider's body that `generate_one` fills. None: fields that nobody here knows are not passed on;
    otherwise those that are not `managed` are in `call.passed_on`."""
    outcomes: ClassVar[OutcomeTable] = KIT
    sandbox: ClassVar[bool] = False

    def __init__(self, settings: SettingsT, surroundings: Surroundings) -> None:
        self.settings = settings
        self.surroundings = surroundings
        self.name = surroundings.name.removeprefix("adapter-") or self.provider
        self._http: ProviderClient | None = None

    @property
    def http(self) -> ProviderClient:
        """The one HTTP client of this provider; made on first use inside the loop."""
        if self._http is None:
            if not isinstance(self.settings, ProviderSettings):
                raise TypeError(f"the settings of {type(self).__name__} are no ProviderSettings")
            self._http = ProviderClient(
                self.name,
                self.settings,
                headers=self.headers,
                refusal=self.refusal,
                key_name=self.key_name,
                lookup=self.surroundings.lookup,
                tap=self.surroundings.tap,
            )
        return self._http

    async def start(self) -> None:
        """Called once before the first request. Never calls the provider."""

    async def stop(self) -> None:
        """Called once after the last request; closes what `start` and `http` opened."""
        if self._http is not None:
            await self._http.close()

    def headers(self, account: str) -> Mapping[str, str]:
        """Headers that carry the key, sent to the provider's own origin only. Raises PROVIDER_AUTH_FAILED."""
        return {}

    def key_name(self, account: str) -> str:
        """The variable or file that an operator mends when the provider refuses the key, such as "OPENAI_API_KEY"."""
        key = getattr(self.settings, "api_key", None)
        return key.reference.partition(":")[2] if key is not None else ""

    def refusal(self, answer: Answer) -> MeshError | None:
        """The provider's own error answer (status 400 and up) as an error; None leaves it to the kit's table."""
        return None

    @abstractmethod
    def generate_one(
        self, model: Model, request: request_pb2.ImageRequest, options: OptionsT, call: Call
    ) -> AsyncIterator[Step]:
        """An async generator: submits once, yields accepted, progress, pictures and, last, completed.

        Raises MeshError; the kit adds how far the attempt came. `request` is read-only.
        """

    def read_options(self, call: Call) -> Any:
        """The options of a request, an instance of `options`. Raises INVALID_FIELD; see `managed` for other fields."""
        return read_options(self.options, (self.name, self.provider), call, self.managed)

    def option_names(self, model: Model) -> Collection[str] | None:
        """Which fields of `options` this model takes, for Describe; None means all of them. Pure."""
        return None

    def order(self, model: Model, request: request_pb2.ImageRequest, size: Choice) -> Order:
        """What the price of this request depends on. Pure. Override where a variant has other words."""
        return usual_order(request, size)

    def delivered_order(
        self,
        model: Model,
        request: request_pb2.ImageRequest,
        size: Choice,
        end: Completed,
        delivered: Sequence[tuple[int, int]],
    ) -> Order:
        """The order as it came out: what was delivered, with the variant that the provider resolved. Pure."""
        order = self.order(model, request, size)
        width, height = delivered[0]
        variant = {**order.variant, **end.variant}
        return replace(
            order,
            width_px=width,
            height_px=height,
            image_count=len(delivered),
            variant=variant,
            input_sizes=end.input_sizes or order.input_sizes,
            steps=end.steps or order.steps,
        )

    def nameless_job(self, call: Call) -> MeshError:
        """The error of a submit that was taken without an id of its job: nobody can ask what became of it."""
        message = f"{self.display_name} took the request without an id of the job; look into its dashboard."
        return call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="submit")

    def foreign_job(self, call: Call) -> MeshError:
        """The error of a job id to go on with that is none of the provider's."""
        message = f"The job id to go on with is none of {self.display_name}'s; look it up in its dashboard."
        return call.error(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, message, phase="poll")

    async def cancel_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """Cancels a job at the provider. The default knows no jobs."""
        return Cancelled(found=False)

    async def spare_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """Cancels a job only where it is certain that nothing is charged for it, such as one that still waits in a
        queue. The default leaves every job alone."""
        return Cancelled(found=True)

    async def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Checks a callback (header names in lower case) and tells which job it is about: the job id that `accepted`
        was given, or what stands behind its last "/". Empty: the provider has no callbacks.

        Raises CALLER_UNKNOWN (`webhooks.refused`) where it is not to be believed.
        """
        return ""

    def accounts(self) -> Sequence[tuple[str, float, bool]]:
        """(name, weight, configured) of each key of the provider."""
        key = getattr(self.settings, "api_key", None)
        return [("", 1.0, key is None or key.present())]
