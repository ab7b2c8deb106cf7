"""Nobody pays twice: what clients do to a mesh over real sockets, with the providers' own journals as the truth.

The rows' names are those of the fault plan (C: clients, U: upstream). Times are scaled down; what a key and a retry are
to the ledger alone, and the rows of C4 that take a day or a crash, are in tests/ledger/test_idempotency.py.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import openai
import pytest

from heliostat.api.image.v1 import request_pb2
from heliostat.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc
from heliostat.painting import blank_png
from tests.support import stores
from tests.support.mesh import KEY, Mesh, emulated, mesh

FAL: dict[str, Any] = {"model": "one-fal", "targets": [{"target": "fal/fal-ai/flux/schnell"}]}
OPENAI: dict[str, Any] = {"model": "one-openai", "targets": [{"target": "openai/gpt-image-2"}]}
COMPAT: dict[str, Any] = {"model": "one-compat", "targets": [{"target": "compat/flux-schnell"}]}
BOTH: dict[str, Any] = {
    "model": "flux-schnell",
    "targets": [
        {"target": "fal/fal-ai/flux/schnell", "priority": 0, "timeout_s": 4.0},
        {"target": "compat/flux-schnell", "priority": 1},
    ],
}
PROMPT = "A lighthouse"
# Steps: a job of fal's that goes on until another script is put, and a purchase that takes seconds.
HELD = {"path": "status", "match": {}, "body": {"status": "IN_PROGRESS"}}
SLOW = {"path": "submit", "delay_s": 2.5}
METADATA = [("authorization", f"Bearer {KEY}")]
_PICTURE = base64.b64encode(blank_png(64, 64, (10, 20, 30))).decode()


@asynccontextmanager
async def running(folder: Path, *, checked: bool = True, **over: Any) -> AsyncIterator[Mesh]:
    """A mesh in one process whose callers are missed at once, and not waited for long."""
    ledger = {"gone_s": 0.01, "comeback_s": 0.5, **over.pop("ledger", {})}
    router = {"routes": [FAL, OPENAI, COMPAT, BOTH], **over.pop("router", {})}
    async with mesh(folder, "local", {"ledger": ledger, "router": router, **over}, checked=checked) as started:
        yield started


def rows(started: Mesh, table: str) -> list[dict[str, Any]]:
    """The ledger's rows."""
    return stores.rows(started.state_dir, f"SELECT * FROM {table}")


async def kinds(started: Mesh, provider: str) -> list[str]:
    """What a provider was asked, in order."""
    return [entry["kind"] for entry in (await started.journal(provider))["entries"]]


async def hang_up(started: Mesh, after: str, **body: Any) -> None:
    """Asks, and closes the connection once the provider has been asked for `after`."""
    asking = asyncio.create_task(started.generate(prompt=PROMPT, **body))
    provider = "openai" if body["model"] == "one-openai" else "fal"
    async with asyncio.timeout(30):
        while after not in await kinds(started, provider):
            await asyncio.sleep(0.02)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


_LEFT = {
    "a_job_that_runs": ("one-fal", "status", HELD),
    "a_call_without_a_job": ("one-openai", "generations", SLOW),
}


@pytest.mark.parametrize(("model", "after", "step"), _LEFT.values(), ids=_LEFT)
async def test_c1_who_hangs_up_pays_for_what_was_taken(
    tmp_path: Path, model: str, after: str, step: Mapping[str, Any]
) -> None:
    """A provider that took the work charges for it: the picture is fetched and kept, the record says client_gone with
    the whole cost, and the job can be asked for."""
    async with running(tmp_path) as started:
        await started.script("openai" if model == "one-openai" else "fal", step)
        await hang_up(started, after, model=model)
        await started.script("fal")
        await started.quiet(60)
        (request,) = rows(started, "requests")
        journal = await started.journal()
        job = (await started.http.get(f"/v1/jobs/{request['request_id']}")).json()
    assert request["client_gone"] == 1
    assert journal["billable"] == 1
    assert request["cost_micros"] == sum(entry["cost_micros"] for entry in journal["entries"]) > 0
    assert (job["status"], len(job["result"]["data"])) == ("completed", 1)
    assert "cancel" not in [entry["kind"] for entry in journal["entries"]]


