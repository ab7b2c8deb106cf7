"""The API described as OpenAPI 3.1, made from the same models that check the bodies. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from heliostat.edge.forms import MASK, STYLE_IMAGE
from heliostat.edge.named_pictures import named_pictures
from heliostat.edge.picture_operations import PICTURE_OPERATIONS, PictureOperation
from heliostat.edge.problems import KINDS
from heliostat.edge.schemas import GenerationBody

_PICTURE_EXAMPLE = {
    "model": "flux-schnell",
    "prompt": "A sunset over mountains",
    "size": "16:9",
    "output_format": "webp",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, in words.

    `path` as in the route; `open` means that no key is asked for; `query` tells parameters that may be left out;
    `pictures` tells of the pictures that come with the body, `form` is the schema of a form without such a body.
    """

    method: str
    path: str
    summary: str
    description: str
    body: type[BaseModel] | None = None
    pictures: PictureOperation | None = None
    form: Mapping[str, Any] | None = None
    example: Mapping[str, Any] | None = None
    open: bool = False
    statuses: Sequence[int] = (200,)
    query: Mapping[str, str] = field(default_factory=dict)


_WHICH = {
    "start_time": "Only requests that came from here on, such as 2026-11-30T12:00:00Z.",
    "end_time": "Only requests that came before this time.",
    "status": "Only this one: in_progress, completed, failed, cancelled, expired.",
    "model": "Only requests for this model.",
    "provider": "Only requests that this provider answered.",
    "key": "Only this key, which is your own.",
    "session_id": "Only this session.",
    "tag": "Only requests that carry this label, such as team:art; several times for several labels.",
    "format": "json, csv or ndjson; Accept says the same.",
}

_DRY_RUN = {"dryRun": "true: what it would cost at every target is told; nobody is asked and nothing is charged."}

