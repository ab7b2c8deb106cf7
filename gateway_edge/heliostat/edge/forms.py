"""Bodies that bring pictures: multipart files, or data URLs, addresses and file ids in JSON."""

import re
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field
from typing import Any

import orjson
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from heliostat.edge.inputs import Input, input_of
from heliostat.edge.limits import body_chunks, json_fields
from heliostat.edge.schemas import MAX_IMAGES, invalid
from heliostat.edge.settings import EdgeSettings
from heliostat.edge.visit import Visit, visit_of

MASK, STYLE_IMAGE = "mask", "style_image"
# Fields that hold a picture beside the one that is worked on.
_BESIDE = (MASK, STYLE_IMAGE)
_IMAGE_FIELD = re.compile(r"images?(\[[0-9]{0,3}\])?", re.ASCII)
_MAX_FIELDS = 100
# Fields that hold lists or objects: in a form their value is JSON.
_STRUCTURED = frozenset(
    {"provider_options", "provider", "models", "tags", "required_parameters", "svg", "points", "boxes"}
)
# Fields that may stand several times in a form, each time with one more word.
_REPEATED = "labels"
# Lists and objects as OpenAI's libraries write them in forms: provider[only][]=fal, svg[model]=...
_BRACKETED = re.compile(r"([a-z_]{1,40})((?:\[[^\[\]]{0,128}\]){1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Brought:
    """What a body holds: its words, the pictures to work on, and pictures beside them by the name of their field."""

    fields: dict[str, Any]
    pictures: list[Input]
    beside: dict[str, Input] = field(default_factory=dict)


async def brought_by(request: Request, settings: EdgeSettings, taken: Collection[str]) -> Brought:
    """Reads a body with pictures; `taken` are the names of the fields beside `image` that may hold one.

    Raises a Refusal for a body that is too long, and INVALID_FIELD or INPUT_UNREADABLE for one that makes no sense.
    """
    visit = visit_of(request)
    if visit.header(b"content-type").lower().startswith("multipart/form-data"):
        return await _of_form(await multipart(request, visit, settings), taken)
    limit = settings.max_json_picture_bytes
    return await _of_json(await json_fields(visit, request.receive, limit, settings.body_timeout_s), taken)


class _Form(MultiPartParser):
    """Starlette's parser, which by itself drops a last part without its end and says nothing."""

    def __init__(self, headers: Headers, chunks: AsyncGenerator[bytes, None], **limits: int) -> None:
        super().__init__(headers, self._to_its_end(chunks), **limits)
        self._whole = False

    def on_end(self) -> None:
        """Sees the closing boundary."""
        self._whole = True

    async def _to_its_end(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async for chunk in chunks:
            yield chunk
        if not self._whole:
            # Raised in here, where the parser closes the files that it has begun.
            raise invalid("body", "The multipart body ends early; send it again, up to its closing boundary.")


async def multipart(request: Request, visit: Visit, settings: EdgeSettings) -> FormData:
    """The parts of a form, to be closed by the caller. Raises a Refusal or INVALID_FIELD."""
    chunks = body_chunks(visit, request.receive, settings.max_body_bytes, settings.body_timeout_s)
    parser = _Form(
        Headers(scope=request.scope),
        chunks,
        max_files=MAX_IMAGES + 1,
        max_fields=_MAX_FIELDS,
        max_part_size=settings.max_json_bytes,
    )
    try:
        return await parser.parse()
    except (MultiPartException, FormParserError) as error:
        raise invalid("body", f"The multipart body cannot be read: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """Starlette's own sentences are safe to show; the parser's may quote the body."""
    return error.message if isinstance(error, MultiPartException) else "it is not well formed."


async def _of_json(fields: dict[str, Any], taken: Collection[str]) -> Brought:
    pictures = await _named_pictures(fields)
    beside: dict[str, Input] = {}
    for name in _BESIDE:
        value = fields.pop(name, None)
        if value is None:
            continue
        if name not in taken:
            raise _not_taken(name)
        beside[name] = await input_of(name, value)
    return Brought(fields, pictures, beside)


async def _named_pictures(fields: dict[str, Any]) -> list[Input]:
    """The pictures of a JSON body, taken out of its fields."""
    named: list[Any] = []
    for name in ("images", "image"):
        value = fields.pop(name, None)
        if value is not None:
            named.extend(value if isinstance(value, list) else [value])
    if len(named) > MAX_IMAGES:
        raise invalid("images", f"At most {MAX_IMAGES} pictures are taken; send fewer.")
    return [await input_of(f"images.{position}", value) for position, value in enumerate(named)]


async def _of_form(form: FormData, taken: Collection[str]) -> Brought:
    try:
        brought = Brought({}, [])
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                await _take_file(brought, name, value, taken)
            elif value.strip():
                await _take_words(brought, name, value, taken)
        return brought
    finally:
        await form.close()


async def _take_words(brought: Brought, name: str, value: str, taken: Collection[str]) -> None:
    """A field of words that is not empty: those that are count as not sent."""
    fields = brought.fields
    if _IMAGE_FIELD.fullmatch(name):
        brought.pictures.append(await input_of("image", value.strip()))
    elif name in _BESIDE:
        _put_beside(brought, name, await input_of(name, value.strip()), taken)
    elif name == _REPEATED:
        more = _structured(name, value) if value.lstrip().startswith("[") else [value]
        fields.setdefault(name, []).extend(more)
    elif (bracketed := _BRACKETED.fullmatch(name)) and bracketed[1] in (*_STRUCTURED, _REPEATED):
        keys = bracketed[2][1:-1].split("][")
        if not _put_within(fields.setdefault(bracketed[1], {} if keys[0] else []), keys, value):
            raise invalid(bracketed[1], f"{bracketed[1]} is not written as a list or an object; send it as JSON.")
    elif name in fields:
        raise invalid(name[:64], f"{name[:64]} stands more than once; send it once.")
    else:
        fields[name] = _structured(name, value) if name in _STRUCTURED else value


def _put_within(place: Any, keys: list[str], value: str) -> bool:
    """Puts the value of name[key][] where its keys say: an empty one means a list. False where they contradict."""
    for number, key in enumerate(keys):
        after = keys[number + 1] if number + 1 < len(keys) else None
        fresh: Any = value if after is None else {} if after else []
        if isinstance(place, list) and not key:
            if after and place and isinstance(place[-1], dict) and after not in place[-1]:
                fresh = place[-1]
            else:
                place.append(fresh)
            place = fresh
        elif isinstance(place, dict) and key and (after is not None or key not in place):
            place = place.setdefault(key, fresh)
        else:
            return False
    return True


async def _take_file(brought: Brought, name: str, upload: UploadFile, taken: Collection[str]) -> None:
    if not upload.size and (name in _BESIDE or not upload.filename):
        return
    if name in _BESIDE:
        _put_beside(brought, name, Input(name, data=await upload.read()), taken)
    elif _IMAGE_FIELD.fullmatch(name):
        brought.pictures.append(Input("image", data=await upload.read()))
    elif upload.size:
        raise invalid(name[:64], f"{name[:64]} is not a field that takes a file; send files as {_names(taken)}.")


def _put_beside(brought: Brought, name: str, given: Input, taken: Collection[str]) -> None:
    if name not in taken:
        raise _not_taken(name)
    if name in brought.beside:
        raise invalid(name, f"{name} stands more than once; send one.")
    brought.beside[name] = given


def _not_taken(name: str) -> Exception:
    return invalid(name, f"{name} has no meaning for this operation; leave it out.")


def _names(taken: Collection[str]) -> str:
    return " or ".join(("image", *taken))


def _structured(name: str, value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise invalid(name, f"{name} must be JSON when it is sent as a form field.") from None
