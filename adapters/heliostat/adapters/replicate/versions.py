"""Which version of a community model is run: the operator's, or the newest one, asked for once an hour.

Source: Replicate's HTTP API (models, 2026), read 2026-11-22. Official models run by name and need none.
"""

import re
from collections.abc import Mapping

from heliostat.adapters.sdk import Call, ProviderClient
from heliostat.api.image.v1 import reason_pb2 as reasons

KEPT_S = 3600.0
_VERSION = re.compile(r"[0-9a-f]{64}")


class Versions:
    """Versions by model, shared by all attempts."""

    def __init__(self, pinned: Mapping[str, str]) -> None:
        self._pinned = pinned
        self._known: dict[str, tuple[str, float]] = {}

    async def version_of(self, model: str, http: ProviderClient, call: Call) -> str:
        """The version to run. Raises PROVIDER_MODEL_GONE, and PROVIDER_ANSWER_INVALID where Replicate names none."""
        if model in self._pinned:
            return self._pinned[model]
        version, known_s = self._known.get(model, ("", 0.0))
        if version and call.clock.monotonic() - known_s < KEPT_S:
            return version
        answer = await http.get(f"/models/{model}", call, phase="prepare")
        newest = answer.json().get("latest_version")
        version = newest.get("id", "") if isinstance(newest, dict) else ""
        if not isinstance(version, str) or _VERSION.fullmatch(version) is None:
            message = f"Replicate names no version of {model}; set one in versions, or choose another model."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="prepare")
        self._known[model] = (version, call.clock.monotonic())
        return version
