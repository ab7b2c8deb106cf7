"""The configuration as documents, made from the settings themselves: `python -m heliostat.launch.reference example`
prints heliostat.example.yaml, `… configuration` prints docs/configuration.md."""

import inspect
import re
import sys
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from heliostat.chassis.settings import Secret, Section
from heliostat.launch.config import Process
from heliostat.launch.targets import ADAPTER, STREET, adapter_kinds, load

_COLUMNS = 118

# What stands in an example where a key has no default.
_SAMPLES: Mapping[str, str] = {
    "router.routes[].model": "flux-schnell",
    "router.routes[].targets": "",
    "router.routes[].targets[].target": "fal/fal-ai/flux/schnell",
}

_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    Decimal: "number",
    str: "text",
    Secret: "env:NAME or file:PATH",
}

_EXAMPLE_HEAD = """\
# Every key of the configuration with its default. Made by `python -m heliostat.launch.reference example`.
# Copy it to heliostat.yaml, keep what you change, and check it: `heliostat check-config`.
# A secret is a reference, env:NAME or file:PATH, and never stands here itself.
# HELIOSTAT__EDGE__PORT=8081 in the environment overrides edge.port; values are read as YAML.
"""

_DOCUMENT_HEAD = """\
# Configuration

*Made from the settings by `python -m heliostat.launch.reference configuration`; change the settings, not this page.*

`heliostat serve` reads `heliostat.yaml` where it is started, or the file that `--config` names. Every process of a
mesh may be given the same file: each reads the sections of the targets that it runs. The whole file is checked before
anything starts, unknown keys are refused, and `heliostat check-config` prints what would be used, with defaults.
[`heliostat.example.yaml`](../heliostat.example.yaml) shows every key in its place.

- **The environment overrides the file**: `HELIOSTAT__EDGE__PORT=8081` is `edge.port`. Two underscores divide names,
  values are read as YAML: `HELIOSTAT__LEDGER__LISTEN='["0.0.0.0:50051"]'`.
- **Secrets are references**: `env:NAME` or `file:PATH`. They are read when they are needed, so a file may change
  while the process runs, and they are never printed. A secret that stands in the file itself is refused.
- **Adapters** stand under `adapters` by a name of your choice. A section is served by the adapter of its own name, or
  by the one that its `kind` names: two sections may be two accounts, or two servers, of one kind.
- **Where adapters run**: a section without `address` is served in the process of `--target=all`; with an address it
  is a peer, such as `dns:///adapter-fal:9000`.

"""


@dataclass(frozen=True)
class Key:
    """One key of the configuration."""

    name: str
    field: FieldInfo

    @property
    def meaning(self) -> str:
        """What it does, in one paragraph."""
        return " ".join((self.field.description or "").split())

    @property
    def below(self) -> type[Section] | None:
        """The section that stands under it, if one does."""
        kind = self.field.annotation
        return kind if isinstance(kind, type) and issubclass(kind, Section) else None

    @property
    def item(self) -> type[Section] | None:
        """The section that each of its items is, where it is a list of them."""
        first = next(iter(get_args(self.field.annotation)), None)
        in_list = get_origin(self.field.annotation) in (tuple, list)
        return first if in_list and isinstance(first, type) and issubclass(first, Section) else None

    @property
    def default(self) -> str:
        """Its default as YAML in one line; empty where it must be given."""
        if self.field.is_required():
            return ""
        return _one_line(self.field.get_default(call_default_factory=True, validated_data={}))

    @property
    def values(self) -> str:
        """What may stand there."""
        return _kind(self.field.annotation, _bounds(self.field.metadata))


def keys(model: type[Section]) -> list[Key]:
    """The keys of a section in the order of their definition."""
    return [Key(name, field) for name, field in model.model_fields.items()]


def sections() -> Iterator[tuple[tuple[str, ...], type[Section]]]:
    """Every part's place in the tree and its settings: along the street, then the adapters by name."""
    for name in reversed(STREET):
        yield (name,), load(name).settings
    for kind in adapter_kinds():
        yield ("adapters", kind), load(ADAPTER + kind).settings


def _one_line(value: Any) -> str:
    text = yaml.safe_dump(_plain(value), default_flow_style=True, width=10_000, allow_unicode=True)
    return str(text).removesuffix("...\n").strip()