async def test_c1_who_hangs_up_before_the_work_began_pays_nothing(tmp_path: Path) -> None:
    """A job that still waits in the provider's queue is taken out of it, once, and nothing is billed or reserved."""
    async with emulated(job_seconds=60) as slow:
        fal = {"fal": {"base_url": f"{slow}/fal"}}
        async with mesh(tmp_path, "local", {"router": {"routes": [FAL]}, "ledger": {"gone_s": 0.1}, "adapters": fal},
                        checked=False) as started:  # fmt: skip
            asking = asyncio.create_task(started.generate(model="one-fal", prompt=PROMPT))
            async with asyncio.timeout(30):
                while not any(row["accept_time_us"] for row in rows(started, "attempts")):
                    await asyncio.sleep(0.02)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await started.quiet(60)
            (request,), (attempt,) = rows(started, "requests"), rows(started, "attempts")
            journal = (await started.http.get(f"{slow}/_emulator/journal")).json()
    assert [entry["kind"] for entry in journal["entries"]].count("cancel") == 1
    assert journal["billable"] == 0
    assert (request["state"], request["client_gone"]) == (ledger_pb2.REQUEST_STATE_CANCELLED, 1)
    assert request["cost_micros"] == request["reserved_micros"] == attempt["reserved_micros"] == 0
    assert attempt["state"] == ledger_pb2.ATTEMPT_STATE_FAILED_UNBILLED


async def test_c2_who_leaves_a_stream_after_a_preview_pays_for_the_picture(tmp_path: Path) -> None:
    """The picture is made to its end and kept, with its usage and its whole cost."""
    async with running(tmp_path) as started:
        await started.script("openai", {"path": "submit", "rate_bytes_per_s": 1_000_000})
        image = request_pb2.ImageRequest(model="one-openai", prompt=PROMPT, image_count=1)
        image.text_to_image.SetInParent()
        image.output.partial_image_count = 2
        async with grpc.aio.insecure_channel(started.grpc_address()) as channel:
            stub = router_pb2_grpc.RouterServiceStub(channel)
            asked = router_pb2.GenerateRequest(image=image, progressive=True)
            call = stub.Generate(asked, metadata=METADATA, timeout=30)
            async for response in call:
                if any(event.media_started.partial for event in response.events):
                    break
            call.cancel()
        await started.quiet(60)
        (request,) = rows(started, "requests")
        journal = await started.journal("openai")
    assert request["client_gone"] == 1
    assert request["state"] == ledger_pb2.REQUEST_STATE_SUCCEEDED
    assert request["cost_micros"] == journal["entries"][0]["cost_micros"] > 0


_SLOW = {
    "a_queue": ("one-fal", "fal", HELD),
    "a_synchronous_provider": ("one-openai", "openai", {"path": "submit", "delay_s": 8.0}),
}


@pytest.mark.parametrize(("model", "provider", "step"), _SLOW.values(), ids=_SLOW)
async def test_c3_a_stock_library_that_gives_up_early_buys_one_picture(
    tmp_path: Path, model: str, provider: str, step: Mapping[str, Any]
) -> None:
    """openai's own client retries twice, and its last time-out is over before the provider is done: one submit, one
    bill; what it gave up on is a job."""
    async with running(tmp_path, ledger={"comeback_s": 15}) as started:
        await started.script(provider, step)
        client = openai.AsyncOpenAI(base_url=f"{started.url}/v1", api_key=KEY, timeout=0.4, max_retries=2)
        async with client:
            with pytest.raises(openai.APITimeoutError):
                await client.images.generate(model=model, prompt=PROMPT)
        await started.script(provider)
        await started.quiet(60)
        journal = await started.journal(provider)
        (request,) = rows(started, "requests")
    assert sum(entry["kind"] in {"submit", "generations"} for entry in journal["entries"]) == 1
    assert journal["billable"] == 1
    assert request["state"] == ledger_pb2.REQUEST_STATE_SUCCEEDED


