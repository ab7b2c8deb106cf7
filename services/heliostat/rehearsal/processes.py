"""The adapters' processes, where a supervisor keeps a file of them."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError


class Processes:
    """Kills adapters by name. `file` holds their process ids as JSON; without one nothing can be killed."""

    def __init__(self, file: str) -> None:
        self._file = Path(file) if file else None

    @property
    def known(self) -> bool:
        """Whether adapters are processes of their own here."""
        return self._file is not None

    def kill(self, adapter: str) -> None:
        """Kills an adapter's process. Raises INVALID_FIELD where they have none, RESOURCE_NOT_FOUND."""
        if self._file is None:
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                "Adapters are no processes of their own here; start the sandbox with `heliostat mesh` to kill one.",
                field="adapter",
            )
        pid = json.loads(self._file.read_text(encoding="utf-8")).get(f"adapter-{adapter}", 0)
        if not pid:
            raise MeshError(
                reasons.ERROR_REASON_RESOURCE_NOT_FOUND,
                "No adapter of this name runs now; look at the list.",
                field="adapter",
            )
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
