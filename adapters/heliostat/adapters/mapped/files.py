"""Mapping files, read and checked whole before anything is served: what is wrong has its line, and what to write."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path as File
from typing import Any

from pydantic import ValidationError

from heliostat.adapters.mapped.faults import faults_of
from heliostat.adapters.mapped.mapping import Mapping
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.chassis.settings import Fault, Refusal, read_text, refused, tree_of

SHIPPED = File(__file__).parent / "providers"
_ENDING = ".yaml"
_KINDS = {
    "string_type": "is no text; write it in quotes",
    "int_type": "is no whole number",
    "int_parsing": "is no whole number",
    "int_from_float": "is no whole number",
    "float_type": "is no number",
    "float_parsing": "is no number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "tuple_type": "is no list; write [ and ] around it",
    "dict_type": "is no map; write keys below it",
}


@cache
def shipped(provider: str) -> Mapping:
    """The shipped mapping of a provider. Raises INVALID_FIELD where there is none."""
    return read_mapping(SHIPPED / f"{provider}{_ENDING}")


def own(folder: str, name: str) -> Mapping | None:
    """The mapping of that name in an operator's folder; None where it has none. Raises INVALID_FIELD."""
    file = File(folder) / f"{name}{_ENDING}"
    return read_mapping(file) if file.is_file() else None


def check_folder(folder: str) -> None:
    """Reads every mapping of a folder. Raises INVALID_FIELD for the first that cannot be used, and for no folder."""
    if not File(folder).is_dir():
        raise refused(f"{folder} is no folder; write one that holds mapping files, such as ./mappings.")
    for file in sorted(File(folder).glob(f"*{_ENDING}")):
        read_mapping(file)


def read_mapping(file: File) -> Mapping:
    """One file. Raises INVALID_FIELD with the line of everything that is wrong, up to ten, and what to write."""
    text = read_text(str(file))
    faults: list[Fault] = []
    try:
        mapping = Mapping.model_validate(tree_of(text, str(file), {}))
        faults.extend(faults_of(mapping, file.stem))
    except ValidationError as error:
        faults.extend(_faults(error))
    if not faults:
        return mapping
    told = Refusal(faults).located(str(file), text).message.removeprefix("The configuration is refused. ")
    raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, f"The mapping is refused. {told}.", field="mappings")


def _faults(error: ValidationError) -> Iterator[Fault]:
    for told in error.errors(include_url=False):
        context: Any = told.get("ctx", {})
        yield Fault((*told["loc"], *context.get("place", ())), _sentence(told, context))


def _sentence(told: Any, context: Any) -> str:
    """What is wrong, and what to write instead."""
    kind, key = told["type"], told["loc"][-1] if told["loc"] else ""
    if kind == "missing":
        return f"must be given; write {key}: and its value"
    if kind == "literal_error":
        return f"{told['input']!r} is none of the words; write {context['expected']}"
    if kind == "string_pattern_mismatch":
        return f"{told['input']!r} does not fit; write what matches {context['pattern']}"
    if kind in _KINDS:
        return f"{_shown(told['input'])} {_KINDS[kind]}"
    return str(told["msg"]).removeprefix("Value error, ")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
