"""Row U29 of the plan of faults, its second half: a job is asked once more where its pictures are now."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.routing_sim import virtual_time
from heliostat.adapters.sdk import Answer, Call, Model, Picture
from heliostat.adapters.sdk.links import Links
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from tests.adapters import virtual_jobs
from tests.adapters.emulated import EmulatedProvider, running
from tests.adapters.served import media, pixels, plain

GONE, LATE = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, reasons.ERROR_REASON_PROVIDER_TIMEOUT
BLOCKED, LIMITED = reasons.ERROR_REASON_CONTENT_BLOCKED, reasons.ERROR_REASON_RATE_LIMITED
FORBIDDEN = reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID
LOOKED = Answer(200, {}, b"{}")


@dataclass
class Files(virtual_jobs.Bench):
    """Files that can be had by now, and what befalls whoever asks for others. `asked` are the addresses in order."""

    there: set[str] = field(default_factory=set)
    error: int = GONE
    takes_s: float = 0.0
    asked: list[str] = field(default_factory=list)

    async def fetch_result(self, url: str, call: Call) -> bytes:
        """The address itself, as bytes. Raises `error`."""
        self.asked.append(url)
        await asyncio.sleep(self.takes_s)
        if url in self.there:
            return url.encode()
        raise call.error(self.error, "not there", phase="download")


class Job:
    """Tells of its pictures; errors come first."""

    def __init__(self, *told: str, errors: tuple[int, ...] = ()) -> None:
        self.told = told
        self.errors = list(errors)
        self.looks = 0

    async def look(self) -> Answer:
        """One look. Raises what is left of `errors`."""
        self.looks += 1
        if self.errors:
            raise MeshError(self.errors.pop(0), "no look")
        return LOOKED


def tried(
    files: Files, job: Job, *urls: str, time_s: float = 600.0, look_only: bool = False
) -> list[Picture | MeshError]:
    """The pictures of a job, fetched in virtual time by addresses from before: each, or why not."""

    async def fetched() -> list[Picture | MeshError]:
        call = files.call(time_s)
        call.look_only = look_only
        links = Links(call, job.look, lambda _: job.told)
        return [await _caught(links.fetch(url, index)) for index, url in enumerate(urls)]

    return virtual_time.run(fetched())


async def _caught(fetching: Coroutine[Any, Any, Picture]) -> Picture | MeshError:
    try:
        return await fetching
    except MeshError as error:
        return error


def reason_of(one: Picture | MeshError) -> str:
    """Why there is no picture."""
    assert isinstance(one, MeshError)
    assert one.failure is not None
    assert one.failure.phase == "download"
    return reason_name(one.reason)


def data_of(one: Picture | MeshError) -> bytes:
    """The picture's bytes."""
    assert isinstance(one, Picture), one
    return one.data


def test_a_picture_that_is_there_needs_no_look() -> None:
    """The usual case costs nothing."""
    job = Job("new")
    (made,) = tried(Files(there={"old"}), job, "old")
    assert (data_of(made), job.looks) == (b"old", 0)


@pytest.mark.parametrize("error", [GONE, LATE], ids=["gone", "silent"])
def test_a_picture_that_is_not_there_is_fetched_from_where_the_job_says(error: int) -> None:
    """One look, and the same index."""
    files, job = Files(there={"new"}, error=error), Job("new")
    (made,) = tried(files, job, "old")
    assert (data_of(made), files.asked, job.looks) == (b"new", ["old", "new"], 1)


def test_one_look_gives_the_addresses_of_all_pictures() -> None:
    """Those that follow are fetched where they are now, not first where they were."""
    files, job = Files(there={"a1", "b2", "c2"}), Job("a2", "b2", "c2")
    made = tried(files, job, "a1", "b1", "c1")
    assert [data_of(one) for one in made] == [b"a1", b"b2", b"c2"]
    assert (files.asked, job.looks) == (["a1", "b1", "b2", "c2"], 1)


def test_a_second_loss_is_the_end() -> None:
    """A fresh address that holds nothing, and every one after it: no further look."""
    files, job = Files(), Job("a2", "b2")
    made = tried(files, job, "a1", "b1")
    assert [reason_of(one) for one in made] == ["provider_unavailable"] * 2
    assert (files.asked, job.looks) == (["a1", "a2", "b2"], 1)


@pytest.mark.parametrize("told", [(), ("",), ("old",)], ids=["nothing", "no address", "the same address"])
def test_a_job_that_has_nothing_new_ends_it(told: tuple[str, ...]) -> None:
    """What was just tried is not tried again."""
    files, job = Files(), Job(*told)
    (made,) = tried(files, job, "old")
    assert (reason_of(made), files.asked, job.looks) == ("provider_unavailable", ["old"], 1)


@pytest.mark.parametrize("error", [FORBIDDEN, reasons.ERROR_REASON_MEDIA_INVALID], ids=reason_name)
def test_an_address_that_must_not_be_asked_gives_no_second_chance(error: int) -> None:
    """A provider that names a private host is not asked for another one."""
    job = Job("new")
    (made,) = tried(Files(there={"new"}, error=error), job, "old")
    assert (reason_of(made), job.looks) == (reason_name(error), 0)