_FILE = {"type": "string", "format": "binary"}
_FILE_FORM: Mapping[str, Any] = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {**_FILE, "description": "PNG, JPEG, WebP, GIF or AVIF."},
        "purpose": {"type": "string", "description": "What it is for, such as vision; told again."},
        "expires_after[anchor]": {"enum": ["created_at"]},
        "expires_after[seconds]": {"type": "integer", "minimum": 3600, "maximum": 2_592_000},
    },
}
# Path of an operation on pictures -> what it does, and how.
_TOLD: Mapping[str, tuple[str, str]] = {
    "/images/edits": (
        "Change a picture",
        "As multipart: `image` once or several times (also `image[]`, `image[0]`), `mask` at most once. As JSON: "
        "`images` with data URLs, addresses or file ids, `mask`. The first picture is changed, the others are looked "
        "at. With `scale_factor` it is an enlargement, and needs no prompt.",
    ),
    "/images/variations": ("Draw another version of a picture", "OpenAI's call, with more words beside; JSON too."),
    "/images/upscales": ("Enlarge a picture", "By `scale_factor`, or to a `size` in pixels. Ours."),
    "/images/backgrounds": ("Cut the subject out of its background", "Answers a picture with an alpha channel. Ours."),
    "/images/segments": (
        "Find things in a picture",
        "By `labels`, `points` or `boxes`; everything where none is named. Answers one mask for each, white on the "
        "thing, with its `label`. Ours.",
    ),
    "/images/styles": (
        "Redraw a picture in a style",
        "The style is that of `style_image`, or what `style` or `prompt` says. Ours.",
    ),
    "/images/outpaints": (
        "Paint beyond the edges of a picture",
        "`left`, `right`, `top` and `bottom` are the pixels to add. Ours.",
    ),
}
_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "/images/edits": {"model": "gpt-image-2", "prompt": "Make the sky pink", "image": "@picture.png"},
    "/images/upscales": {"model": "studio", "image": "@picture.png", "scale_factor": 2},
    "/images/segments": {"model": "studio", "image": "@picture.png", "points": "[[100, 120]]"},
    "/images/styles": {"model": "studio", "image": "@picture.png", "style": "watercolour"},
    "/images/outpaints": {"model": "studio", "image": "@picture.png", "left": 128},
}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "post",
        "/v1/images/generations",
        "Draw pictures from words",
        "OpenAI's call, with more words beside. Waits for the pictures; `Prefer: respond-async` or `?wait=SECONDS` "
        "answers 202 with a job where they take longer, a bare call 504 with the job's address. `Idempotency-Key` "
        "makes it repeatable without buying again. `Accept: image/*` answers the picture itself, `stream` the events "
        "as they happen, as text/event-stream.",
        GenerationBody,
        query=_DRY_RUN,
        example=_PICTURE_EXAMPLE,
        statuses=(200, 202),
    ),
    *(
        Operation(
            "post",
            f"/v1{each.path}",
            *_TOLD[each.path],
            each.body,
            each,
            example=_EXAMPLES.get(each.path, {"model": "studio", "image": "@picture.png"}),
            query=_DRY_RUN,
            statuses=(200, 202),
        )
        for each in PICTURE_OPERATIONS
    ),
    Operation(
        "get",
        "/v1/models",
        "List the models",
        "With aliases, capabilities, targets and prices.",
        query={
            "capabilities": "Only models with a target that has all of these, such as edit,mask",
            "provider": "Only models with a target at this provider",
        },
    ),
    Operation(
        "get",
        "/v1/models/{id}",
        "Tell one model",
        "By its name or an alias; the name may hold slashes.",
        query={"schema": "true: the JSON Schema of exactly what the model takes, in place of the model"},
    ),
    Operation("get", "/llms.txt", "Tell what is served", "In plain words, for programs that read."),
    Operation(
        "get",
        "/v1/media/{id}",
        "Fetch a picture",
        "The link comes from an answer and carries its own signature. Ranges and If-None-Match are honoured.",
        open=True,
        statuses=(200, 206, 304),
    ),
    Operation(
        "post",
        "/v1/files",
        "Send a picture once",
        "OpenAI's call: a form with `file` and `purpose`, `expires_after` if wished. Its id stands for the picture in "
        'later requests of the same key: `{"file_id": "file-..."}`.',
        form=_FILE_FORM,
    ),
    Operation(
        "get",
        "/v1/files",
        "List your files",
        "Newest first.",
        query={
            "limit": "Most files of a page, 1 to 100; 20 where it is left out.",
            "after": "Where to go on: last_id of the page before.",
            "order": "asc: oldest first.",
            "purpose": "Only files for this purpose.",
        },
    ),
    Operation("get", "/v1/files/{id}", "Tell one file", "Its size, its name, until when it is kept."),
    Operation("delete", "/v1/files/{id}", "Remove a file", "At once; other people's files are 404."),
    Operation("get", "/v1/files/{id}/content", "Fetch a file", "Its bytes, as they came."),
    Operation(
        "get",
        "/v1/jobs/{id}",
        "Tell a job",
        "Its state, and its result once it is there.",
        query={"stream": "true: its events from the first one on, as text/event-stream, until it is over."},
    ),
    Operation("delete", "/v1/jobs/{id}", "Cancel a job", "As far as its provider still allows it."),
    Operation(
        "get",
        "/v1/requests",
        "List your requests",
        "Newest first, with their attempts, and a summary of all that match. As CSV or lines of JSON: all of them.",
        query={
            **_WHICH,
            "limit": "Most rows of a page, 1 to 100; 20 where it is left out.",
            "cursor": "Where to go on: next_cursor of the page before.",
        },
    ),
    Operation("get", "/v1/requests/{id}", "Tell one request", "With its attempts, its pictures, its cost."),
    Operation(
        "delete",
        "/v1/requests/{id}/payloads",
        "Forget what a request was about",
        "Removes prompt, inputs and pictures; the row with its cost stays. Again, it changes nothing.",
    ),
    Operation(
        "get",
        "/v1/usage",
        "Sum up what you used",
        "Requests, pictures and cost by group; the last 31 days unless a window of up to 366 is named.",
        query={**_WHICH, "group_by": "key, model, provider, day; several with commas between them."},
    ),
    Operation("get", "/v1/balance", "Tell what is left of your budgets", "By day, month and total, by UTC."),
    Operation(
        "get",
        "/v1/providers",
        "Tell how providers fare",
        "Each with its targets: whether they take requests, and why not; of their last calls how many succeeded and "
        "how long those took, in seconds.",
    ),
    Operation(
        "get",
        "/v1/routes/{model}/arms",
        "Tell how a split went",
        "Your own requests of a model by the target that they began with: how many it answered itself, how many "
        "another target answered, how long its pictures took and what they cost. The last 24 hours unless a window is "
        "named.",
        query={
            "start_time": "Begin of the window, such as 2026-11-30T12:00:00Z; at most 31 days before its end.",
            "end_time": "End of the window; now where it is left out.",
        },
    ),
    Operation(
        "post",
        "/v1/providers/{provider}/webhook",
        "Take a provider's callback",
        "For providers, not for callers: it wakes the adapter that waits for the job. At most 1 MiB.",
        open=True,
        statuses=(202,),
    ),
    Operation("get", "/healthz", "Is the process alive?", "200 as long as it answers.", open=True),
    Operation(
        "get", "/readyz", "Can it be sent requests?", "503 while draining or cut off.", open=True, statuses=(200, 503)
    ),
    Operation("get", "/metrics", "Metrics", "In Prometheus' text form.", open=True),
    Operation("get", "/openapi.json", "This description", "OpenAPI 3.1.", open=True),
    Operation("get", "/docs", "This description for people", "One page, nothing loaded from elsewhere.", open=True),
)