async def test_c3_a_retry_gets_the_picture_of_the_call_that_it_repeats(tmp_path: Path) -> None:
    """Where the provider is done within the retries' time, the library's user gets the picture, bought once."""
    async with running(tmp_path, ledger={"comeback_s": 15}) as started:
        await started.script("openai", {"path": "submit", "delay_s": 4.0})
        client = openai.AsyncOpenAI(base_url=f"{started.url}/v1", api_key=KEY, timeout=3.0, max_retries=2)
        async with client:
            answer = await client.images.generate(model="one-openai", prompt=PROMPT)
        journal = await started.journal("openai")
    assert answer.data
    assert journal["billable"] == len(journal["entries"]) == 1


async def second_key(started: Mesh) -> str:
    """A key of another caller."""
    admin = next(process.addresses["admin"][0] for process in started.processes if "admin" in process.addresses)
    from heliostat.api.ledger.v1 import admin_pb2, admin_pb2_grpc

    async with grpc.aio.insecure_channel(admin) as channel:
        stub = admin_pb2_grpc.LedgerAdminServiceStub(channel)
        secret: str = (await stub.CreateKey(admin_pb2.CreateKeyRequest())).secret
    return secret


async def test_c4_one_key_one_purchase(tmp_path: Path) -> None:
    """Twenty at once and one later are one call; the later one is the first one's answer to the byte, and says so."""
    asked = {"model": "one-fal", "prompt": PROMPT, "response_format": "b64_json"}
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "job", "delay_s": 0.3})
        answers = await asyncio.gather(*(started.generate({"Idempotency-Key": "k"}, **asked) for _ in range(20)))
        again = await started.generate({"Idempotency-Key": "k"}, **asked)
        journal = await started.journal()
    assert {answer.status_code for answer in answers} == {200}
    assert again.headers["idempotent-replayed"] == "true"
    bodies = [answer.json() for answer in (*answers, again)]
    assert len({body["data"][0]["b64_json"] for body in bodies}) == 1
    own = {"replayed", "joined", "trace_id"}
    for body in bodies:
        body["metadata"] = {name: value for name, value in body["metadata"].items() if name not in own}
    assert all(body == bodies[0] for body in bodies)
    assert journal["billable"] == 1


async def test_c4_another_body_another_caller_and_a_key_too_long(tmp_path: Path) -> None:
    """Another body is 422, another caller's key is its own, 255 characters are taken and 256 are not."""
    asked = {"model": "one-fal", "prompt": PROMPT}
    async with running(tmp_path) as started:
        first = await started.generate({"Idempotency-Key": "k" * 255}, **asked)
        other = await started.generate({"Idempotency-Key": "k" * 255}, **{**asked, "prompt": "Another"})
        long = await started.generate({"Idempotency-Key": "k" * 256}, **asked)
        stranger = {"Idempotency-Key": "k" * 255, "Authorization": f"Bearer {await second_key(started)}"}
        foreign = await started.generate(stranger, **asked)
        not_theirs = await started.http.get(f"/v1/jobs/{first.json()['id']}", headers=stranger)
        journal = await started.journal()
    assert (first.status_code, other.status_code, long.status_code) == (200, 422, 400)
    assert other.json()["error"]["code"] == "idempotency_conflict"
    assert foreign.status_code == 200
    assert "idempotent-replayed" not in foreign.headers
    assert not_theirs.status_code == 404
    assert journal["billable"] == 2


