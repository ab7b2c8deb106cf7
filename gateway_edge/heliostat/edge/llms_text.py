"""/llms.txt: what is served here, in plain words for programs that read. Pure."""

from collections.abc import Iterable, Iterator

from heliostat.api.image.v1 import capability_pb2
from heliostat.api.router.v1 import router_pb2

_HEAD = """# Heliostat

> An AI image gateway: OpenAI's Images API in front of many providers, with failover, costs and kept pictures.

Send `Authorization: Bearer KEY`. The stock OpenAI SDKs work with base URL `/v1`.

## Calls

- POST /v1/images/generations: JSON; `model`, `prompt`, and `n`, `size` ("1024x1024", "16:9", "auto"), `quality`, \
`seed`, `output_format`, `response_format` (url, b64_json) if wanted
- POST /v1/images/edits: multipart with `image` (one or several) and `mask`, or JSON with `images` and `mask`
- any of these with `?dryRun=true`: what it costs at each provider, without buying
- any of these with the header `Idempotency-Key`: a repetition gives the same pictures and costs nothing
- GET /v1/jobs/{id}: a request that outlived its connection
- GET /v1/models/{id}?schema=true: JSON Schema of what one model takes
- GET /openapi.json: everything

## Models
"""


def overview(models: Iterable[router_pb2.Model]) -> str:
    """The text, one line for each model."""
    return _HEAD + "".join(f"\n- {line}" for line in map(_line, models)) + "\n"


def _line(model: router_pb2.Model) -> str:
    described = f": {model.description}" if model.description else ""
    return f"{model.name}{described} ({', '.join(_abilities(model))}; {', '.join(_providers(model))})"


def _abilities(model: router_pb2.Model) -> list[str]:
    operations = {operation for target in model.targets for operation in target.capability.operations}
    names = (capability_pb2.Operation.Name(each) for each in sorted(operations))
    return [name.removeprefix("OPERATION_").lower().replace("_", " ") for name in names] or ["nothing now"]


def _providers(model: router_pb2.Model) -> Iterator[str]:
    return iter(dict.fromkeys(target.provider or target.target for target in model.targets))
