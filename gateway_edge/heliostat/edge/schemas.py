"""REST bodies: OpenAI's fields, then ours. What is wrong is told with the field's name and what to do.

*Source*: OpenAI's Images API reference, read 2026-11; the fields marked ours are Heliostat's own.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

MAX_PROMPT_CHARS = 32_000
MAX_IMAGES = 16
MAX_DEPTH = 16

# Fields that providers know and the normalized request has no word for: passed on without a word, even if strict.
PASSED_ON = frozenset({"input_fidelity", "complexity", "frame_count", "frame_duration_ms", "svg", "markup"})


def _whole(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected a whole number, not true or false")
    return value


Whole = BeforeValidator(_whole)  # stands behind the bounds, or the schema would not tell them in JSON's words
Count = Annotated[int, Field(ge=1, le=10), Whole]
Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1), Whole]
Percent = Annotated[int, Field(ge=0, le=100), Whole]
Short = Annotated[str, Field(max_length=255)]
Label = Annotated[str, Field(max_length=256)]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Names = Annotated[list[Name], Field(max_length=64)]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False), Whole]
Dollars = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False), Whole]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), Whole]
Words = Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]


class RoutingBody(BaseModel):
    """`provider`: preferences of one request about where it goes. Ours."""

    model_config = ConfigDict(extra="forbid")

    order: Names | None = Field(None, description="Providers or targets to try first, in this order.")
    only: Names | None = Field(None, description="Providers or targets that may be used.")
    ignore: Names | None = Field(None, description="Providers or targets that may not be used.")
    sort: Literal["price", "latency"] | None = Field(None, description="How eligible targets are ordered.")
    max_cost: Dollars | None = Field(None, description="The most that the whole request may cost, in USD.")
    allow_fallbacks: bool | None = Field(None, description="False: only the first target is asked.")


class ImageBody(BaseModel):
    """What all requests for pictures have in common."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model: Name = Field(description='Model name, alias, or "provider/model" to force one target.')
    prompt: Words | None = Field(None, description="Words for models that take some; up to 32,000 characters.")
    n: Count | None = Field(None, description="Number of pictures, 1 to 10.")
    size: Short | None = Field(None, description='"WIDTHxHEIGHT", a ratio "W:H", or "auto".')
    quality: Literal["auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"] | None = Field(
        None, description="How good, and how dear; standard reads as medium, hd as high."
    )
    response_format: Literal["url", "b64_json"] | None = Field(
        None, description="Form of the answer; absent: b64_json for gpt-image-*, else url. Under /openai/v1: url."
    )
    output_format: Literal["png", "jpeg", "jpg", "webp", "gif", "avif"] | None = Field(
        None, description="File format; absent: as the provider delivers it."
    )
    output_compression: Percent | None = Field(None, description="Quality of lossy compression, 0 to 100.")
    background: Literal["transparent", "opaque", "auto"] | None = Field(None, description="What is behind the subject.")
    moderation: Literal["auto", "low"] | None = Field(None, description="How strictly the provider should moderate.")
    style: Short | None = Field(None, description='Style word, such as "vivid".')
    stream: bool | None = Field(None, description="True: the answer is a stream of events, as they happen.")
    partial_images: Annotated[int, Field(ge=0, le=3), Whole] | None = Field(
        None, description="Previews of a streamed answer; 0 unless stream is true."
    )
    user: Short | None = Field(None, description="The end user on whose behalf the caller asks.")
    safety_identifier: Short | None = Field(None, description="The newer name of user.")

    negative_prompt: Words | None = Field(None, description="Ours: what to avoid.")
    aspect_ratio: Short | None = Field(None, description='Ours: shape as "W:H"; size stands above it.')
    resolution: Short | None = Field(None, description="Ours: scale, one of auto, 0.5K, 1K, 2K, 4K.")
    seed: Seed | None = Field(None, description="Ours: seed for repeatable results.")
    strict: Literal["off", "report", "refuse"] | None = Field(
        None, description="Ours: what happens to what cannot be honoured; the header x-heliostat-strict says the same."
    )
    required_parameters: Names | None = Field(None, description="Ours: parameters that a target must honour.")
    provider_options: dict[Name, dict[str, Any]] | None = Field(
        None, description="Ours: what a provider takes beyond the normalized words, by provider."
    )
    provider: RoutingBody | None = Field(None, description="Ours: where the request may go.")
    models: Names | None = Field(None, description="Ours: models to try when the first has no target left.")
    max_wait: Seconds | None = Field(None, description="Ours: longest wait for a paused target, in seconds.")
    on_unknown: Literal["next", "wait", "fail"] | None = Field(
        None, description="Ours: what happens when nobody knows whether an attempt was bought."
    )
    cohort: Short | None = Field(None, description="Ours: requests of one cohort go the same way in a split.")
    session_id: Short | None = Field(None, description="Ours: groups requests of one session.")
    tags: dict[Name, Label] | None = Field(None, max_length=16, description="Ours: labels kept with the request.")
    delivery: Literal["provider_url", "stored", "bytes"] | None = Field(
        None, description="Ours: the provider's own address, a link of ours, or the bytes."
    )


