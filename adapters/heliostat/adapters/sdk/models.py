"""Models of one provider as data, and their Capability for Describe."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf.struct_pb2 import Struct

from heliostat.adapters.sdk.inputs import InputLimits
from heliostat.adapters.sdk.pricing import Pricing, unknown_price
from heliostat.adapters.sdk.sizing import FollowsInput, SizeRule
from heliostat.api.image.v1 import capability_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

OPERATIONS: Mapping[str, "capability_pb2.Operation"] = {
    "text_to_image": capability_pb2.OPERATION_TEXT_TO_IMAGE,
    "edit": capability_pb2.OPERATION_EDIT,
    "variation": capability_pb2.OPERATION_VARIATION,
    "upscale": capability_pb2.OPERATION_UPSCALE,
    "remove_background": capability_pb2.OPERATION_REMOVE_BACKGROUND,
    "segment": capability_pb2.OPERATION_SEGMENT,
    "style_transfer": capability_pb2.OPERATION_STYLE_TRANSFER,
    "outpaint": capability_pb2.OPERATION_OUTPAINT,
}
_MASKS = {
    "": capability_pb2.MASK_SUPPORT_UNSPECIFIED,
    "exact": capability_pb2.MASK_SUPPORT_EXACT,
    "guidance": capability_pb2.MASK_SUPPORT_GUIDANCE,
}
_TYPES = {
    "": capability_pb2.PARAMETER_TYPE_UNSPECIFIED,
    "string": capability_pb2.PARAMETER_TYPE_STRING,
    "integer": capability_pb2.PARAMETER_TYPE_INTEGER,
    "number": capability_pb2.PARAMETER_TYPE_NUMBER,
    "boolean": capability_pb2.PARAMETER_TYPE_BOOLEAN,
    "enum": capability_pb2.PARAMETER_TYPE_ENUM,
}
MOST_NAMED = 256


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter that a model takes; `kind`: string, integer, number, boolean, enum; empty for lists, objects."""

    name: str
    kind: str = "string"
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    default: str = ""
    provider_option: bool = False
    description: str = ""

    def message(self) -> capability_pb2.Parameter:
        """The parameter for Describe."""
        return capability_pb2.Parameter(
            name=self.name,
            type=_TYPES[self.kind],
            minimum=self.minimum,
            maximum=self.maximum,
            values=self.values,
            default_value=self.default,
            provider_option=self.provider_option,
            description=self.description,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ModelFacts:
    names: tuple[str, ...] = ()
    loose_names: tuple[str, ...] = ()
    operations: tuple[str, ...] = ("text_to_image",)
    sizes: SizeRule = field(default_factory=FollowsInput)
    operation_sizes: Mapping[str, SizeRule] = field(default_factory=dict)
    price: Pricing = unknown_price
    price_source: str = ""
    price_version: str = ""
    max_images: int = 1
    counts_images: bool = True
    max_references: int = 0
    inputs: InputLimits = field(default_factory=InputLimits)
    mask: str = ""
    media_types: tuple[str, ...] = ("image/png",)
    max_partials: int = 0
    ignores: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    cancel_effective: bool = False
    resumable: bool = False
    idempotent: bool = False
    retention_s: int = 0
    region: str = ""
    max_prompt_chars: int = 0
    creator: str = ""
    description: str = ""
    typical_seconds: float = 0.0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    facts: Any = None


@dataclass(frozen=True, slots=True)
class Model(_ModelFacts):
    """One provider model.

    name            the provider's own model name (may hold slashes)
    names           public names under which it is known, such as "flux-schnell"; canon.py adds what others call it
    loose_names     names that people use for it by mistake; canon.py fills them in
    operations      keys of OPERATIONS
    sizes, price    see sizing.py and pricing.py
    operation_sizes sizes of operations that differ, such as {"edit": FollowsInput()}
    price_source    where the prices were read, and when; price_version names the list's state
    inputs          what it takes of a caller's picture; the kit turns, scales and converts
    mask            "" none, "exact" repaints exactly the mask, "guidance" takes it as a hint
    counts_images   False where n has no meaning, as in segmenting: as many masks come as there are segments
    media_types     what it delivers natively, the default first; the kit converts to anything else
    ignores         normalized parameters that it cannot honour, on top of the adapter's own list (names: asked.py)
    typical_seconds usual duration for Estimate; 0 where unknown
    facts           whatever the adapter's own code wants to know of the model; never sent anywhere
    """

    name: str = field(kw_only=False, default="")

    def sizes_of(self, operation: str) -> SizeRule:
        """The sizes of one operation."""
        return self.operation_sizes.get(operation, self.sizes)

    def capability(self) -> capability_pb2.Capability:
        """The model for Describe."""
        metadata = Struct()
        metadata.update(dict(self.metadata))
        return capability_pb2.Capability(
            provider_model=self.name,
            model_names=self.names,
            loose_names=self.loose_names,
            operations=[OPERATIONS[name] for name in self.operations],
            sizes=self.sizes.rule(),
            max_image_count=self.max_images,
            max_reference_count=self.max_references,
            mask=_MASKS[self.mask],
            media_types=self.media_types,
            max_partial_image_count=self.max_partials,
            parameters=[parameter.message() for parameter in self.parameters],
            prices=self.price.lines(),
            price_source=self.price_source,
            cancel_effective=self.cancel_effective,
            resumable=self.resumable,
            idempotent=self.idempotent,
            retention_seconds=self.retention_s,
            region=self.region,
            metadata=metadata if self.metadata else None,
            max_prompt_chars=self.max_prompt_chars,
            creator=self.creator,
            description=self.description,
        )


class ModelTable:
    """All models of one provider, by name. `wildcard` describes any other name, where a server takes any."""

    def __init__(self, *models: Model, wildcard: Model | None = None) -> None:
        self._models = {model.name: model for model in models}
        self._wildcard = wildcard
        self._named: dict[str, Model] = {}
        if len(self._models) != len(models):
            raise ValueError("two models of one table have the same name")

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def priced(self, facts: Callable[[str], Mapping[str, Any]]) -> "ModelTable":
        """The table with other prices: `facts` gives for a name what changes; nothing for models that keep theirs."""
        wildcard = replace(self._wildcard, **facts("*")) if self._wildcard is not None else None
        return ModelTable(*(replace(model, **facts(model.name)) for model in self), wildcard=wildcard)

    def capabilities(
        self, parameters: Callable[[Model], tuple[Parameter, ...]] = lambda model: model.parameters
    ) -> list[capability_pb2.Capability]:
        """All models for Describe, each with its `parameters`; a wildcard stands last, under the name "*"."""
        models = list(self)
        if self._wildcard is not None:
            models.append(replace(self._wildcard, name="*"))
        return [replace(model, parameters=parameters(model)).capability() for model in models]

    def get(self, name: str) -> Model:
        """The model of that name. Raises PROVIDER_MODEL_GONE."""
        model = self._models.get(name)
        if model is not None:
            return model
        if self._wildcard is not None and name:
            return self._named.get(name) or self._name_wildcard(self._wildcard, name)
        raise MeshError(
            reasons.ERROR_REASON_PROVIDER_MODEL_GONE,
            f"The adapter does not know the provider model {name[:200]!r}; mend the route or choose one that "
            "`heliostat list-targets` shows.",
            provider_model=name[:200],
        )

    def _name_wildcard(self, wildcard: Model, name: str) -> Model:
        """The wildcard under a name; the first names are kept, for a server has few and callers invent many."""
        model = replace(wildcard, name=name)
        if len(self._named) < MOST_NAMED:
            self._named[name] = model
        return model


def operation_of(request: request_pb2.ImageRequest) -> str:
    """The operation of a request by its name in OPERATIONS; unset means text_to_image."""
    return request.WhichOneof("operation") or "text_to_image"
