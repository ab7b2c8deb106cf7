"""The shape of a runnable part. A module is data; `build` makes the part from its settings and its surroundings."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from heliostat.chassis.blobs import Blobs
    from heliostat.chassis.channels import Channel
    from heliostat.chassis.clock import Clock
    from heliostat.chassis.database import Database
    from heliostat.chassis.errors import MeshError
    from heliostat.chassis.settings import PartSettings


@dataclass(frozen=True)
class Exchange:
    """One request to a provider and its answer, as they were on the wire, keys included: for a recorder to redact."""

    method: str
    url: str
    sent_headers: Mapping[str, str]
    sent: bytes
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    took_s: float


@dataclass(frozen=True)
class Service:
    """One gRPC service of a part."""

    full_name: str
    """Such as "heliostat.api.router.v1.RouterService"."""
    add: Callable[[Any, Any], None]
    """The generated add_…Servicer_to_server."""
    servicer: Any
    admin: bool = False
    """True: it is for operators and never stands on the public port."""


class Part(Protocol):
    """A running piece: what it serves, how it starts and stops."""

    @property
    def services(self) -> Sequence[Service]:
        """The gRPC services that it serves; may be empty."""

    async def start(self) -> None:
        """Begins to work; peers to the right are already up."""

    async def stop(self) -> None:
        """Ends its work; callers from the left are already gone."""


@runtime_checkable
class Reloadable(Protocol):
    """A part that takes up changed settings while it runs."""

    @property
    def live(self) -> Collection[str]:
        """Names of the settings that may change; all others need a restart."""

    def prepare(self, settings: Any) -> TakeUp:
        """Checks settings beside what runs, and makes what they need; called in a thread, changes nothing.

        Raises INVALID_FIELD.
        """

    def refused(self, error: MeshError) -> None:
        """Lets operators know that a changed configuration was refused, and why."""


TakeUp = Callable[[str, Sequence[str]], None]
"""Takes up prepared settings at once, on the loop: the name of their source, and what in it needs a restart."""


Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the addresses of a name, of one address family (AF_UNSPEC: of any). Raises OSError where it has none."""


@dataclass(frozen=True)
class Surroundings:
    """What a part may use of its process."""

    name: str
    """The part's own name, such as "adapter-fal": an adapter may run under several."""
    channel: Callable[[str], Channel]
    """Address -> channel."""
    adapters: Mapping[str, str]
    """Adapter name -> address, in the order of the configuration."""
    blobs: Blobs
    database: Callable[[], Database]
    """The database of this process, opened at first use."""
    clock: Clock
    dice: random.Random
    state_dir: Path
    sandbox: bool
    secret: Callable[[str], bytes]
    """Purpose ("media", "keys") -> 32 bytes that stay the same over restarts."""
    draining: Callable[[], bool]
    """True once the process has been asked to stop."""
    hold: Callable[[bool], None] = lambda held: None
    """Tells whoever asks for this part's health that it cannot do its work now (True), or can again (False)."""
    lookup: Lookup | None = None
    """Looks up the names of providers; the system does where absent."""
    tap: Callable[[Exchange], None] | None = None
    """Is told every exchange of an adapter with its provider's API; nobody is where absent."""


@dataclass(frozen=True)
class Module:
    """A runnable part, before it runs."""

    name: str
    """Its name on the command line: "edge", "ledger", "router" or "adapter-<kind>"."""
    section: tuple[str, ...]
    """Its place in the configuration, such as ("edge",) or ("adapters", "fal")."""
    settings: type[PartSettings]
    build: Callable[[Any, Surroundings], Part]
    check: Callable[[Any, Collection[str]], None] = lambda settings, adapters: None
    """Looks for what is wrong with settings beside the names of all configured adapters. Raises INVALID_FIELD."""
    public: bool = False
    """True: its services know their callers themselves and may face other machines."""
