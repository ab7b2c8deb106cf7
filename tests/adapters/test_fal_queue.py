"""The fal adapter against the emulated queue, over real sockets."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from heliostat.adapters.fal import MODULE
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import stream
from heliostat.emulators import EmulatorServer, create_app
from tests.adapters.served import ATTEMPT, Room, ball, media, opened, pixels, plain, served, wish
from tests.emulators.conftest import PlainEasel
from tests.support.loopback import PLAIN

KEY = "id:secret-of-fal"
SCHNELL, DEV = "fal-ai/flux/schnell", "fal-ai/flux/dev"


@dataclass
class Fal:
    """The adapter, and the controls of the emulated provider."""

    room: Room
    http: httpx.AsyncClient

    async def script(self, *steps: dict[str, Any]) -> None:
        """What the provider does to the next requests."""
        answer = await self.http.put("/fal/_emulator/script", json=list(steps))
        assert answer.status_code == 200, answer.text

    async def journal(self, kind: str = "submit") -> list[dict[str, Any]]:
        """What it was asked of one kind."""
        entries = (await self.http.get("/fal/_emulator/journal")).json()["entries"]
        return [entry for entry in entries if entry["kind"] == kind]


@asynccontextmanager
async def running(folder: Path, job_seconds: float = 0.0, **settings: Any) -> AsyncIterator[Fal]:
    """An adapter over an emulator whose jobs take `job_seconds`."""
    server = EmulatorServer(create_app(PlainEasel(), job_seconds=job_seconds))
    base = await server.start()
    try:
        async with (
            served(MODULE, folder, {"base_url": f"{base}/fal", **settings}, sandbox=True) as room,
            httpx.AsyncClient(verify=PLAIN, base_url=base, timeout=60, trust_env=False) as http,
        ):
            yield Fal(room, http)
    finally:
        await server.stop()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("FAL_KEY", KEY)


@pytest.fixture
async def fal(tmp_path: Path) -> AsyncIterator[Fal]:
    """A provider whose jobs take no time."""
    async with running(tmp_path) as one:
        yield one


async def test_a_picture_comes_from_submit_to_file(fal: Fal) -> None:
    """One submit; two pictures in order; the cost is what fal billed, and what the table says."""
    answer = await fal.room.ask(DEV, size=pixels(1536, 1024), image_count=2, seed=7)
    result = answer.result
    picture = ["media_started", "media_chunk", "media_ended"]
    assert answer.kinds == ["provider_accepted", *picture, *picture, "completed"]
    assert [opened(data).size for data in answer.pictures] == [(1536, 1024)] * 2
    assert [ended.seed for ended in answer.of("media_ended")] == [7, 7]
    assert (result.cost.amount.units, result.cost.amount.nanos) == (0, 100_000_000)
    assert result.cost.source == events.COST_SOURCE_REPORTED
    assert result.cost.computed == result.cost.amount
    assert (result.provider, result.provider_model, result.usage.billed_units) == ("fal", DEV, 4)
    assert not result.adjustments
    (entry,) = await fal.journal()
    assert (entry["attempt_id"], entry["cost_micros"], entry["billed"]) == (ATTEMPT, 100_000, True)
    assert result.provider_job_id == f"fal-ai/flux/{entry['request_id']}"
    assert answer.of("provider_accepted")[0].provider_job_id == result.provider_job_id


@pytest.mark.parametrize(
    ("model", "fields", "micros", "source"),
    [
        (SCHNELL, {"size": pixels(1024, 1024)}, 3_000, events.COST_SOURCE_REPORTED),
        ("fal-ai/flux-pro/v1.1-ultra", {}, 60_000, events.COST_SOURCE_REPORTED),
        ("fal-ai/flux-2-pro", {"size": pixels(1920, 1088)}, 45_000, events.COST_SOURCE_COMPUTED),
        ("fal-ai/nano-banana-2", {"size": pixels(2048, 2048)}, 120_000, events.COST_SOURCE_COMPUTED),
        ("fal-ai/recraft/v3/text-to-image", {}, 40_000, events.COST_SOURCE_REPORTED),
        ("fal-ai/qwen-image", {}, 20_000, events.COST_SOURCE_REPORTED),
        ("fal-ai/flux-pro/kontext/max", {}, 80_000, events.COST_SOURCE_REPORTED),
    ],
)
async def test_the_cost_is_what_the_provider_billed(
    fal: Fal, model: str, fields: dict[str, Any], micros: int, source: int
) -> None:
    """To the micro-dollar, whether fal's units tell it or the table does."""
    cost = (await fal.room.ask(model, **fields)).result.cost
    (entry,) = await fal.journal()
    assert (cost.amount.nanos // 1000, cost.source) == (micros, source)
    assert entry["cost_micros"] == micros


async def test_an_edit_costs_its_inputs_too(fal: Fal) -> None:
    """FLUX.2 counts the megapixels of what it is given."""
    asked = wish(edit=requests.Edit(image=media(plain(1024, 1024))))
    cost = (await fal.room.ask("fal-ai/flux-2-pro", asked)).result.cost
    (entry,) = await fal.journal()
    assert (entry["cost_micros"], cost.amount.nanos) == (45_000, 45_000_000)


@pytest.mark.parametrize(
    "model", ["fal-ai/flux-pro/v1/fill", "fal-ai/flux-pro/v1/erase", "fal-ai/bria/genfill", "fal-ai/bria/eraser"]
)
async def test_a_mask_is_white_where_the_picture_is_edited(fal: Fal, model: str) -> None:
    """The caller's transparent hole reaches fal as white; what lies outside of it stays. The bill is ours."""
    mask = plain(64, 64, "black", "RGBA")
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    edit = requests.Edit(
        image=media(plain(colour="white")), mask=media(mask), mask_mode=requests.MASK_MODE_ALPHA_REPAINTS
    )
    png = requests.Output(media_type="image/png")
    answer = await fal.room.ask(model, wish(edit=edit, output=png))
    edited = opened(answer.pictures[0]).convert("L")
    assert (edited.getpixel((8, 32)), edited.getpixel((56, 32))) == (0, 255)
    (entry,) = await fal.journal()
    assert entry["cost_micros"] == answer.result.cost.amount.nanos // 1000 > 0


async def test_a_picture_grows_on_its_sides(fal: Fal) -> None:
    """By the pixels that were asked for, for the price of a picture."""
    sides = requests.Outpaint(image=media(plain()), left_px=16, bottom_px=8)
    answer = await fal.room.ask("fal-ai/bria/expand", wish(outpaint=sides))
    assert opened(answer.pictures[0]).size == (80, 72)
    (entry,) = await fal.journal()
    assert entry["cost_micros"] == answer.result.cost.amount.nanos // 1000 == 40_000


async def test_a_picture_is_sent_in_the_only_type_that_a_model_takes(fal: Fal) -> None:
    """Recraft's upscaler takes PNG at fal; its factor is its own."""
    photo = io.BytesIO()
    plain().save(photo, "JPEG")
    upscale = requests.Upscale(image=medias.Media(data=photo.getvalue()), factor=3)
    answer = await fal.room.ask("fal-ai/recraft/upscale/crisp", wish("", upscale=upscale))
    assert "factor" in {one.parameter for one in answer.result.adjustments}
    assert answer.result.cost.amount.nanos == 4_000_000


@pytest.mark.parametrize("wanted", ["image/png", "image/jpeg", "image/webp"])
async def test_the_wanted_format_is_delivered(fal: Fal, wanted: str) -> None:
    """What fal does not make is converted from its lossless file, and told."""
    answer = await fal.room.ask(SCHNELL, size=pixels(256, 256), output=requests.Output(media_type=wanted))
    result, (started,) = answer.result, answer.of("media_started")
    assert started.media_type == wanted
    if wanted == "image/webp":
        told = answer.adjusted("output_format")
        assert (told.sent, told.mode) == ("image/png", events.ADJUSTMENT_MODE_EMULATED)
    else:
        assert not result.adjustments


async def test_a_tool_answers_one_picture(fal: Fal) -> None:
    """Upscaling, background removal and segmenting have another shape of answer."""
    image = media(ball())
    enlarged = await fal.room.ask("fal-ai/esrgan", wish("", upscale=requests.Upscale(image=image, factor=3)))
    assert [opened(data).size for data in enlarged.pictures] == [(384, 384)]
    assert enlarged.result.cost.source == events.COST_SOURCE_COMPUTED
    cut = await fal.room.ask("fal-ai/birefnet/v2", wish("", remove_background=requests.RemoveBackground(image=image)))
    assert [opened(data).mode for data in cut.pictures] == ["RGBA"]
    found = requests.Segment(image=image, points=[requests.Point(x_px=64, y_px=64)])
    masks = await fal.room.ask("fal-ai/sam2/image", wish("", segment=found))
    assert [started.role for started in masks.of("media_started")] == [medias.MEDIA_ROLE_MASK]


async def test_the_address_is_passed_through_where_it_is_wanted(fal: Fal) -> None:
    """No byte is fetched."""
    output = requests.Output(delivery=requests.DELIVERY_PROVIDER_URI)
    answer = await fal.room.ask(SCHNELL, size=pixels(256, 256), output=output)
    (started,) = answer.of("media_started")
    assert answer.kinds == ["provider_accepted", "media_started", "media_ended", "completed"]
    assert (started.width_px, started.height_px, started.media_type) == (256, 256, "image/jpeg")
    assert (await fal.http.get(started.uri)).status_code == 200
    assert len(await fal.journal("file")) == 1


async def test_a_strict_request_is_refused_before_anything_is_bought(fal: Fal) -> None:
    """A size that is not on the grid costs nothing under strict."""
    answer = await fal.room.ask(SCHNELL, size=pixels(1000, 1000), strict=requests.STRICT_REFUSE)
    failure = answer.failure
    assert (failure.reason, failure.field) == (reasons.ERROR_REASON_UNSUPPORTED, "size")
    assert failure.failure is not None
    assert failure.failure.outcome == events.OUTCOME_NOT_SENT
    assert not await fal.journal()


@pytest.mark.parametrize(
    ("step", "reason", "outcome", "billed"),
    [
        ({"status": 429}, "RATE_LIMITED", events.OUTCOME_REFUSED, events.BILLED_NO),
        ({"status": 503}, "PROVIDER_UNAVAILABLE", events.OUTCOME_REFUSED, events.BILLED_NO),
        ({"status": 504}, "PROVIDER_TIMEOUT", events.OUTCOME_REFUSED, events.BILLED_NO),
        ({"status": 401}, "PROVIDER_AUTH_FAILED", events.OUTCOME_REFUSED, events.BILLED_NO),
        ({"status": 403}, "QUOTA_EXHAUSTED", events.OUTCOME_REFUSED, events.BILLED_NO),
        ({"status": 404}, "PROVIDER_MODEL_GONE", events.OUTCOME_REFUSED, events.BILLED_NO),
        ({"status": 422}, "CONTENT_BLOCKED", events.OUTCOME_REFUSED, events.BILLED_NO),
        ({"garbage": True}, "PROVIDER_ANSWER_INVALID", events.OUTCOME_UNSPECIFIED, events.BILLED_UNKNOWN),
        ({"body": {}}, "PROVIDER_ANSWER_INVALID", events.OUTCOME_UNSPECIFIED, events.BILLED_UNKNOWN),
        ({"cut_after_bytes": 20}, "PROVIDER_ANSWER_INVALID", events.OUTCOME_UNSPECIFIED, events.BILLED_UNKNOWN),
        ({"connection": "reset"}, "PROVIDER_ANSWER_INVALID", events.OUTCOME_UNSPECIFIED, events.BILLED_UNKNOWN),
    ],
)
async def test_a_submit_that_fails_tells_how_far_it_came(
    fal: Fal, step: dict[str, Any], reason: str, outcome: int, billed: int
) -> None:
    """A refusal is free; a broken answer leaves open whether a job was bought. Nothing is submitted twice."""
    await fal.script({"path": "submit", **step})
    failure = (await fal.room.ask(SCHNELL)).failure
    assert failure.reason == reasons.ErrorReason.Value(f"ERROR_REASON_{reason}")
    assert failure.failure is not None
    assert (failure.failure.outcome, failure.failure.billed) == (outcome, billed)
    assert len(await fal.journal()) == 1
    assert KEY not in failure.message


async def test_a_prompt_that_fal_repeats_is_masked(fal: Fal) -> None:
    """Neither callers' logs nor ours get to see it."""
    fault = {"loc": ["body", "prompt"], "msg": "no: a very secret garden", "type": "value_error"}
    await fal.script({"path": "submit", "status": 422, "body": {"detail": [fault]}})
    failure = (await fal.room.ask(SCHNELL, wish("a very secret garden"))).failure
    assert (failure.reason, failure.field) == (reasons.ERROR_REASON_INVALID_FIELD, "prompt")
    assert "secret garden" not in failure.message


async def test_a_refused_key_names_the_variable(fal: Fal) -> None:
    """So that an operator knows what to mend."""
    await fal.script({"path": "submit", "status": 401})
    assert "FAL_KEY" in (await fal.room.ask(SCHNELL)).failure.message


async def test_a_missing_key_is_told_before_anything_is_sent(fal: Fal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key there is nothing to ask with."""
    monkeypatch.delenv("FAL_KEY")
    failure = (await fal.room.ask(SCHNELL)).failure
    assert failure.reason == reasons.ERROR_REASON_PROVIDER_AUTH_FAILED
    assert failure.failure is not None
    assert failure.failure.outcome == events.OUTCOME_NOT_SENT
    assert not await fal.journal()


@pytest.mark.parametrize(
    ("status", "reason", "billed"),
    [
        (500, "PROVIDER_UNAVAILABLE", events.BILLED_NO),
        (504, "PROVIDER_TIMEOUT", events.BILLED_NO),
        (422, "CONTENT_BLOCKED", events.BILLED_UNKNOWN),
        (499, "CANCELLED", events.BILLED_UNKNOWN),
    ],
)
async def test_a_job_that_fails_is_told_by_its_result(fal: Fal, status: int, reason: str, billed: int) -> None:
    """A failed job reads COMPLETED, with an error; 5xx are free, a refused output or a cancelled job may not be."""
    await fal.script({"path": "job", "status": status, "times": 1})
    failure = (await fal.room.ask(SCHNELL)).failure
    assert failure.reason == reasons.ErrorReason.Value(f"ERROR_REASON_{reason}")
    assert failure.failure is not None
    assert failure.failure.billed == billed
    assert failure.failure.provider_job_id.startswith("fal-ai/flux/")
    assert not any(entry["billed"] for entry in await fal.journal())


async def test_a_picture_that_the_checker_blacked_out_is_an_error_that_costs(fal: Fal) -> None:
    """It is never delivered as a success, and its price is known."""
    result = {"images": [{"url": "http://127.0.0.1:1/x.png"}], "has_nsfw_concepts": [True], "prompt": ""}
    step = {"path": "result", "body": result, "headers": {"x-fal-billable-units": "1"}}
    await fal.script(step)
    failure = (await fal.room.ask(SCHNELL)).failure
    assert failure.reason == reasons.ERROR_REASON_CONTENT_BLOCKED
    assert failure.failure is not None
    assert (failure.failure.billed, failure.failure.cost.nanos) == (events.BILLED_YES, 3_000_000)


@pytest.mark.parametrize("body", [{"images": []}, {}, {"images": [{"url": ""}, 7]}, {"image": {"url": "x"}}])
async def test_a_result_without_pictures_is_an_error(fal: Fal, body: dict[str, Any]) -> None:
    """An empty list is not a success."""
    await fal.script({"path": "result", "body": body})
    assert (await fal.room.ask(SCHNELL)).failure.reason == reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID


@pytest.mark.parametrize("kind", ["status", "result"])
@pytest.mark.parametrize(
    "step",
    [
        {"status": 500},
        {"status": 404},
        {"status": 400, "body": {"detail": "Request is still in progress"}},
        {"status": 429, "headers": {"retry-after-ms": "100"}},
        {"garbage": True},
    ],
)
async def test_a_look_that_fails_does_not_end_the_job(fal: Fal, kind: str, step: dict[str, Any]) -> None:
    """Looks are repeated, the submit is not."""
    await fal.script({"path": kind, "match": {}, "times": 2, **step})
    answer = await fal.room.ask(SCHNELL, size=pixels(256, 256))
    assert answer.result.image_count == 1
    assert len(await fal.journal()) == 1
    assert len(await fal.journal(kind)) >= 3


@pytest.mark.parametrize("named", ["http://127.0.0.1:1/steal", "https://169.254.169.254/x", "http://a@127.0.0.1/x"])
async def test_the_key_goes_to_fal_only(fal: Fal, named: str) -> None:
    """A submit that names foreign addresses is followed at the documented ones."""
    body = {"request_id": "r1", "status_url": named, "response_url": named, "cancel_url": named}
    await fal.script({"path": "submit", "body": body})
    answer = await fal.room.ask(SCHNELL, timeout_s=2)
    assert answer.error is not None
    asked = await fal.journal("status")
    assert asked
    assert {entry["status"] for entry in asked} == {404}


async def test_a_picture_on_a_foreign_host_is_not_fetched(fal: Fal) -> None:
    """The bill stands, for the work was done."""
    await fal.script({"path": "result", "body": {"images": [{"url": "http://169.254.169.254/latest"}]}})
    failure = (await fal.room.ask(SCHNELL)).failure
    assert failure.failure is not None
    assert (failure.failure.outcome, failure.failure.phase) == (events.OUTCOME_ACCEPTED, "download")
    assert (failure.failure.billed, failure.failure.cost.nanos) == (events.BILLED_YES, 3_000_000)


async def test_a_cut_download_is_fetched_again(fal: Fal) -> None:
    """A file that breaks off is not the picture."""
    await fal.script({"path": "file", "match": {}, "times": 1, "cut_after_bytes": 50})
    answer = await fal.room.ask(SCHNELL, size=pixels(256, 256))
    assert opened(answer.pictures[0]).size == (256, 256)
    assert len(await fal.journal()) == 1


async def test_bytes_that_are_no_picture_are_an_error(fal: Fal) -> None:
    """Whatever their content type says."""
    await fal.script({"path": "file", "match": {}, "garbage": True})
    failure = (await fal.room.ask(SCHNELL, size=pixels(256, 256))).failure
    assert failure.reason == reasons.ERROR_REASON_MEDIA_INVALID


async def test_a_job_is_gone_on_with_by_its_id(fal: Fal) -> None:
    """Another stream fetches what an earlier one bought, and buys nothing."""
    first = await fal.room.ask(DEV, size=pixels(256, 256), seed=3)
    job = first.result.provider_job_id
    second = await fal.room.ask(DEV, size=pixels(256, 256), seed=3, resume=job)
    assert second.pictures == first.pictures
    assert second.result.cost.amount == first.result.cost.amount
    assert second.of("provider_accepted")[0].provider_job_id == job
    assert len(await fal.journal()) == 1


async def test_attempts_side_by_side_do_not_mix(fal: Fal) -> None:
    """Each has its own job, and each event names its attempt."""
    asked = [fal.room.ask(DEV, size=pixels(256, 256), seed=seed, attempt_id=f"req_{seed}/0/1") for seed in range(5)]
    answers = await asyncio.gather(*asked)
    for seed, answer in enumerate(answers):
        assert {event.attempt_id for event in answer.events} == {f"req_{seed}/0/1"}
        assert answer.of("media_ended")[0].seed == seed
    assert (
        len({answer.result.provider_job_id for answer in answers})
        == len({answer.pictures[0] for answer in answers})
        == 5
    )


async def test_an_id_that_is_no_job_of_fal_is_refused(fal: Fal) -> None:
    """Nothing is submitted in its place."""
    failure = (await fal.room.ask(DEV, resume="https://example.org/job")).failure
    assert failure.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND
    assert not await fal.journal()


async def test_a_stream_that_is_left_cancels_its_job(tmp_path: Path) -> None:
    """While the job waits in the queue, a cancel spares its money."""
    async with running(tmp_path, job_seconds=600) as fal:
        request = adapter_pb2.GenerateRequest(attempt_id=ATTEMPT, provider_model=SCHNELL, image=wish())
        async with stream(fal.room.stub.Generate, request, timeout_s=20) as messages:
            message = await anext(messages)
            assert message.events[0].HasField("provider_accepted")
        async with asyncio.timeout(30):
            while not await fal.journal("cancel"):
                await asyncio.sleep(0)
        assert not any(entry["billed"] for entry in await fal.journal())


async def test_a_job_that_nobody_holds_is_cancelled_by_its_id(tmp_path: Path) -> None:
    """Waiting it is free; cancelled once more it is known and not free; an unknown one is not found."""
    async with running(tmp_path, job_seconds=600) as fal:
        answer = await fal.http.post(f"/fal/{SCHNELL}", json={"prompt": "x"}, headers={"authorization": f"Key {KEY}"})
        job = f"fal-ai/flux/{answer.json()['request_id']}"
        first = await fal.room.cancel(SCHNELL, job)
        again = await fal.room.cancel(SCHNELL, job)
        unknown = await fal.room.cancel(SCHNELL, "fal-ai/flux/none")
        foreign = await fal.room.cancel(SCHNELL, "none")
        assert (first.found, first.free) == (True, True)
        assert (again.found, again.free) == (True, False)
        assert (unknown.found, foreign.found) == (False, False)


async def test_a_deadline_ends_the_wait_and_cancels_the_job(tmp_path: Path) -> None:
    """The error carries the job's id: it may still be charged, and can be asked for."""
    async with running(tmp_path, job_seconds=600) as fal:
        failure = (await fal.room.ask(SCHNELL, timeout_s=4)).failure
        assert failure.reason == reasons.ERROR_REASON_PROVIDER_TIMEOUT
        assert failure.failure is not None
        assert failure.failure.outcome == events.OUTCOME_ACCEPTED
        assert failure.failure.provider_job_id.startswith("fal-ai/flux/")
        async with asyncio.timeout(30):
            while not await fal.journal("cancel"):
                await asyncio.sleep(0)


async def test_progress_tells_the_place_in_the_queue(tmp_path: Path) -> None:
    """While a job waits, its place is told."""
    async with running(tmp_path, job_seconds=0.4) as fal:
        answer = await fal.room.ask(SCHNELL, size=pixels(256, 256))
        assert answer.result.image_count == 1
        assert any(one.HasField("queue_position") for one in answer.of("progress"))


@pytest.mark.parametrize(
    ("model", "reason"),
    [("sandbox/rate-limited", "RATE_LIMITED"), ("sandbox/down", "PROVIDER_UNAVAILABLE")],
)
async def test_the_sandbox_fails_on_purpose(fal: Fal, model: str, reason: str) -> None:
    """The emulator's standing faults can be routed to."""
    failure = (await fal.room.ask(model)).failure
    assert failure.reason == reasons.ErrorReason.Value(f"ERROR_REASON_{reason}")


async def test_the_models_of_the_sandbox_are_in_the_sandbox_only(tmp_path: Path) -> None:
    """A live fal does not know them."""
    async with served(MODULE, tmp_path, {"base_url": "http://127.0.0.1:1"}) as room:
        failure = (await room.ask("sandbox/down")).failure
        assert failure.reason == reasons.ERROR_REASON_PROVIDER_MODEL_GONE
        refused = (await room.ask(SCHNELL)).failure
        assert refused.reason == reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
        assert refused.failure is not None
        assert refused.failure.outcome == events.OUTCOME_NOT_SENT
