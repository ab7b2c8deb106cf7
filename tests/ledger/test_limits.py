"""What a key may ask for: in any minute, at once, of which models and operations. C19 and F11 of the fault plan."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import Clock, FakeClock
from heliostat.chassis.errors import MeshError
from heliostat.ledger.callers import Caller
from heliostat.ledger.limits import Limits
from tests.support.ledger_room import Room, ask, completed, happy, ledger, picture, started


def caller(**limits: Any) -> Caller:
    """A caller with these limits."""
    return Caller("k", admin_pb2.Key(limits=limits))


async def key_with(room: Room, **limits: Any) -> str:
    """The secret of a new key with these limits."""
    made = await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest(key=admin_pb2.Key(limits=limits)))
    return str(made.secret)


def admitted(events: Sequence[event_pb2.ImageEvent]) -> dict[str, tuple[int, int]]:
    """What the first event tells of the key's allowances: kind -> (limit, remaining)."""
    return {each.kind: (each.limit, each.remaining) for each in events[0].admitted.allowances}


@pytest.mark.parametrize("seed", range(5))
def test_c19_no_minute_holds_more_than_the_limit(seed: int) -> None:
    """Bursts, pauses and boundaries: in no window of sixty seconds more requests, or more pictures, than allowed."""
    dice, clock = random.Random(seed), FakeClock()
    limits = Limits(clock, lambda _: 0)
    who = caller(requests_per_minute=10, images_per_minute=25)
    let: list[tuple[float, int]] = []
    refused: list[MeshError] = []
    for _ in range(2000):
        clock.advance(dice.choice((0, 0, 0.001, 0.5, 3, 20, 59.999, 60)))
        images = dice.randint(1, 10)
        try:
            ticket = limits.take(who, images)
        except MeshError as error:
            refused.append(error)
        else:
            assert ticket is not None
            ticket.begun()
            let.append((clock.monotonic(), images))
    assert min(len(let), len(refused)) > 200
    assert {error.reason for error in refused} == {reasons.ERROR_REASON_RATE_LIMITED}
    assert all(0 < (error.retry_after_s or 0) <= 60 for error in refused)
    for end, _ in let:
        window = [count for time, count in let if end - 60 < time <= end]
        assert len(window) <= 10
        assert sum(window) <= 25


@pytest.mark.parametrize(("limits", "images"), [({"requests_per_minute": 3}, 1), ({"images_per_minute": 12}, 4)])
def test_who_waits_as_long_as_told_is_let_through(limits: dict[str, int], images: int) -> None:
    """Not a moment earlier."""
    clock = FakeClock()
    room, who = Limits(clock, lambda _: 0), caller(**limits)
    for _ in range(3):
        room.take(who, images)
        clock.advance(7)
    with pytest.raises(MeshError) as caught:
        room.take(who, images)
    wait_s = caught.value.retry_after_s or 0.0
    assert wait_s == pytest.approx(60 - 21)
    clock.advance(wait_s - 0.01)
    with pytest.raises(MeshError):
        room.take(who, images)
    clock.advance(0.02)
    assert room.take(who, images) is not None


def test_a_jump_of_the_wall_clock_opens_no_window() -> None:
    """Two hours forward or back: the minute goes on as it was."""

    class Jumping(FakeClock):
        wall = 0.0

        def time(self) -> float:
            return super().time() + self.wall

    clock = Jumping()
    room, who = Limits(clock, lambda _: 0), caller(requests_per_minute=1)
    assert room.take(who, 1) is not None
    for clock.wall in (7200.0, -7200.0):
        with pytest.raises(MeshError):
            room.take(who, 1)
    clock.advance(60)
    assert room.take(who, 1) is not None


def test_more_pictures_than_a_minute_holds_are_never_let_through() -> None:
    """It is no use to come back: the field is to blame."""
    with pytest.raises(MeshError) as caught:
        Limits(Clock(), lambda _: 0).take(caller(images_per_minute=3), 4)
    assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_INVALID_FIELD, "image_count")


def test_what_is_given_back_counts_for_nothing() -> None:
    """A repetition of another request uses up neither requests nor pictures nor a place."""
    room = Limits(FakeClock(), lambda _: 0)
    who = caller(requests_per_minute=1, images_per_minute=5, concurrent_requests=1)
    for _ in range(3):
        ticket = room.take(who, 5)
        assert ticket is not None
        ticket.give_back()
    ticket = room.take(who, 5)
    assert ticket is not None
    assert [(each.kind, each.limit, each.remaining) for each in ticket.allowances] == [
        ("requests", 1, 0),
        ("images", 5, 0),
        ("concurrent", 1, 0),
    ]


def test_keys_count_apart() -> None:
    """One key's minute is not another's, with ten thousand of them too; a key without limits is not counted."""
    room = Limits(FakeClock(), lambda _: 0)
    for number in range(10_050):
        assert room.take(Caller(f"k{number}", caller(requests_per_minute=1).key), 1) is not None
    assert room.take(Caller("free"), 10) is None