@pytest.mark.parametrize(("step", "status"), [({"status": 422}, 400), ({"status": 500}, 502)])
async def test_c4_a_failure_that_cost_nothing_is_not_saved(tmp_path: Path, step: dict[str, Any], status: int) -> None:
    """The same key may be used again after a 400 and after a 502 that nobody billed."""
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "submit", "times": 1, **step})
        first = await started.generate({"Idempotency-Key": "k"}, model="one-fal", prompt=PROMPT)
        again = await started.generate({"Idempotency-Key": "k"}, model="one-fal", prompt=PROMPT)
        third = await started.generate({"Idempotency-Key": "k"}, model="one-fal", prompt=PROMPT)
    assert (first.status_code, again.status_code) == (status, 200)
    assert "idempotent-replayed" not in again.headers
    assert third.headers["idempotent-replayed"] == "true"


async def test_c4_a_purge_is_told_and_nothing_is_bought_anew(tmp_path: Path) -> None:
    """410 under the key, until its day is over."""
    asked = {"model": "one-fal", "prompt": PROMPT}
    async with running(tmp_path) as started:
        first = await started.generate({"Idempotency-Key": "k"}, **asked)
        async with grpc.aio.insecure_channel(started.grpc_address()) as channel:
            stub = ledger_pb2_grpc.LedgerServiceStub(channel)
            await stub.PurgeRequest(ledger_pb2.PurgeRequestRequest(request_id=first.json()["id"]), metadata=METADATA)
        again = await started.generate({"Idempotency-Key": "k"}, **asked)
        journal = await started.journal()
    assert (again.status_code, again.json()["error"]["code"]) == (410, "resource_gone")
    assert journal["billable"] == 1


async def test_c4_a_form_and_a_grpc_call_have_keys_too(tmp_path: Path) -> None:
    """A form's boundary is no part of the request; gRPC takes the key as metadata and as a field."""
    picture = blank_png(64, 64, (1, 2, 3))
    image = request_pb2.ImageRequest(model="one-fal", prompt=PROMPT, image_count=1)
    image.text_to_image.SetInParent()
    async with running(tmp_path) as started:
        forms = [
            await started.http.post(
                "/v1/images/edits",
                data={"model": "studio/studio", "prompt": "a red circle"},
                files={"image": ("a.png", picture, "image/png")},
                headers={"Idempotency-Key": "form"},
            )
            for _ in range(2)
        ]
        admitted = []
        async with grpc.aio.insecure_channel(started.grpc_address()) as channel:
            stub = router_pb2_grpc.RouterServiceStub(channel)
            for field, metadata in (("k", METADATA), ("", [*METADATA, ("idempotency-key", "k")])):
                asked = router_pb2.GenerateRequest(image=image, idempotency_key=field)
                events = [event async for part in stub.Generate(asked, metadata=metadata) for event in part.events]
                admitted.append(events[0].admitted.replayed)
        journal = await started.journal()
    assert [form.status_code for form in forms] == [200, 200], forms[0].text
    assert [form.headers.get("idempotent-replayed") for form in forms] == [None, "true"]
    assert admitted == [False, True]
    assert journal["billable"] == 1


_BOUGHT: dict[str, dict[str, Any]] = {
    "garbage": {"garbage": True, "bill": True},
    "cut": {"cut_after_bytes": 20, "bill": True},
    "reset": {"connection": "reset", "bill": True},
    "proxy": {"status": 502, "body": "<html>bad gateway</html>", "headers": {"x-request-id": None}},
}


async def test_c5_no_library_is_to_ask_again_after_a_possible_purchase(tmp_path: Path) -> None:
    """The answer says so, names the job and what was tried; openai's client obeys: the provider was asked once."""
    async with running(tmp_path) as started:
        client = openai.AsyncOpenAI(base_url=f"{started.url}/v1", api_key=KEY, timeout=20, max_retries=2)
        async with client:
            for count, (name, step) in enumerate(_BOUGHT.items(), 1):
                await started.script("compat", {"path": "submit", **step})
                with pytest.raises(openai.InternalServerError) as failed:
                    await client.images.generate(model="one-compat", prompt=name, extra_body={"on_unknown": "fail"})
                answer = failed.value.response
                assert answer.headers["x-should-retry"] == "false", name
                assert answer.headers["location"] == f"/v1/jobs/{answer.json()['metadata']['request_id']}"
                assert answer.json()["metadata"]["attempts"][0]["billed"] == "unknown", name
                assert (await kinds(started, "compat")).count("generations") == count, name