def test_a_look_that_fails_for_a_moment_is_made_again() -> None:
    """As while the job was waited for."""
    files, job = Files(there={"new"}), Job("new", errors=(LIMITED, GONE))
    (made,) = tried(files, job, "old")
    assert (data_of(made), job.looks) == (b"new", 3)


@pytest.mark.parametrize("errors", [(BLOCKED,), (LIMITED,) * 1000], ids=["told otherwise", "for ever"])
def test_a_look_that_fails_leaves_the_download_s_own_error(errors: tuple[int, ...]) -> None:
    """A job that was done stays done: the picture is lost, and billed."""
    files, job = Files(there={"new"}), Job("new", errors=errors)
    (made,) = tried(files, job, "old")
    assert (reason_of(made), files.asked) == ("provider_unavailable", ["old"])


@pytest.mark.parametrize("errors", [(), (GONE,)], ids=["well", "badly"])
def test_a_job_that_nobody_waits_for_is_looked_at_once_more(errors: tuple[int, ...]) -> None:
    """However the look goes."""
    files, job = Files(there={"new"}), Job("new", errors=errors)
    (made,) = tried(files, job, "old", look_only=True)
    assert (isinstance(made, MeshError), job.looks) == (bool(errors), 1)


def test_nobody_waits_beyond_the_deadline() -> None:
    """A download that took all the time leaves none for a look."""
    files, job = Files(there={"new"}, takes_s=30.0), Job("new")
    (made,) = tried(files, job, "old", time_s=30.0)
    assert (reason_of(made), job.looks) == ("provider_unavailable", 0)


def test_a_caller_who_wants_addresses_gets_the_first_one() -> None:
    """Nobody fetches it here, so nobody can tell whether it holds."""
    files, job = Files(), Job("new")

    async def passed() -> Picture:
        output = requests.Output(delivery=requests.DELIVERY_PROVIDER_URI)
        call = Call(files, Model("m"), requests.ImageRequest(output=output))  # type: ignore[arg-type]
        return await Links(call, job.look, lambda _: job.told).fetch("old")

    made = virtual_time.run(passed())
    assert (made.uri, made.data, files.asked, job.looks) == ("old", b"", [], 0)


KEYS = {"fireworks": "FIREWORKS_API_KEY", "huggingface": "HF_TOKEN", "fal": "FAL_KEY"}
KONTEXT = "accounts/fireworks/models/flux-kontext-pro"
FLUX = "black-forest-labs/FLUX.1-schnell"
EDIT = {"edit": requests.Edit(image=media(plain(64, 64)))}


@pytest.fixture
async def provider(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[EmulatedProvider]:
    """The provider that the test names, emulated."""
    monkeypatch.setenv(KEYS[request.param], "secret-0123456789")
    async with running(request.param, tmp_path) as one:
        yield one


@pytest.mark.parametrize(
    ("provider", "model", "fields"),
    [
        ("fireworks", KONTEXT, EDIT),
        ("huggingface", f"fal-ai/{FLUX}", {}),
        ("huggingface", f"replicate/{FLUX}", {}),
        ("huggingface", f"wavespeed/{FLUX}", {}),
    ],
    indirect=["provider"],
    ids=["fireworks", "huggingface fal", "huggingface replicate", "huggingface wavespeed"],
)
async def test_jobs_beside_the_usual_ones_give_fresh_addresses_too(
    provider: EmulatedProvider, model: str, fields: dict[str, Any]
) -> None:
    """Delivered, and bought once; the conformance suite asks one model of each provider."""
    first = (await provider.room.ask(model, **fields)).result
    await provider.script(*({"path": path, "spoil": "expired", "times": 1} for path in ("status", "result")))
    again = await provider.room.ask(model, resume=first.provider_job_id, **fields)
    assert again.result.image_count == 1
    entries = [*await provider.journal("status"), *await provider.journal("result")]
    assert any(entry["spoiled"] for entry in entries)
    assert len(await provider.journal()) == 1


@pytest.mark.parametrize("provider", ["fal"], indirect=True)
async def test_after_a_restart_a_job_s_expired_pictures_are_delivered_all(provider: EmulatedProvider) -> None:
    """One more look for four pictures, none of them bought again, and the cost is that of all."""
    asked: dict[str, Any] = {"image_count": 4, "size": pixels(256, 256)}
    first = (await provider.room.ask("fal-ai/flux/schnell", **asked)).result
    looked, fetched = len(await provider.journal("result")), len(await provider.journal("file"))
    await provider.script({"path": "result", "spoil": "expired", "times": 1})
    again = await provider.room.ask("fal-ai/flux/schnell", resume=first.provider_job_id, **asked)
    assert len(again.pictures) == 4
    assert again.result.cost.amount == first.cost.amount
    assert len(await provider.journal("result")) - looked == 2
    assert len(await provider.journal("file")) - fetched == 3 + 4
    assert len(await provider.journal()) == 1