async def test_a_key_is_told_what_it_has_left(tmp_path: Path) -> None:
    """With every answer; the request over the limit is refused before anything is asked or written."""
    async with ledger(tmp_path, happy(), open=False, clock=FakeClock()) as room:
        key = await key_with(room, requests_per_minute=2, images_per_minute=9)
        assert admitted(await room.run(ask("1"), key)) == {"requests": (2, 1), "images": (9, 8)}
        assert admitted(await room.run(ask("2"), key)) == {"requests": (2, 0), "images": (9, 7)}
        with pytest.raises(MeshError) as caught:
            await room.run(ask("3"), key)
        assert (caught.value.reason, caught.value.retry_after_s) == (reasons.ERROR_REASON_RATE_LIMITED, 60)
        assert caught.value.metadata["limit_kind"] == "requests"
        assert len(await room.rows("requests")) == len(room.router.asked) == 2
        assert admitted(await room.run(ask("1"), await key_with(room))) == {}


async def test_repetitions_count_for_nothing(tmp_path: Path) -> None:
    """A stored answer is served to a key that has used up its minute, and a new request is not."""
    async with ledger(tmp_path, happy(), open=False, clock=FakeClock()) as room:
        key = await key_with(room, requests_per_minute=1)
        for _ in range(3):
            await room.run(ask(idempotency_key="once"), key)
        with pytest.raises(MeshError):
            await room.run(ask(idempotency_key="twice"), key)
        assert len(room.router.asked) == 1
        assert [row["idempotency_key"] for row in await room.rows("requests")] == ["once"]


async def test_so_many_at_once_and_no_more(tmp_path: Path) -> None:
    """Of fifty at the same moment three run, with idempotency keys too; when one ends another may come."""
    end = asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), end, picture(name, b"x"), completed(name)]

    async with ledger(tmp_path, script, open=False) as room:
        key = await key_with(room, concurrent_requests=3)
        wanted = [ask(f"{n}", idempotency_key=f"key-{n}" if n % 2 else "") for n in range(50)]
        coming = [asyncio.create_task(room.run(each, key)) for each in wanted]
        while sum(each.done() for each in coming) < 47:
            await asyncio.wait([each for each in coming if not each.done()], return_when=asyncio.FIRST_COMPLETED)
        end.set()
        answers = await asyncio.gather(*coming, return_exceptions=True)
        refused = [each for each in answers if isinstance(each, MeshError)]
        assert (len(refused), len(room.router.asked)) == (47, 3)
        assert {(each.reason, each.metadata["limit_kind"]) for each in refused} == {
            (reasons.ERROR_REASON_RATE_LIMITED, "concurrent")
        }
        assert admitted(await room.run(ask("later"), key)) == {"concurrent": (3, 2)}


MODELS = [router_pb2.Model(name="flux-schnell", aliases=["flux", "fast"]), router_pb2.Model(name="gpt-image-2")]


@pytest.mark.parametrize(
    ("allowed", "model", "fallbacks", "field"),
    [
        ("flux-schnell", "flux-schnell", [], None),
        ("flux-schnell", "flux", [], None),
        ("flux", "fast", [], None),
        ("fast", "flux-schnell", [], None),
        ("flux-schnell", "Flux", [], "model"),
        ("flux-schnell", "gpt-image-2", [], "model"),
        ("flux-schnell", "nobody-serves-this", [], "model"),
        ("flux-schnell", "fal/fal-ai/flux/schnell", [], "model"),
        ("flux-schnell", "flux", ["gpt-image-2"], "model"),
        ("flux-schnell", "flux", ["fast", "flux"], None),
    ],
)
async def test_f11_a_key_stays_within_its_models(
    tmp_path: Path, allowed: str, model: str, fallbacks: list[str], field: str | None
) -> None:
    """By any of their names; models to fall back to are held to the list as well."""
    async with ledger(tmp_path, happy(), open=False) as room:
        room.router.models = MODELS
        key = await key_with(room, models=[allowed])
        request = ask()
        request.image.model = model
        request.image.routing.fallback_models.extend(fallbacks)
        header = [("authorization", f"Bearer {key}")]
        estimate = router_pb2.EstimateRequest(image=request.image)
        if field is None:
            await room.run(request, key)
            await call(room.generate.Estimate, estimate, metadata=header)
            return
        for asking in (room.run(request, key), call(room.generate.Estimate, estimate, metadata=header)):
            with pytest.raises(MeshError) as caught:
                await asking
            assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_CALLER_FORBIDDEN, field)
        assert room.router.asked == []


async def test_a_key_is_told_of_its_own_models(tmp_path: Path) -> None:
    """The list holds no others, and another one by name is forbidden."""
    async with ledger(tmp_path, happy(), open=False) as room:
        room.router.models = MODELS
        header = [("authorization", f"Bearer {await key_with(room, models=['fast'])}")]
        listed = await call(room.generate.ListModels, router_pb2.ListModelsRequest(), metadata=header)
        assert [model.name for model in listed.models] == ["flux-schnell"]
        with pytest.raises(MeshError) as caught:
            await call(room.generate.ListModels, router_pb2.ListModelsRequest(model="gpt-image-2"), metadata=header)
        assert caught.value.reason == reasons.ERROR_REASON_CALLER_FORBIDDEN