async def test_c5_whoever_is_to_wait_is_told_how_long(tmp_path: Path) -> None:
    """A 429 and a 503 of ours have a Retry-After of at most 120 s, which openai's client obeys at all."""
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "submit", "status": 429, "headers": {"retry-after": "86400"}})
        limited = await started.generate(model="one-fal", prompt=PROMPT, max_wait=0)
        await started.script("compat", {"path": "submit", "status": 402})
        await started.generate(model="one-compat", prompt=PROMPT)
        nobody = await started.generate(model="one-compat", prompt=PROMPT, max_wait=0)
    assert (limited.status_code, nobody.status_code) == (429, 503)
    for answer in (limited, nobody):
        assert 1 <= int(answer.headers["retry-after"]) <= 120
        assert "x-should-retry" not in answer.headers


async def test_on_unknown_next_asks_the_next_one_and_tells(tmp_path: Path) -> None:
    """The abandoned job is cancelled by its id, listed as unknown with its estimate, and never asked for again."""
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "job", "delay_s": 30})
        answer = await started.generate(model="flux-schnell", prompt=PROMPT)
        asked = await kinds(started, "fal")
        first = rows(started, "attempts")[0]
    attempts = answer.json()["metadata"]["attempts"]
    assert [(each["provider"], each["billed"]) for each in attempts] == [("fal", "unknown"), ("compat", "no")]
    assert attempts[0]["cost"] > 0
    assert attempts[0]["provider_job_id"]
    assert (asked.count("submit"), asked.count("cancel")) == (1, 1)
    assert first["reserved_micros"] > 0


async def test_on_unknown_fail_tells_the_providers_job(tmp_path: Path) -> None:
    """504 with the job's id at the provider; nobody else is asked."""
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "job", "delay_s": 30})
        answer = await started.generate(model="flux-schnell", prompt=PROMPT, on_unknown="fail")
        others = await kinds(started, "compat")
    assert answer.status_code == 504
    assert answer.headers["x-should-retry"] == "false"
    told = answer.json()["metadata"]["attempts"][0]
    assert told["provider_job_id"].startswith("fal-ai/flux/")
    assert others == []


async def test_on_unknown_wait_waits_and_buys_once(tmp_path: Path) -> None:
    """The job outlives the target's own time, and is what answers."""
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "job", "delay_s": 5.5})
        answer = await started.generate(model="flux-schnell", prompt=PROMPT, on_unknown="wait")
        journal = await started.journal()
    assert [each["provider"] for each in answer.json()["metadata"]["attempts"]] == ["fal"]
    assert journal["billable"] == 1


async def test_on_unknown_wait_has_an_end(tmp_path: Path) -> None:
    """A synchronous provider without job ids that does not answer by the request's deadline: 504, unknown, reserved."""
    async with running(tmp_path, ledger={"request_deadline_s": 3.0}) as started:
        await started.script("openai", {"path": "submit", "delay_s": 30})
        answer = await started.generate(model="one-openai", prompt=PROMPT, on_unknown="wait")
        (attempt,) = rows(started, "attempts")
    assert (answer.status_code, answer.headers["x-should-retry"]) == (504, "false")
    assert attempt["state"] == ledger_pb2.ATTEMPT_STATE_UNKNOWN
    assert attempt["reserved_micros"] > 0


