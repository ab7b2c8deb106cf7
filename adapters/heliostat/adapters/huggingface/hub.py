"""What providers call a model: asked of the Hub, and remembered.

Source: GET /api/models/{owner}/{name}?expand[]=inferenceProviderMapping as the official clients ask it (huggingface.js
2026-08-21), read 2026-11-22. The mapping is an object by provider or, newer, a list with `provider` in each row.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from heliostat.adapters.huggingface.endpoints import HF, Endpoint
from heliostat.adapters.sdk import Call, MeshError, ProviderClient
from heliostat.api.image.v1 import reason_pb2 as reasons

# It becomes a part of a path: no empty, no dotted steps.
_ID = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,95}/){0,5}[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,160}", re.ASCII)
_MOST_KEPT = 512


class Hub:
    """The Hub's mapping of models, each believed for `names_s` seconds."""

    def __init__(self, address: str, names_s: float, http: ProviderClient) -> None:
        self._address = address
        self._names_s = names_s
        self._http = http
        self._kept: dict[str, tuple[float, dict[str, tuple[str, str]]]] = {}

    async def id_of(self, endpoint: Endpoint, name: str, call: Call) -> str:
        """The provider's own name of the Hub's model `name`. Raises PROVIDER_MODEL_GONE where it does not serve it."""
        if endpoint.provider == HF:
            return name
        found = (await self._mapping(name, call)).get(endpoint.provider)
        if found is None or found[1] not in {"", endpoint.task}:
            message = (
                f"{endpoint.provider} does not serve {name} for {endpoint.task} through Hugging Face at present; "
                "choose another model."
            )
            raise call.error(reasons.ERROR_REASON_PROVIDER_MODEL_GONE, message, phase="prepare")
        return found[0]

    def forget(self, name: str) -> None:
        """A provider did not know its own name any more: ask again next time."""
        self._kept.pop(name, None)

    async def _mapping(self, name: str, call: Call) -> dict[str, tuple[str, str]]:
        now = call.clock.monotonic()
        kept = self._kept.get(name)
        if kept is not None and now < kept[0] + self._names_s:
            return kept[1]
        try:
            url = f"{self._address}/api/models/{name}?expand%5B%5D=inferenceProviderMapping"
            answer = await self._http.get(url, call, phase="prepare")
            mapping = dict(_rows(answer.json_or_none()))
        except MeshError as error:
            # What was true an hour ago is better than no picture.
            if kept is None or error.reason == reasons.ERROR_REASON_PROVIDER_MODEL_GONE:
                raise
            return kept[1]
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[name] = (now, mapping)
        return mapping


def _rows(answer: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """provider -> (its name of the model, the task), of whatever is sound in an answer."""
    told = answer.get("inferenceProviderMapping") if isinstance(answer, Mapping) else None
    listed = told if isinstance(told, list) else []
    if isinstance(told, Mapping):
        listed = [{**row, "provider": provider} for provider, row in told.items() if isinstance(row, Mapping)]
    for row in listed:
        if not isinstance(row, Mapping):
            continue
        provider, own, task = row.get("provider"), row.get("providerId"), row.get("task")
        if isinstance(provider, str) and isinstance(own, str) and _ID.fullmatch(own):
            yield provider, (own, task if isinstance(task, str) else "")
