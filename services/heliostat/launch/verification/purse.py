"""What a verification may spend: every attempt is reserved before it is made, and settled by what it cost."""

from dataclasses import dataclass

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError


@dataclass
class Purse:
    """Amounts are in micro-dollars."""

    cap_micros: int
    each_micros: int
    """What a picture is expected to cost."""
    spent_micros: int = 0
    unsettled_micros: int = 0
    """Of what was spent, the expected cost of attempts whose real one nobody knows."""
    picture_count: int = 0

    def room_for(self, pictures: int) -> bool:
        """Whether so many more may be bought."""
        return self.spent_micros + pictures * self.each_micros <= self.cap_micros

    def reserve(self, pictures: int) -> int:
        """Takes the expected cost out, before anything is bought; gives it. Raises BUDGET_EXHAUSTED."""
        if not self.room_for(pictures):
            raise MeshError(
                reasons.ERROR_REASON_BUDGET_EXHAUSTED, "The next picture may pass --max-cost; nothing more is bought."
            )
        expected = pictures * self.each_micros
        self.spent_micros += expected
        self.unsettled_micros += expected
        self.picture_count += pictures
        return expected

    def settle(self, expected_micros: int, cost_micros: int) -> None:
        """Puts the real cost in the place of the expected one."""
        self.spent_micros += cost_micros - expected_micros
        self.unsettled_micros -= expected_micros

    def give_back(self, expected_micros: int, pictures: int) -> None:
        """Nothing was bought after all."""
        self.settle(expected_micros, 0)
        self.picture_count -= pictures