async def test_who_waits_in_vain_gets_a_job(tmp_path: Path) -> None:
    """A bare call out of time: 504 with the job and its address, told not to retry; the work goes on, and the job's
    result is in the form that was asked for. Deleting what is over changes nothing; ids beside it are nobody's."""
    async with running(tmp_path, edge={"request_timeout_s": 1.0}) as started:
        await started.script("fal", HELD)
        late = await started.generate(model="one-fal", prompt=PROMPT, response_format="b64_json")
        job = late.json()["job"]["id"]
        waited = await started.http.get(f"/v1/jobs/{job}?wait=0.1")
        await started.script("fal")
        async with asyncio.timeout(30):
            while (told := (await started.http.get(f"/v1/jobs/{job}")).json())["status"] == "in_progress":
                await asyncio.sleep(0.05)
        deleted = [await started.http.delete(f"/v1/jobs/{job}") for _ in range(2)]
        beside = f"{int(job[4:], 16) + 1:024x}"
        missing = [await started.http.request(how, f"/v1/jobs/req_{beside}") for how in ("GET", "DELETE")]
        journal = await started.journal()
    assert (late.status_code, late.headers["x-should-retry"]) == (504, "false")
    assert late.headers["location"] == f"/v1/jobs/{job}"
    assert waited.headers["retry-after"] == "2"
    assert told["status"] == "completed"
    assert base64.b64decode(told["result"]["data"][0]["b64_json"]).startswith((b"\x89PNG", b"\xff\xd8", b"RIFF"))
    assert [answer.json()["status"] for answer in deleted] == ["completed", "completed"]
    assert [answer.status_code for answer in missing] == [404, 404]
    assert journal["billable"] == 1


async def test_a_job_is_cancelled_once_and_for_good(tmp_path: Path) -> None:
    """DELETE ends it, says what the provider may still bill, and may be repeated."""
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "job", "delay_s": 30})
        asked = {"model": "one-fal", "prompt": PROMPT}
        first = await started.http.post("/v1/images/generations", json=asked, headers={"Prefer": "respond-async"})
        async with asyncio.timeout(30):
            while "status" not in await kinds(started, "fal"):
                await asyncio.sleep(0.02)
        answers = [await started.http.delete(first.headers["location"]) for _ in range(2)]
        count = (await kinds(started, "fal")).count("cancel")
    assert (first.status_code, first.headers["retry-after"]) == (202, "2")
    for answer in answers:
        assert answer.json()["status"] == "cancelled"
        assert answer.json()["metadata"]["attempts"][0]["billed"] == "unknown"
    assert count == 1


async def test_a_key_says_that_its_callers_take_jobs(tmp_path: Path) -> None:
    """A bare call under a key with a wait of its own gets 202 when that is over."""
    from heliostat.api.ledger.v1 import admin_pb2, admin_pb2_grpc

    async with running(tmp_path) as started:
        await started.script("fal", HELD)
        admin = next(process.addresses["admin"][0] for process in started.processes if "admin" in process.addresses)
        key = admin_pb2.Key()
        key.default_wait.FromMilliseconds(200)
        async with grpc.aio.insecure_channel(admin) as channel:
            stub = admin_pb2_grpc.LedgerAdminServiceStub(channel)
            secret = (await stub.CreateKey(admin_pb2.CreateKeyRequest(key=key))).secret
        answer = await started.generate({"Authorization": f"Bearer {secret}"}, model="one-fal", prompt=PROMPT)
        await started.script("fal")
        await started.quiet(60)
    assert (answer.status_code, answer.headers["retry-after"]) == (202, "2")
    assert answer.headers["location"] == answer.json()["url"]