def description(version: str) -> dict[str, Any]:
    """The whole document."""
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Heliostat",
            "version": version,
            "description": "OpenAI's Images API over many providers. Everything under /v1 also stands under "
            "/openai/v1, where links are the form of answer unless b64_json is asked for.",
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{"key": []}],
    }


_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string", "description": "A sentence that says what to do."},
                "type": {"type": "string", "enum": sorted({kind.type for kind in KINDS.values()})},
                "param": {"type": ["string", "null"], "description": "The field that is to blame."},
                "code": {"type": "string", "examples": sorted({kind.code for kind in KINDS.values()})},
            },
        }
    },
}


def _operation(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "summary": operation.summary,
        "description": operation.description,
        "responses": {
            **{str(status): {"description": "As described."} for status in operation.statuses},
            "default": {
                "description": "OpenAI's error object.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    if names:
        told["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    for name, meaning in operation.query.items():
        told.setdefault("parameters", []).append(
            {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}
        )
    if operation.open:
        told["security"] = []
    if operation.form is not None:
        told["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": operation.form}}}
    if operation.body is not None:
        told["requestBody"] = _body(operation, operation.body, schemas)
    return told


def _body(operation: Operation, model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schema.pop("description", None)
    schemas[model.__name__] = schema
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    if operation.pictures is None:
        return {"required": True, "content": {"application/json": {"schema": reference, "example": operation.example}}}
    files, named = picture_fields(operation.pictures)
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"allOf": [reference, files]}, "example": operation.example},
            "application/json": {"schema": {"allOf": [reference, named]}},
        },
    }


_BESIDE: Mapping[str, str] = {MASK: "Where to change; see mask_mode.", STYLE_IMAGE: "A picture in the style."}


def picture_fields(operation: PictureOperation) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that hold pictures, in a form and in JSON, as schemas of objects."""
    times = "; once." if operation.most == 1 else f"; up to {operation.most} times."
    files = {"image": {**_FILE, "description": f"PNG, JPEG, WebP, GIF or AVIF{times}"}}
    files |= {name: {**_FILE, "description": _BESIDE[name]} for name in operation.beside}
    return (
        {"type": "object", "required": ["image"], "properties": files},
        {"type": "object", "required": ["images"], "properties": named_pictures(operation.most, operation.beside)},
    )
