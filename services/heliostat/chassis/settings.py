"""One configuration tree: a YAML file, overridden by the environment, as frozen models that refuse unknown keys.

A secret is never written down: it is a reference, `env:NAME` or `file:PATH`, read late and never printed.
`HELIOSTAT__EDGE__PORT=8081` overrides `edge.port`; values are read as YAML.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.chassis.lines import Lines, Place
from heliostat.chassis.secret_files import SecretFile
from heliostat.chassis.yaml_text import values_of

ENVIRONMENT_PREFIX = "HELIOSTAT__"
_MOST_TOLD = 10


class Section(BaseModel):
    """A part of the configuration: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PartSettings(Section):
    """What the configuration of every runnable part may say."""

    listen: tuple[str, ...] = ()
    """Addresses at which gRPC is served: "unix:/path" or "host:port". Empty: in this process only."""


class Secret:
    """A reference to a secret: `env:NAME` or `file:PATH`. It prints as the reference."""

    __slots__ = ("_file", "reference")

    def __init__(self, reference: str) -> None:
        if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+", reference):
            raise ValueError("a secret is written as env:NAME or file:PATH, never in the configuration itself")
        self.reference = reference
        self._file: SecretFile | None = None

    def _read(self) -> str:
        kind, _, place = self.reference.partition(":")
        if kind == "env":
            return os.environ.get(place, "").strip()
        if self._file is None:
            self._file = SecretFile(place)
        return self._file.read()

    def present(self) -> bool:
        """True where the reference leads to something."""
        return bool(self._read())

    def reveal(self) -> str:
        """The secret itself, as the file has it now; see secret_files.py. Raises PROVIDER_AUTH_FAILED where there is
        none.
        """
        secret = self._read()
        if not secret:
            raise MeshError(
                reasons.ERROR_REASON_PROVIDER_AUTH_FAILED,
                f"No secret at {self.reference}; set it and try again.",
                reference=self.reference,
            )
        return secret

    def __repr__(self) -> str:
        return f"Secret({self.reference})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reference == self.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, Secret) else cls(str(value)),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda secret: secret.reference),
        )


class LogSettings(Section):
    """Where the log goes."""

    level: str = Field("info", pattern="^(debug|info|warning|error)$")
    """Least level that is written: debug, info, warning or error."""
    file: str = ""
    """File to append to; empty: standard error."""


class TelemetrySettings(Section):
    """Where spans and metrics go."""

    otlp_endpoint: str = ""
    """OTLP receiver over gRPC, such as "http://127.0.0.1:4317"; empty: spans are not exported."""
    metrics_listen: str = ""
    """host:port at which processes without an edge serve Prometheus metrics; empty: they do not."""


class TlsSettings(Section):
    """Certificates of the mesh, read from files and read again when the files change."""

    certificate: str = ""
    """PEM chain of this process; empty: no TLS."""
    key: str = ""
    """PEM key of this process."""
    authority: str = ""
    """PEM certificates that peers must be signed by; set on both sides it makes the mesh mutual."""
    server_name: str = ""
    """Name that peers' certificates carry where it differs from their address."""


class MeshSettings(Section):
    """What services share when they call each other."""

    token: Secret | None = None
    """Secret that inner services demand of their callers; not needed on loopback and unix sockets."""
    tls: TlsSettings = TlsSettings()
    """Certificates."""
    drain_s: float = Field(30.0, ge=0)
    """Seconds that calls under way are given when a process stops."""
    notice_s: float = Field(0.5, ge=0, le=60)
    """Seconds for which a process that is asked to stop says so, and still takes calls: callers and balancers that ask
    for its health go elsewhere meanwhile."""


class BlobSettings(Section):
    """Where pictures are kept."""

    url: str = ""
    """file:///folder, memory://, s3://bucket/prefix, gs://… or az://…; empty: a folder under state_dir."""
    options: dict[str, str] = {}
    """Options of the object store, such as endpoint or region; credentials come from its usual environment."""
    min_free_mb: int = Field(64, ge=0)
    """A folder only: megabytes that its disk must have free, or nothing new is taken on."""


class DatabaseSettings(Section):
    """Where rows are kept."""

    url: str = ""
    """sqlite:///path or postgresql://…; empty: a file under state_dir."""
    url_secret: Secret | None = None
    """The same as a reference, for an address that holds a password."""
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """SQLite only: FULL survives a power cut, NORMAL a crash of the process."""
    wait_s: float = Field(2.0, ge=0.1, le=60)
    """Most seconds that a read or write waits for the database; after that it is taken for down."""
    readers: int = Field(2, ge=1, le=64)
    """Connections that read; one that writes and one for reports come on top."""