async def test_jobs_over_grpc(tmp_path: Path) -> None:
    """A call that leaves at once is followed, told and cancelled over gRPC."""
    image = request_pb2.ImageRequest(model="one-fal", prompt=PROMPT, image_count=1)
    image.text_to_image.SetInParent()
    asked = router_pb2.GenerateRequest(image=image)
    asked.wait.SetInParent()
    async with running(tmp_path) as started, grpc.aio.insecure_channel(started.grpc_address()) as channel:
        stub = router_pb2_grpc.RouterServiceStub(channel)
        jobs = ledger_pb2_grpc.LedgerServiceStub(channel)
        events = [event async for part in stub.Generate(asked, metadata=METADATA) for event in part.events]
        name = events[-1].detached.request_id
        wait = ledger_pb2.WaitJobRequest(request_id=name)
        followed = [event async for part in jobs.WaitJob(wait, metadata=METADATA) for event in part.events]
        told = (await jobs.GetJob(ledger_pb2.GetJobRequest(request_id=name), metadata=METADATA)).request
        cancel = await jobs.CancelJob(ledger_pb2.CancelJobRequest(request_id=name), metadata=METADATA)
    assert followed[-1].WhichOneof("event") == "completed"
    assert (told.state, cancel.cancelled) == (ledger_pb2.REQUEST_STATE_SUCCEEDED, False)


async def test_u24_an_answer_without_pictures_is_no_success(tmp_path: Path) -> None:
    """A 200 with an empty list goes to the next provider, and is never an empty list of ours."""
    routes = [COMPAT, {"model": "two", "targets": [COMPAT["targets"][0], {**FAL["targets"][0], "priority": 1}]}]
    async with running(tmp_path, router={"routes": routes}) as started:
        await started.script("compat", {"path": "submit", "body": {"created": 1, "data": []}})
        answer = await started.generate(model="two", prompt=PROMPT)
        alone = await started.generate(model="one-compat", prompt=PROMPT)
    attempts = answer.json()["metadata"]["attempts"]
    assert len(answer.json()["data"]) == 1
    assert [(each["provider"], each["status"]) for each in attempts] == [("compat", "failed"), ("fal", "succeeded")]
    assert (alone.status_code, alone.json()["error"]["code"]) == (502, "provider_answer_invalid")


async def test_u25_missing_pictures_are_fetched_or_counted(tmp_path: Path) -> None:
    """One picture of two: the next provider makes the other one; alone, the answer says what is missing. No copies.

    Not checked against the provider's journal, which knows the pictures that the script put aside.
    """
    routes = [COMPAT, {"model": "two", "targets": [COMPAT["targets"][0], {**FAL["targets"][0], "priority": 1}]}]
    one = {"created": 1, "data": [{"b64_json": _PICTURE}]}
    async with running(tmp_path, checked=False, router={"routes": routes}) as started:
        await started.script("compat", {"path": "submit", "body": one})
        both = (await started.generate(model="two", prompt=PROMPT, n=2)).json()
        alone = (await started.generate(model="one-compat", prompt=PROMPT, n=2)).json()
    assert len({image["sha256"] for image in both["metadata"]["images"]}) == 2
    assert [each["provider"] for each in both["metadata"]["attempts"]] == ["compat", "fal"]
    assert both["metadata"]["cost"] == 0.003
    assert (len(alone["data"]), alone["metadata"]["missing_images"]) == (1, 1)


_USAGES: dict[str, Any] = {
    "missing": None,
    "negative": {"input_tokens": -5, "output_tokens": -1},
    "huge": {"input_tokens": 1e30, "output_tokens": 1e30},
    "text": {"input_tokens": "12", "output_tokens": "lots"},
    "list": [1, 2, 3],
}


async def test_u46_a_senseless_usage_is_no_free_picture(tmp_path: Path) -> None:
    """What the provider says makes no sense: the estimate is kept as the cost, marked as estimated, never 0.

    Not checked against the provider's bill: it is what such an answer hides.
    """
    async with running(tmp_path, checked=False) as started:
        for usage in _USAGES.values():
            body = {"created": 1, "data": [{"b64_json": _PICTURE}], "usage": usage}
            await started.script("openai", {"path": "submit", "body": body})
            answer = await started.generate(model="one-openai", prompt=PROMPT)
            metadata = answer.json()["metadata"]
            assert metadata["cost_source"] == "estimated", usage
            assert metadata["cost"] > 0, usage