def _plain(value: Any) -> Any:
    """A default as YAML knows it; whole numbers without a point."""
    if isinstance(value, Secret):
        return value.reference
    if isinstance(value, float | Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _kind(annotation: Any, bounds: str) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        told = [_kind(each, bounds) for each in inner if each is not type(None)]
        return ", or ".join([*told, "null"] if type(None) in inner else told)
    if origin is Literal:
        return "one of " + ", ".join(_one_line(each) for each in inner)
    if bounds.startswith("one of "):
        return bounds
    if origin in (tuple, list):
        choices = get_args(inner[0]) if get_origin(inner[0]) is Literal else ()
        return _described("list of " + ", ".join(map(_one_line, choices)) if choices else "list", bounds)
    if origin is dict:
        return _described("map", bounds)
    return _described(_WORDS.get(annotation, "section"), bounds)


def _described(kind: str, bounds: str) -> str:
    return f"{kind}, {bounds}" if bounds else kind


def _bounds(metadata: list[Any]) -> str:
    """Bounds in words, such as "1 to 3600" or "above 0, at most 60"."""
    found: dict[str, Any] = {}
    for entry in metadata:
        for name in ("ge", "gt", "le", "lt", "min_length", "pattern"):
            value = getattr(entry, name, None)
            if value is not None:
                found[name] = value
    choice = re.fullmatch(r"\^\(([\w|-]+)\)\$", str(found.get("pattern", "")))
    if choice:
        return "one of " + ", ".join(choice[1].split("|"))
    if "ge" in found and "le" in found:
        return f"{_one_line(found['ge'])} to {_one_line(found['le'])}"
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    told = [f"{word} {_one_line(found[name])}" for name, word in words.items() if name in found]
    if found.get("min_length"):
        told.append("not empty")
    return ", ".join(told)


def example() -> str:
    """heliostat.example.yaml."""
    lines = _EXAMPLE_HEAD.splitlines()
    for key in keys(Process):
        lines += ["", *_yaml_of_key(key, "", "")]
    placed = ""
    for place, model in sections():
        lines.append("")
        indent = "  " * (len(place) - 1)
        if indent and placed != place[0]:
            lines += [*_comment("Providers. Remove those that you do not use.", ""), f"{place[0]}:"]
        placed = place[0]
        lines += [*_comment(_docstring(model), indent), f"{indent}{place[-1]}:"]
        lines += _yaml_of_section(model, indent + "  ", ".".join(place) + ".")
    return "\n".join(lines) + "\n"


def _yaml_of_section(model: type[Section], indent: str, path: str) -> list[str]:
    return [line for key in keys(model) for line in _yaml_of_key(key, indent, path)]


def _yaml_of_key(key: Key, indent: str, path: str) -> list[str]:
    place = path + key.name
    if key.below is not None:
        head = [*_comment(key.meaning, indent), f"{indent}{key.name}:"]
        return head + _yaml_of_section(key.below, indent + "  ", place + ".")
    head = _comment(f"{key.meaning} ({key.values})", indent)
    if key.item is None:
        return [*head, f"{indent}{key.name}: {key.default or _SAMPLES.get(place, '…')}"]
    item = _yaml_of_item(key.item, indent + "  ", place + "[].")
    if key.field.is_required():
        return [*head, f"{indent}{key.name}:", *item]
    shown = [f"{indent}# {line.removeprefix(indent)}" for line in [f"{indent}{key.name}:", *item]]
    return [*head, f"{indent}{key.name}: {key.default}", *shown]


def _yaml_of_item(model: type[Section], indent: str, path: str) -> list[str]:
    lines = _yaml_of_section(model, indent + "  ", path)
    first = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#"))
    lines[first] = f"{indent}- {lines[first].lstrip()}"
    return lines


def _comment(text: str, indent: str) -> list[str]:
    prefix = f"{indent}# "
    return textwrap.wrap(text, _COLUMNS, initial_indent=prefix, subsequent_indent=prefix, break_on_hyphens=False)


def _docstring(model: type[Section]) -> str:
    return inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0]


def configuration() -> str:
    """docs/configuration.md."""
    parts = [_DOCUMENT_HEAD + "## Every process\n\n" + _table(Process, "")]
    for place, model in sections():
        name = ".".join(place)
        parts.append(f"## `{name}`\n\n{_docstring(model)}\n\n" + _table(model, name + "."))
    return "\n".join(parts)


def _table(model: type[Section], path: str) -> str:
    rows = "".join(_rows(model, path))
    return f"| key | default | values | meaning |\n| --- | --- | --- | --- |\n{rows}"


def _rows(model: type[Section], path: str) -> Iterator[str]:
    for key in keys(model):
        place = path + key.name
        if key.below is not None:
            yield from _rows(key.below, place + ".")
            continue
        default = f"`{key.default}`" if key.default else "must be given"
        cells = (f"`{place}`", default, key.values, key.meaning)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
        if key.item is not None:
            yield from _rows(key.item, place + "[].")


def main(arguments: list[str]) -> int:
    """Prints the document that is asked for; gives the exit code."""
    documents = {"example": example, "configuration": configuration}
    if len(arguments) != 1 or arguments[0] not in documents:
        print(f"usage: python -m heliostat.launch.reference {'|'.join(documents)}", file=sys.stderr)
        return 2
    print(documents[arguments[0]](), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