class AdminSettings(Section):
    """The operators' door."""

    listen: str = ""
    """Address of the admin services. Empty: a unix socket under state_dir, mode 0600, which stands beside a host:port
    as well."""


def read_text(path: str) -> str:
    """The text of a configuration. Raises INVALID_FIELD with a sentence that names the file."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise refused(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise refused(f"{path} is not text in UTF-8.") from None


def tree_of(text: str, path: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """The text of `path` as nested dictionaries, what the environment overrides included. Raises INVALID_FIELD."""
    try:
        tree = values_of(text) or {}
    except yaml.YAMLError as error:
        raise refused(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise refused(f"{path} must hold sections such as `edge:` and `router:`.")
    for name, value in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX):
            _override(tree, name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"), yaml.safe_load(value))
    return tree


def read_tree(path: str | None, environment: Mapping[str, str]) -> dict[str, Any]:
    """The configuration as nested dictionaries. Raises INVALID_FIELD with a sentence that names file and place."""
    return tree_of("" if path is None else read_text(path), path or "the environment", environment)


def _override(tree: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise refused(f"The environment overrides {'.'.join(keys)}, but {key} is not a section.")
    tree[keys[-1]] = value


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place of the configuration, and what to write instead."""

    place: Place
    sentence: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.place))}: {self.sentence}" if self.place else self.sentence


class Refusal(MeshError):
    """A configuration that cannot be used, with all that is wrong with it."""

    def __init__(self, faults: Sequence[Fault], told: Sequence[str] = ()) -> None:
        """`told` are the faults as sentences, where they say more than their places."""
        told = list(told or map(str, faults))
        more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
        super().__init__(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"The configuration is refused. {'; '.join(told[:_MOST_TOLD])}{more}",
            field="configuration",
        )
        self.faults = tuple(faults)

    def located(self, path: str, text: str) -> "Refusal":
        """The same with the line of each fault: "heliostat.yaml:12: router.routes.0.model: …"."""
        lines = Lines(text)
        told = []
        for fault in self.faults:
            line = lines.of(fault.place)
            told.append(f"{path}:{line}: {fault}" if line is not None else str(fault))
        return Refusal(self.faults, told)


def fault(sentence: str, *place: str | int) -> PydanticCustomError:
    """What a validator of a section raises for something that is wrong at a place below it."""
    return PydanticCustomError("fault", "{sentence}", {"sentence": sentence, "place": place})


def parse(model: type[Section], tree: Any, place: str) -> Any:
    """One section as its model. Raises INVALID_FIELD naming every key that is wrong, and why."""
    try:
        return model.model_validate(_piecewise(model, tree) if isinstance(tree, dict) else tree or {})
    except ValidationError as error:
        above = place.split(".") if place else []
        raise Refusal([_fault(above, each) for each in error.errors()]) from None


def _piecewise(model: type[Section], tree: dict[str, Any]) -> dict[str, Any]:
    """The section with what is good in its lists made already.

    Pydantic lets no other thread run while it works: ten thousand routes in one go would hold up every request.
    """
    made = dict(tree)
    for name, field in model.model_fields.items():
        (item, *_) = get_args(field.annotation) or (None,)
        listed = tree.get(name)
        if isinstance(listed, list) and isinstance(item, type) and issubclass(item, Section):
            made[name] = [_made(item, each) for each in listed]
    return made


def _made(model: type[Section], tree: Any) -> Any:
    """The section as its model, or as it is where something is wrong with it: that is told with everything else."""
    try:
        return model.model_validate(tree)
    except ValidationError:
        return tree


def _fault(above: Sequence[str], told: Any) -> Fault:
    below = told.get("ctx", {}).get("place", ())
    return Fault((*above, *told["loc"], *below), _sentence(told))


def _sentence(told: Any) -> str:
    if told["type"] == "extra_forbidden":
        return "unknown key; `heliostat check-config` prints the known ones"
    sentence = str(told["msg"]).removeprefix("Value error, ")
    least = told.get("ctx", {}).get("ge")
    if told["type"] == "greater_than_equal" and least is not None:
        return f"{sentence}; write {least:g} or more instead of {told['input']}"
    return sentence


def refused(message: str) -> MeshError:
    """The error of a configuration that cannot be used."""
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="configuration")
