"""Kubernetes' own schemas, as the package kubernetes_validate carries them: each is read once."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
from referencing import Registry, Resource

_SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


def check_schema(manifest: dict[str, Any], version: str) -> None:
    """Raises ValidationError for an object with a field that Kubernetes `version`, as 1.30, does not know, or without
    one that it wants; FileNotFoundError for a kind that it does not know.
    """
    group, _, number = manifest["apiVersion"].rpartition("/")
    kind = "-".join(filter(None, (manifest["kind"].lower(), group.partition(".")[0], number)))
    _validator(version, kind).validate(manifest)


@cache
def _validator(version: str, kind: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((_folder(version) / f"{kind}.json").read_text("utf-8"))
    return jsonschema.Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _definitions(version))


@cache
def _definitions(version: str) -> "Registry[Any]":
    return Resource.from_contents(json.loads((_folder(version) / "_definitions.json").read_text("utf-8"))) @ Registry()


def _folder(version: str) -> Path:
    (folder,) = _SCHEMAS.glob(f"v{version}*-local-strict")
    return folder
