"""Documents made from the code itself: `python -m heliostat.launch.reference example` prints heliostat.example.yaml,
any other name the page of that name in docs/."""

import inspect
import re
import sys
import textwrap
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry as names
from heliostat.chassis.errors import GRPC_CODE, reason_name, reason_of
from heliostat.chassis.settings import Secret, Section, refused
from heliostat.launch import cli_page, failure_page, models_page, provider_page
from heliostat.launch.config import Process
from heliostat.launch.meanings import meanings
from heliostat.launch.remedies import TO_DO
from heliostat.launch.spoken import ATTRIBUTES, LABELS
from heliostat.launch.targets import ADAPTER, STREET, adapter_kinds, load

_COLUMNS = 118
# Sections that only the sandbox writes: elsewhere they are refused.
_SANDBOX_ONLY = ("rehearsal",)

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
  by the one that its `kind` names: two sections may be two servers of one kind. Several keys of one provider stand
  under `accounts` of one section, see [provider_keys.md](provider_keys.md).
- **Where adapters run**: a section without `address` is served in the process of `--target=all`; with an address it
  is a peer, such as `dns:///adapter-fal:9000`.

"""

_ERRORS_HEAD = """\
# Errors

*Made by `python -m heliostat.launch.reference errors` from the contract and three tables: chassis, router, edge.*

