"""A request as programs that send it: curl, Python, TypeScript, grpcurl. Pure.

They are to be copied and run as they are, whatever the words of the request hold: texts stand in them as JSON or as
Python's own literals, with characters that cannot be seen, or that turn the reading direction, written as escapes.
"""

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format

from heliostat.api.image.v1 import request_pb2
from heliostat.console.playground_models import TIERS

_PATHS: Mapping[str, str] = {
    "text_to_image": "generations",
    "edit": "edits",
    "segment": "segments",
    "remove_background": "backgrounds",
    "upscale": "upscales",
    "style_transfer": "styles",
    "outpaint": "outpaints",
}
# What OpenAI's own library takes by name; the rest is ours, and travels beside it.
_OPENAI = frozenset({"model", "prompt", "n", "size", "quality", "output_format", "background", "style"})


def examples(image: request_pb2.ImageRequest, edge_url: str, grpc_address: str) -> dict[str, str]:
    """Language -> program. The key is read from the environment: KEY."""
    path, body = rest_of(image)
    address = f"{edge_url}/v1/images/{path}"
    python = _openai_python(body, edge_url) if path == "generations" else _python(body, address)
    return {
        "curl": _curl({**body, "response_format": "url"}, address),
        "Python": python,
        "TypeScript": _typescript({**body, "response_format": "b64_json"}, address),
        "gRPC": _grpcurl(image, grpc_address),
    }


def rest_of(image: request_pb2.ImageRequest) -> tuple[str, dict[str, Any]]:
    """The last word of the request's path in REST, and its body."""
    step = image.WhichOneof("operation") or "text_to_image"
    body: dict[str, Any] = {"model": image.model}
    if image.prompt or step in ("text_to_image", "edit"):
        body["prompt"] = image.prompt
    if step == "edit":
        body["images"] = [{"file_id": media.file_id} for media in _pictures(image)]
        if image.edit.HasField("mask"):
            body |= {"mask": {"file_id": image.edit.mask.file_id}, "mask_mode": "white"}
        if image.edit.feather_px:
            body["mask_feather"] = image.edit.feather_px
    elif step != "text_to_image":
        body["image"] = {"file_id": getattr(image, step).image.file_id}
        body |= _of_step(image, step)
    return _PATHS[step], body | _common(image)


def _pictures(image: request_pb2.ImageRequest) -> list[Any]:
    return [image.edit.image, *(reference.image for reference in image.references)]


def _of_step(image: request_pb2.ImageRequest, step: str) -> dict[str, Any]:
    match step:
        case "upscale":
            return {"scale_factor": image.upscale.factor}
        case "segment" if image.segment.labels:
            return {"labels": list(image.segment.labels)}
        case "outpaint":
            return {side: getattr(image.outpaint, f"{side}_px") for side in ("left", "right", "top", "bottom")}
    return {}


def _common(image: request_pb2.ImageRequest) -> dict[str, Any]:
    size, output = image.size, image.output
    told: dict[str, Any] = {
        "n": image.image_count if image.image_count > 1 else None,
        "quality": request_pb2.Quality.Name(output.quality).removeprefix("QUALITY_").lower() if output.quality else "",
        "output_format": output.media_type.removeprefix("image/"),
        "background": (
            request_pb2.Background.Name(output.background).removeprefix("BACKGROUND_").lower()
            if output.background
            else ""
        ),
        "style": image.style,
        "negative_prompt": image.negative_prompt,
        "seed": image.seed if image.HasField("seed") else None,
        "resolution": TIERS.get(size.aspect.tier, ""),
    }
    if size.HasField("pixels"):
        told["size"] = f"{size.pixels.width_px}x{size.pixels.height_px}"
    elif size.aspect.width_ratio:
        told["size"] = f"{size.aspect.width_ratio}:{size.aspect.height_ratio}"
    return {name: value for name, value in told.items() if value not in (None, "")}


def _curl(body: Mapping[str, Any], address: str) -> str:
    return (
        f'curl -sS {address} \\\n  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n'
        f"  --data-binary @- <<'END'\n{_json(body)}\nEND\n"
    )