class GenerationBody(ImageBody):
    """Body of POST /v1/images/generations."""

    prompt: Words = Field(description="What to draw, 1 to 32,000 characters.")


class EditBody(ImageBody):
    """Words of POST /v1/images/edits; its pictures come beside them."""

    prompt: Words = Field(description="What to change, 1 to 32,000 characters.")
    mask_mode: Literal["alpha", "white", "black"] | None = Field(
        None, description="Ours: which part of the mask is repainted: its transparent, white or black part."
    )
    strength: Share | None = Field(None, description="Ours: how far from the picture, 0 keep to 1 change.")
    mask_feather: Annotated[int, Field(ge=0, le=1024), Whole] | None = Field(
        None, description="Ours: softening of the mask's border, in pixels."
    )


_Body = TypeVar("_Body", bound=ImageBody)


def generation_body(fields: Mapping[str, Any]) -> GenerationBody:
    """The checked body. Raises INVALID_FIELD."""
    return checked(GenerationBody, fields)


def checked(kind: type[_Body], fields: Mapping[str, Any]) -> _Body:
    """The checked body, without its pictures where it has some. Raises INVALID_FIELD."""
    try:
        body: _Body = kind.model_validate(fields)
    except ValidationError as error:
        raise _field_error(error) from None
    if kind.model_fields["prompt"].is_required() and not (body.prompt or "").strip():
        raise invalid("prompt", "prompt must not be empty; say in words what you want to see.")
    if body.partial_images and not body.stream:
        raise invalid("partial_images", "partial_images needs a streamed answer; leave it out or set it to 0.")
    for name, value in (("provider_options", body.provider_options), *(body.model_extra or {}).items()):
        check_depth(name, value)
    return body


def invalid(name: str, message: str) -> MeshError:
    """An INVALID_FIELD error about the field `name`."""
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=name)


def check_depth(name: str, value: Any) -> None:
    """Raises INVALID_FIELD where lists and objects nest deeper than messages of the mesh may."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level if isinstance(node, dict | list) for child in _children(node)]
        if not level:
            return
    raise invalid(name[:64], f"{name[:64]} nests deeper than {MAX_DEPTH} levels; make it flatter.")


def _children(node: dict[str, Any] | list[Any]) -> list[Any]:
    return list(node.values()) if isinstance(node, dict) else node


def _field_error(error: ValidationError) -> MeshError:
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"] if part != "[key]")[:128] or "body"
    return invalid(name, _sentence(name, first["type"], first.get("ctx", {}), first["msg"]))


def _sentence(name: str, kind: str, context: Mapping[str, Any], message: str) -> str:
    """What is wrong with the field and what to do, without repeating the caller's value."""
    if kind == "missing":
        return f"{name} is missing; every request needs it."
    if kind == "extra_forbidden":
        return f"{name} is not a field that is known here; leave it out or correct its name."
    if kind in ("literal_error", "enum"):
        return f"{name} must be one of {context.get('expected', '')}."
    if kind == "string_unicode":
        return f"{name} must be text that UTF-8 can express; half of a surrogate pair is none."
    if kind in ("string_too_long", "too_long"):
        unit = "characters" if kind == "string_too_long" else "entries"
        return f"{name} is too long; at most {context.get('max_length')} {unit} are taken."
    message = message.removeprefix("Value error, ").removeprefix("Input ").removeprefix("Value ")
    return f"{name} is not right: {message}."