Whatever fails, fails for one reason of a closed set, `ErrorReason` of
[`reason.proto`](../protos/heliostat/api/image/v1/reason.proto). Attempts, traces and metrics write it as below. REST
answers with OpenAI's error object: `param` names the field to blame, 429 and 503 carry `Retry-After`, and
`x-should-retry: false` says that asking again cannot help or may buy twice. [rest_api.md](rest_api.md#errors) lists
what the edge refuses by itself, [grpc_clients.md](grpc_clients.md) what gRPC carries beside its code.

**Fail over**: may another target be asked? *never*: it would fail there too, or an operator has to know. *if free*: at
once where it is certain that nothing was bought; else `on_unknown` of the request or the route decides, whose default,
`next`, asks on and lists both attempts. *route*: as *if free* on routes with `content_failover: true`, else never.
*account*: only another account of the same provider, where that is certain to be free. Once a final picture has begun
to arrive, no other target is asked.

**Health**: what it says of the target; `heliostat admin targets` shows the sum of it. *none*: nothing, the request is
to blame. *counts*: one more failure. *pause*: it works, and wants to be left alone. *out*: somebody has to mend it.

"""

_TELEMETRY_HEAD = """\
# Telemetry

*Made by `python -m heliostat.launch.reference telemetry` from the list of names in chassis/telemetry.py.*

**Spans** go by OTLP over gRPC to any collector, from every process whose `telemetry.otlp_endpoint` names one, such as
`HELIOSTAT__TELEMETRY__OTLP_ENDPOINT=http://127.0.0.1:4317 make run`. `http://` is plain text, `https://` is TLS.
Nothing is sampled; let the collector do that.

**Metrics** are Prometheus text at `/metrics` of the edge (`curl http://127.0.0.1:8080/metrics`); a process without an
edge serves them at the `host:port` of `telemetry.metrics_listen`. [`compose.yaml`](../compose.yaml) runs a collector,
`components/telemetry` of [`k8s`](../k8s/README.md) too.

## Spans

```
POST /v1/images/generations        edge      server
└─ generate <model>                generate  internal   the whole request, in the ledger
   └─ attempt 1 <target>           attempt   client     one for each target that is asked
      └─ adapter generate <model>  adapter   internal   the adapter's work
         ├─ POST <adapter>         call      client     one for each HTTP call: submits, polls, cancels
         └─ GET picture            call      client     a picture that is fetched
```

A caller's `traceparent` is continued. The trace id stands in the answer (`x-heliostat-trace-id`), in the log and in the
ledger's row, with and without a collector. What is replayed or joined has an edge span only: the work is in the first
request's trace. A failed span has the status ERROR and `error.type`: the reason, or an exception's type, never text. A
process tells `service.name` (`heliostat-edge`, `heliostat-core`), `service.namespace` and `heliostat.parts`.

"""

_NEVER = """\
## What is never recorded

Prompts, pictures, masks, keys of callers and providers, idempotency keys, headers, bodies, query strings: not in spans,
not in metrics, not in the log. Texts of errors are in no span and no metric. A model's name is in spans as it was asked
for, in metrics only where a target was asked. `url.path`, a path at the provider, may hold a job's id.
"""


@dataclass(frozen=True)
class Key:
    """One key of the configuration."""

    name: str
    field: FieldInfo
    meaning: str
    """What it does, in one paragraph."""

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
    told = meanings(model)
    return [Key(name, field, " ".join(told.get(name, "").split())) for name, field in model.model_fields.items()]


def sections() -> Iterator[tuple[tuple[str, ...], type[Section]]]:
    """Every part's place in the tree and its settings: along the street, then the adapters by name."""
    for name in reversed(STREET):
        if name not in _SANDBOX_ONLY:
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
    return _tabled(("key", "default", "values", "meaning"), _rows(model, path))


def _tabled(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; a bar within a cell is not the end of it."""
    lines = [list(head), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _rows(model: type[Section], path: str) -> Iterator[tuple[str, ...]]:
    for key in keys(model):
        place = path + key.name
        if key.below is not None:
            yield from _rows(key.below, place + ".")
            continue
        default = f"`{key.default}`" if key.default else "must be given"
        yield f"`{place}`", default, key.values, key.meaning
        if key.item is not None:
            yield from _rows(key.item, place + "[].")


def errors() -> str:
    """docs/errors.md. Raises INVALID_FIELD where there is no checkout to read the contract's comments from."""
    told = _reasons_told()
    head = ("reason", "`code`", "`type`", "gRPC", "HTTP", "fail over", "health")
    table = _tabled(head, map(_reason_row, map(reason_of, told)))
    meanings = _tabled(("reason", "means", "to do"), ((f"`{name}`", told[name], TO_DO[name]) for name in told))
    return f"{_ERRORS_HEAD}{table}\n## What each means, and what to do\n\n{meanings}"


def _reason_row(number: int) -> tuple[str, ...]:
    rule = import_module("heliostat.router.policy").POLICY[number]
    kind = import_module("heliostat.edge.problems").KINDS[number]
    words = (f"`{word}`" for word in (reason_name(number), kind.code, kind.type, GRPC_CODE[number].name))
    return *words, str(kind.status), rule.fail_over.value, rule.mark.value


def _reasons_told() -> dict[str, str]:
    """Reason -> the contract's sentences about it, in the contract's order. Compiled code has no comments."""
    file = Path(__file__).parents[3] / "protos" / "heliostat" / "api" / "image" / "v1" / "reason.proto"
    if not file.is_file():
        raise refused("The sentences about reasons are comments of reason.proto; run this in a checkout.")
    values = re.findall(r"((?:^  //.*\n)+)  ERROR_REASON_\w+ = (\d+);", file.read_text(encoding="utf-8"), re.MULTILINE)
    told = {int(number): " ".join(comment.replace("//", " ").split()) for comment, number in values}
    return {reason_name(each): told[each] for each in reasons.ErrorReason.values() if each}


def telemetry() -> str:
    """docs/telemetry.md."""
    constants = [value for name, value in vars(names).items() if name.isupper() and name[0] != "_"]
    carried = _tabled(("attribute", "on", "meaning"), ((f"`{each}`", *ATTRIBUTES[each]) for each in ATTRIBUTES))
    spare = ", ".join(f"`{each}`" for each in constants if isinstance(each, str) and each not in ATTRIBUTES)
    beside = f"\nReserved, and on no span of this version: {spare}.\n" if spare else ""
    metrics = [_metric(each) for each in constants if hasattr(each, "describe")]
    measured = _tabled(("metric", "kind", "labels", "meaning"), metrics)
    used = sorted({label for row in metrics for label in row[2].split(", ") if label})
    labels = _tabled(("label", "says"), ((label, LABELS[label.strip("`")]) for label in used))
    return f"{_TELEMETRY_HEAD}{carried}{beside}\n## Metrics\n\n{measured}\n{labels}\n{_NEVER}"


def _metric(metric: Any) -> tuple[str, ...]:
    (told,) = metric.describe()
    name = f"{told.name}_total" if told.type == "counter" else told.name
    return f"`{name}`", told.type, ", ".join(f"`{label}`" for label in metric._labelnames), told.documentation


def rest_api() -> str:
    """docs/rest_api.md as it stands, with its tables of providers made anew. Works in a checkout."""
    return _around("rest_api", provider_page.BEGIN, provider_page.made(), provider_page.END)


def money() -> str:
    """docs/money.md as it stands, with its table of failures made anew. Works in a checkout."""
    return _around("money", failure_page.BEGIN, failure_page.made(), failure_page.END)


def _around(name: str, begin: str, made: str, end: str) -> str:
    """A page that is written by hand, with what is made between its marks. Raises INVALID_FIELD outside of a checkout,
    ValueError where the page has no marks.
    """
    file = Path(__file__).parents[3] / "docs" / f"{name}.md"
    if not file.is_file():
        raise refused("This page is written by hand around what is made; run this in a checkout.")
    head, _, rest = file.read_text(encoding="utf-8").partition(begin)
    _, mark, tail = rest.partition(end)
    if not mark:
        raise ValueError(f"{file.name} has no marks to put the table between")
    return f"{head}{begin}{made}\n{end}{tail}"


def main(arguments: list[str]) -> int:
    """Prints the document that is asked for; gives the exit code."""
    documents = {
        "example": example,
        "configuration": configuration,
        "errors": errors,
        "telemetry": telemetry,
        "rest_api": rest_api,
        "money": money,
        "models": models_page.page,
        "cli": cli_page.page,
    }
    if len(arguments) != 1 or arguments[0] not in documents:
        print(f"usage: python -m heliostat.launch.reference {'|'.join(documents)}", file=sys.stderr)
        return 2
    print(documents[arguments[0]](), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
