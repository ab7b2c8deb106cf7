"""What the rooms of the edge share: whom they ask, how links are made, what time it is."""

from collections.abc import Callable
from dataclasses import dataclass

from heliostat.api.ledger.v1.ledger_pb2_grpc import LedgerServiceStub
from heliostat.api.router.v1.router_pb2_grpc import RouterServiceStub
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.channels import Channel
from heliostat.chassis.clock import Clock
from heliostat.edge.from_proto import Link
from heliostat.edge.links import Signer, expiry, link_base
from heliostat.edge.settings import EdgeSettings
from heliostat.edge.visit import Visit

# A call is given this much longer than its caller waits: the answer "it goes on" has to come back too.
GRACE_S = 15.0
# How long the small questions (models, jobs) may take.
SMALL_CALL_S = 10.0
# When it is worth asking again for a job that is under way, in seconds.
ASK_AGAIN_S = 2


@dataclass(slots=True)
class Desk:
    """The edge's tools. `listening_on` is set once the listener stands."""

    settings: EdgeSettings
    channel: Channel
    blobs: Blobs
    clock: Clock
    signer: Signer
    sandbox: bool
    draining: Callable[[], bool]
    router: RouterServiceStub
    ledger: LedgerServiceStub
    listening_on: str = ""

    def link_maker(self, visit: Visit) -> Link:
        """Makes links for the caller of this visit."""
        base = link_base(self.settings.public_url, self.listening_on, visit.header(b"host"), sandbox=self.sandbox)

        def link(media_id: str, kept_until: int, sha256: bytes) -> str:
            end = expiry(self.clock.time(), self.settings.media_link_s, kept_until)
            return self.signer.link(base, media_id, end, sha256)

        return link

    def elapsed_ms(self, visit: Visit) -> int:
        """Milliseconds since the visit began."""
        return int((self.clock.monotonic() - visit.started) * 1000)
