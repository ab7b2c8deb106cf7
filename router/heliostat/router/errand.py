"""One request on its way, and the branches that it is split into."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError
from heliostat.router.attempt import Attempt
from heliostat.router.branches import Branch, split
from heliostat.router.chooser import Choice
from heliostat.router.limits import Allowance
from heliostat.router.table import Target


@dataclass(slots=True)
class Errand:
    """One request on its way."""

    request_id: str
    image: request_pb2.ImageRequest
    choice: Choice
    decision: event_pb2.Decision
    allowance: Allowance
    on_unknown: request_pb2.OnUnknown
    began: float
    first_attempt: float = 0.0
    first_target: str = ""  # the one that was asked first
    branches: list[Branch] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)  # all that were made, as `UnderWay` sees them

    @property
    def patient(self) -> bool:
        """True where an attempt is waited for until the request's own deadline."""
        return self.on_unknown == request_pb2.ON_UNKNOWN_WAIT

    @property
    def exact(self) -> bool:
        """True where the number of pictures is asked for; a segmentation answers as many masks as it finds."""
        return bool(self.image.WhichOneof("operation") != "segment")

    @property
    def max_wait_s(self) -> float | None:
        """How long the caller lets the request wait for a target, in seconds; None where it does not say."""
        routing = self.image.routing
        if not routing.HasField("max_wait"):
            return None
        return float(routing.max_wait.seconds + routing.max_wait.nanos / 1e9)

    def next_target(self) -> Target:
        """The target that is likely to be asked first."""
        return self.choice.targets[0] if self.choice.targets else self.choice.held[0].target

    def is_first(self, target: Target) -> bool:
        """True for the target that is asked first."""
        return target.name == self.first_target


def branches_of(errand: Errand, most: int | None, resume: Sequence[router_pb2.ResumeAttempt]) -> list[Branch]:
    """The branches of a request whose first target gives at most `most` pictures per call (None: no limit).

    Attempts that are resumed have a branch each. Raises INVALID_FIELD for an attempt id of another form.
    """
    branches = split(max(1, errand.image.image_count), most) if errand.exact else [Branch(0, 0, 1, exact=False)]
    return [_resumed(branches, attempt) for attempt in resume] or branches


def place_of(attempt_id: str) -> tuple[int, int]:
    """Branch and ordinal of "<request>/<branch>/<ordinal>". Raises INVALID_FIELD."""
    parts = attempt_id.rsplit("/", 2)
    if len(parts) == 3 and parts[1].isascii() and parts[1].isdigit() and parts[2].isascii() and parts[2].isdigit():
        return int(parts[1]), int(parts[2])
    raise MeshError(
        reasons.ERROR_REASON_INVALID_FIELD,
        "An attempt to resume has no id of the form request/branch/ordinal.",
        field="resume",
    )


def _resumed(branches: Sequence[Branch], attempt: router_pb2.ResumeAttempt) -> Branch:
    """The branch of an earlier owner's attempt; one picture where the request is split otherwise now."""
    index = place_of(attempt.attempt_id)[0]
    branch = next((branch for branch in branches if branch.index == index), Branch(index, index, 1))
    branch.resume = attempt
    return branch
