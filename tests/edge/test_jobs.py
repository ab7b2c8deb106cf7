"""Jobs over REST: a finished one answers what a call that waited would have got."""

import base64
from typing import Any

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from tests.edge.conftest import Bench, OpenBench
from tests.edge.scripted_ledger import MEDIA_ID, PNG, detach, draw, result

BODY = {"model": "flux-schnell", "prompt": "A lighthouse"}
_SUCCEEDED = ledger_pb2.REQUEST_STATE_SUCCEEDED


def finished(bench: Bench, **more: Any) -> None:
    """The one request that was asked for is over."""
    asked = bench.ledger.asked[-1]
    fields: dict[str, Any] = {
        "request_id": asked.request_id,
        "state": _SUCCEEDED,
        "model": asked.image.model,
        "create_time": Timestamp(seconds=100),
        "end_time": Timestamp(seconds=160),
        "answer_form": asked.answer_form,
        "result": result(1),
        **more,
    }
    bench.ledger.jobs[asked.request_id] = ledger_pb2.Request(**fields)


async def job_of(bench: Bench, query: str = "", **fields: Any) -> tuple[httpx.Response, dict[str, Any]]:
    """Asks, is let go, and asks for the job once it is finished: (the first answer, the job)."""
    bench.ledger.script = detach()
    first = await bench.client.post(
        "/v1/images/generations", json={**BODY, **fields}, headers={"prefer": "respond-async"}
    )
    finished(bench)
    answer = await bench.client.get(first.headers["location"] + query)
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return first, job


async def test_a_job_says_where_it_is_and_when_to_ask(bench: Bench) -> None:
    """202 names the job, when it is worth asking for it, and which preference was honoured."""
    first, _ = await job_of(bench)
    assert first.status_code == 202
    assert first.headers["location"] == first.json()["url"] == f"/v1/jobs/{first.json()['id']}"
    assert first.headers["retry-after"] == "2"
    assert first.headers["preference-applied"] == "respond-async"


@pytest.mark.parametrize("form", ["b64_json", "url"])
async def test_a_result_is_that_of_a_call_that_waited(bench: Bench, form: str) -> None:
    """The same answer in the form that was asked for, with usage, size and metadata; only its links are made anew."""
    wish = {"response_format": form, "quality": "high", "background": "opaque"}
    bench.ledger.script = draw()
    waited = (await bench.client.post("/v1/images/generations", json={**BODY, **wish})).json()
    _, job = await job_of(bench, **wish)
    told = job["result"]
    assert told["created"] == 100
    for answer in (waited, told):
        del answer["id"], answer["created"], answer["metadata"]["request_id"]
        answer["metadata"].pop("trace_id", None)
        if form == "url":
            assert "/v1/media/" in answer["data"][0].pop("url")
    assert told == waited
    if form == "b64_json":
        assert base64.b64decode(told["data"][0]["b64_json"]) == PNG


async def test_a_result_in_the_other_form(bench: Bench) -> None:
    """`?response_format=` asks for it; what is no form is refused."""
    _, job = await job_of(bench, "?response_format=url", response_format="b64_json")
    assert MEDIA_ID in job["result"]["data"][0]["url"]
    assert bench.ledger.waited[-1].delivery == request_pb2.DELIVERY_STORED
    refused = await bench.client.get(f"/v1/jobs/{job['id']}?response_format=gold")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "response_format")


async def test_a_result_from_the_store(edge_with: OpenBench) -> None:
    """Where pictures come from the store, base64 does too."""
    async with edge_with(pictures="store") as bench:
        await bench.blobs.put(f"media/{MEDIA_ID[:2]}/{MEDIA_ID}", PNG)
        _, job = await job_of(bench, response_format="b64_json")
    assert base64.b64decode(job["result"]["data"][0]["b64_json"]) == PNG


async def test_a_result_that_is_gone(bench: Bench) -> None:
    """After its retention the job is 410."""
    _, job = await job_of(bench)
    finished(bench, purged=True)
    gone = await bench.client.get(f"/v1/jobs/{job['id']}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "resource_gone")


async def test_a_job_can_be_waited_for(bench: Bench) -> None:
    """`?wait=` holds the answer back until the job is over, or the time is."""
    bench.ledger.script = detach()
    first = await bench.client.post("/v1/images/generations", json=BODY, headers={"prefer": "respond-async"})
    finished(bench, state=ledger_pb2.REQUEST_STATE_RUNNING)
    waiting = await bench.client.get(first.headers["location"] + "?wait=3")
    assert (waiting.json()["status"], waiting.headers["retry-after"]) == ("in_progress", "2")
    assert bench.ledger.waited[-1].wait.seconds == 3
    bench.ledger.over = lambda job: finished(bench)
    assert (await bench.client.get(first.headers["location"] + "?wait=3")).json()["status"] == "completed"


async def test_a_key_may_take_jobs(bench: Bench) -> None:
    """Who says nothing says so to the ledger, which may answer for the key: then it is 202, else 504."""
    bench.ledger.script = detach(wished_by_key=True)
    answer = await bench.client.post("/v1/images/generations", json=BODY)
    assert (answer.status_code, answer.headers["retry-after"]) == (202, "2")
    assert bench.ledger.asked[-1].wait_is_default
    await bench.client.post("/v1/images/generations?wait=4", json=BODY)
    assert not bench.ledger.asked[-1].wait_is_default


async def test_attempts_of_a_job_stand_beside_it(bench: Bench) -> None:
    """What was tried, with the provider's job id."""
    bench.ledger.script = detach()
    await bench.client.post("/v1/images/generations", json=BODY, headers={"prefer": "respond-async"})
    attempt = event_pb2.Attempt(attempt_id="x/0/1", provider="fal", provider_job_id="job-7")
    finished(bench, state=ledger_pb2.REQUEST_STATE_RUNNING, attempts=[attempt])
    job = (await bench.client.get(f"/v1/jobs/{bench.ledger.asked[-1].request_id}")).json()
    assert job["metadata"]["attempts"][0]["provider_job_id"] == "job-7"
