"""Seeds: sent as they are where the provider takes them, else brought between its bounds, and told."""

from typing import Any

import pytest

from heliostat.adapters.automatic1111.catalog import MODELS as WEB_UI
from heliostat.adapters.dashscope.body import make_body as dashscope_body
from heliostat.adapters.dashscope.catalog import SINGAPORE
from heliostat.adapters.dashscope.options import DashScopeOptions
from heliostat.adapters.sdk.pictures import Pictures
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.adapters.seedream.body import make_body as seedream_body
from heliostat.adapters.seedream.catalog import MODELS as SEEDREAM
from heliostat.adapters.seedream.options import SeedreamOptions
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from tests.adapters.emulated import call_of

ANY = WEB_UI.get("loaded")
MOST_31 = 2**31 - 1


@pytest.mark.parametrize(
    ("wanted", "least", "most", "sent"),
    [
        (0, 0, 9, 0),
        (9, 0, 9, 9),
        (10, 0, 9, 0),
        (-1, 0, 9, 9),
        (0, 1, 9, 1),
        (2**63 - 1, 1, 2**63 - 1, 2**63 - 1),
        (-(2**63), 1, 2**63 - 1, 2**63 - 1),
    ],
)
def test_a_seed_ends_between_the_bounds(wanted: int, least: int, most: int, sent: int) -> None:
    """The same one for the same wish; what was changed is told, and nothing else."""
    call = call_of(ANY, seed=wanted)
    assert seed_between(call, least, most) == sent
    told = [(one.parameter, one.requested, one.sent) for one in call.adjustments]
    assert told == ([] if sent == wanted else [("seed", str(wanted), str(sent))])


def test_a_strict_request_keeps_its_seed() -> None:
    """It is refused instead."""
    with pytest.raises(MeshError) as caught:
        seed_between(call_of(ANY, seed=-1, strict=requests.STRICT_REFUSE), 0, 9)
    assert (caught.value.field, reason_name(caught.value.reason)) == ("seed", "unsupported")


@pytest.mark.parametrize("seed", [MOST_31, MOST_31 + 8])
def test_seeds_of_31_bits(seed: int) -> None:
    """DashScope and ByteDance refuse greater ones."""
    dashscope, ark = SINGAPORE.get("qwen-image-max"), SEEDREAM.get("seedream-3-0-t2i-250415")
    calls = call_of(dashscope, seed=seed), call_of(ark, seed=seed)
    bodies: list[dict[str, Any]] = [
        dashscope_body(dashscope.facts, calls[0], DashScopeOptions(), Pictures())["parameters"],
        seedream_body(calls[1], SeedreamOptions(), [], ark.name),
    ]
    assert [body["seed"] for body in bodies] == [seed & MOST_31] * 2
    assert [bool(call.adjustments) for call in calls] == [seed > MOST_31] * 2