def _grpcurl(image: request_pb2.ImageRequest, address: str) -> str:
    asked = {"image": json_format.MessageToDict(image, preserving_proto_field_name=True)}
    return (
        f'grpcurl -plaintext -H "authorization: Bearer $KEY" -d @ \\\n  {address} '
        f"heliostat.api.router.v1.RouterService/Generate <<'END'\n{_json(asked)}\nEND\n"
    )


def _openai_python(body: Mapping[str, Any], edge_url: str) -> str:
    named = {name: value for name, value in body.items() if name in _OPENAI}
    named |= {"response_format": "b64_json"}
    lines = [f"    {name}={_literal(value)},\n" for name, value in named.items()]
    rest = {name: value for name, value in body.items() if name not in _OPENAI}
    if rest:
        lines.append(f"    extra_body={_literal(rest)},\n")
    return (
        "import base64\nimport os\nfrom pathlib import Path\n\nfrom openai import OpenAI\n\n"
        f'client = OpenAI(base_url={_literal(edge_url + "/v1")}, api_key=os.environ["KEY"])\n'
        f"answer = client.images.generate(\n{''.join(lines)})\n{_SAVED_BY_OPENAI}"
    )


_SAVED_BY_OPENAI = """\
metadata = answer.model_extra["metadata"]
for number, picture in enumerate(answer.data):
    file = Path(f"picture_{number}.{metadata['images'][number]['format']}")
    file.write_bytes(base64.b64decode(picture.b64_json))
    print(file)
print("cost", metadata["cost"], "USD, by", metadata["provider"])
"""


def _python(body: Mapping[str, Any], address: str) -> str:
    fields = "".join(
        f"    {_literal(name)}: {_literal(value)},\n" for name, value in {**body, "response_format": "b64_json"}.items()
    )
    return (
        "import base64\nimport os\nfrom pathlib import Path\n\nimport httpx\n\n"
        f"body = {{\n{fields}}}\n"
        f"answer = httpx.post(\n    {_literal(address)},\n"
        '    headers={"Authorization": f"Bearer {os.environ[\'KEY\']}"},\n    json=body,\n    timeout=300,\n)\n'
        f"{_SAVED}"
    )


_SAVED = """\
told = answer.json()
if answer.is_error:
    raise SystemExit(told["error"]["message"])
for number, picture in enumerate(told["data"]):
    file = Path(f"picture_{number}.{told['metadata']['images'][number]['format']}")
    file.write_bytes(base64.b64decode(picture["b64_json"]))
    print(file)
print("cost", told["metadata"]["cost"], "USD, by", told["metadata"]["provider"])
"""


def _typescript(body: Mapping[str, Any], address: str) -> str:
    return (
        'import { writeFile } from "node:fs/promises";\n\n'
        f"const answer = await fetch({_json(address)}, {{\n"
        '  method: "POST",\n'
        '  headers: { Authorization: `Bearer ${process.env.KEY}`, "Content-Type": "application/json" },\n'
        f"  body: JSON.stringify({_indented(_json(body))}),\n}});\n"
        f"{_SAVED_IN_TYPESCRIPT}"
    )


_SAVED_IN_TYPESCRIPT = """\
const told = await answer.json();
if (!answer.ok) throw new Error(told.error.message);
for (const [number, picture] of told.data.entries()) {
  const file = `picture_${number}.${told.metadata.images[number].format}`;
  await writeFile(file, Buffer.from(picture.b64_json, "base64"));
  console.log(file);
}
console.log("cost", told.metadata.cost, "USD, by", told.metadata.provider);
"""


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _json(value: Any) -> str:
    """JSON that shows what it holds: what turns, hides or breaks a line is an escape."""
    return "".join(map(_seen, json.dumps(value, ensure_ascii=False, indent=2)))


def _seen(character: str) -> str:
    if character in " \n" or unicodedata.category(character)[0] not in "CZ":
        return character
    code = character.encode("utf-16-be")
    return "".join(f"\\u{code[at]:02x}{code[at + 1]:02x}" for at in range(0, len(code), 2))


def _literal(value: Any) -> str:
    """A Python literal. repr() escapes what cannot be seen."""
    if isinstance(value, str):
        return json.dumps(value) if value.isascii() and value.isprintable() else repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(name)}: {_literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)
