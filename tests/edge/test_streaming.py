"""Answers as streams of events, over a real socket, from a ledger that says what the test wants it to say."""

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from google.type.money_pb2 import Money
from PIL import Image

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError, to_status
from tests.edge.conftest import Bench, OpenBench
from tests.edge.scripted_ledger import (
    PNG,
    Events,
    Script,
    admitted,
    detach,
    draw,
    fail,
    failed_attempt,
    picture_events,
    result,
)
from tests.support.event_streams import Told, names, told_by

PATH = "/v1/images/generations"
BODY = {"model": "flux-schnell", "prompt": "A sunset over mountains", "stream": True}
ACCEPTED = event_pb2.ImageEvent(attempt_id="req_x/0/1", provider_accepted=event_pb2.ProviderAccepted())
BLOCKED = MeshError(reasons.ERROR_REASON_CONTENT_BLOCKED, "The provider's filter says no.", field="prompt")


class Live:
    """A ledger's stream that a test speaks into: events, or the error that ends it; None ends it well."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[Events | MeshError | None] = asyncio.Queue()
        self.taken = 0

    def say(self, said: Events | MeshError | None) -> None:
        """What comes next."""
        self._said.put_nowait(said)

    async def script(self, request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        """Begins as every stream does, then says what it is told to."""
        yield router_pb2.GenerateResponse(events=[admitted(request)])
        while (said := await self._said.get()) is not None:
            if isinstance(said, MeshError):
                raise said
            yield router_pb2.GenerateResponse(events=said)
            self.taken += 1


def scripted(*said: Events | MeshError) -> Script:
    """A ledger's stream that is known in advance."""
    live = Live()
    for each in (*said, None):
        live.say(each)
    return live.script


def preview(index: int, number: int, data: bytes = b"preview") -> Events:
    """A preview of a picture."""
    events = picture_events(index, data)
    events[0].media_started.partial = True
    events[0].media_started.partial_index = number
    return events


def done(count: int = 1, **result_fields: Any) -> Events:
    """The end of a request that succeeded."""
    end = result(count)
    end.MergeFrom(event_pb2.ImageResult(**result_fields))
    return [event_pb2.ImageEvent(completed=end)]


async def asked(bench: Bench, path: str = PATH, **fields: Any) -> tuple[httpx.Response, list[Told]]:
    """The whole answer to a request for a stream."""
    async with bench.client.stream("POST", path, json=BODY | fields) as response:
        return response, [told async for told in told_by(response)]


def decoded(told: Told) -> bytes:
    """The picture that stands in an event."""
    return base64.b64decode(told.data["b64_json"], validate=True)


async def test_a_stream_has_openais_events_and_ours_beside_them(bench: Bench) -> None:
    """Previews, then the picture with usage and metadata as in an answer in one piece; progress under our own name."""
    progress = event_pb2.ImageEvent(progress=event_pb2.Progress(percent=50.0))
    started = event_pb2.ImageEvent(attempt_started=event_pb2.AttemptStarted(target="openai/gpt-image-2", image_count=1))
    bench.ledger.script = scripted(
        [started], [ACCEPTED, progress], preview(0, 0), preview(0, 1, b"sharper"), [*picture_events(0, PNG), *done()]
    )
    response, events = await asked(bench, model="gpt-image-2", partial_images=2, quality="low", background="opaque")
    assert names(events) == [
        "heliostat.progress:asking",
        "heliostat.progress:accepted",
        "heliostat.progress:working",
        "image_generation.partial_image",
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    asking, _, working, first, second, last = events
    request = bench.ledger.asked[-1]
    assert (request.progressive, request.image.output.partial_image_count) == (True, 2)
    assert (asking.data["target"], working.data["percent"]) == ("openai/gpt-image-2", 50.0)
    assert [decoded(each) for each in (first, second, last)] == [b"preview", b"sharper", PNG]
    assert [each.data["partial_image_index"] for each in (first, second)] == [0, 1]
    for told in (first, second, last):
        looks = {name: told.data[name] for name in ("size", "quality", "background", "output_format", "image_index")}
        assert looks == {
            "size": "640x360",
            "quality": "low",
            "background": "opaque",
            "output_format": "png",
            "image_index": 0,
        }
        assert isinstance(told.data["created_at"], int)
    assert (last.data["usage"]["input_tokens"], last.data["usage"]["output_tokens"]) == (24, 1756)
    assert last.data["metadata"]["cost"] == 0.003
    assert last.data["metadata"]["request_id"] == request.request_id == response.headers["x-heliostat-request-id"]
    assert response.headers["cache-control"] == "no-cache"
    assert "content-length" not in response.headers


async def test_the_metadata_is_that_of_an_answer_in_one_piece(bench: Bench) -> None:
    """The last event holds what a caller who did not ask for a stream gets, usage and metadata alike."""
    _, events = await asked(bench)
    whole = await bench.client.post(PATH, json=BODY | {"stream": False, "response_format": "b64_json"})
    told, expected = events[-1].data, whole.json()
    for own in (told["metadata"], expected["metadata"]):
        del own["request_id"], own["trace_id"]
    assert told["metadata"] == expected["metadata"]
    assert told["usage"] == expected["usage"]
    assert told["b64_json"] == expected["data"][0]["b64_json"]
    assert {name: told[name] for name in ("size", "output_format")} == {
        name: expected[name] for name in ("size", "output_format")
    }


async def test_under_openais_base_there_are_openais_events_only(bench: Bench) -> None:
    """Nothing of ours stands in the way of a client that knows no other names; pictures are base64 there too."""
    bench.ledger.script = scripted([ACCEPTED], [*picture_events(0, PNG), *done()])
    _, events = await asked(bench, "/openai" + PATH)
    assert names(events) == ["image_generation.completed"]
    assert decoded(events[0]) == PNG


async def test_work_on_pictures_is_told_as_edits(bench: Bench) -> None:
    """Edits and every other operation that begins with a picture."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    picture = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    for operation in ("edits", "upscales"):
        bench.ledger.script = scripted([ACCEPTED], preview(0, 0), [*picture_events(0, PNG), *done()])
        fields: dict[str, Any] = {"image": picture, "stream": True, "partial_images": 1}
        _, events = await asked(bench, f"/v1/images/{operation}", **fields)
        assert names(events)[1:] == ["image_edit.partial_image", "image_edit.completed"]


async def test_each_of_several_pictures_is_one_event_as_soon_as_it_is_whole(bench: Bench) -> None:
    """All but the last come at once; tokens are counted in the last, which alone has the metadata."""
    live = Live()
    bench.ledger.script = live.script
    live.say([ACCEPTED])
    async with bench.client.stream("POST", PATH, json=BODY | {"n": 3}) as response:
        live.say(picture_events(1, b"the second"))
        events = told_by(response)
        assert (await anext(events)).data["stage"] == "accepted"
        first = await anext(events)
        live.say(picture_events(0, b"the first"))
        second = await anext(events)
        live.say([*picture_events(2, b"the third"), *done(3)])
        live.say(None)
        left = [told async for told in events]
    all_three = [first, second, *left]
    assert [each.name for each in all_three] == ["image_generation.completed"] * 3
    assert [(each.data["image_index"], decoded(each)) for each in all_three] == [
        (1, b"the second"),
        (0, b"the first"),
        (2, b"the third"),
    ]
    assert [each.data["usage"]["total_tokens"] for each in all_three] == [0, 0, 1780]
    assert ["metadata" in each.data for each in all_three] == [False, False, True]
    assert len(left[0].data["metadata"]["images"]) == 3


async def test_fewer_pictures_than_asked_for_end_with_the_result(bench: Bench) -> None:
    """Usage and metadata come in an event of their own, where no picture is left to carry them."""
    bench.ledger.script = scripted([ACCEPTED], picture_events(0, PNG), done(missing_image_count=1))
    _, events = await asked(bench, n=2)
    assert names(events)[1:] == ["image_generation.completed", "heliostat.result"]
    assert events[-1].data["metadata"]["missing_images"] == 1
    assert events[-1].data["usage"]["total_tokens"] == 1780


async def test_links_are_told_at_the_end(bench: Bench) -> None:
    """Who asks for links gets them once the pictures are kept; and no bytes."""
    _, events = await asked(bench, n=2, response_format="url")
    assert [each.name for each in events] == ["image_generation.completed"] * 2
    assert all("b64_json" not in each.data and each.data["url"].startswith(bench.url) for each in events)
    assert bench.ledger.asked[-1].image.output.delivery == request_pb2.DELIVERY_STORED


async def test_pictures_of_the_store_stand_in_the_events(edge_with: OpenBench) -> None:
    """An edge that takes bytes from the store streams the same; a picture that is gone is an error event."""
    async with edge_with(pictures="store") as bench:
        await bench.blobs.put(f"media/00/{0:032x}.png", PNG)
        _, events = await asked(bench, n=2)
        assert names(events) == ["image_generation.completed", "error"]
        assert decoded(events[0]) == PNG
        assert events[1].data["error"]["code"] == "resource_not_found"


async def test_an_error_before_anything_is_an_answer_of_its_own(bench: Bench) -> None:
    """The status was not given away: nothing had been said."""
    waiting = event_pb2.ImageEvent(waiting=event_pb2.Waiting(queue_position=1))
    for script in (fail(BLOCKED), scripted([waiting], BLOCKED)):
        bench.ledger.script = script
        answer = await bench.client.post(PATH, json=BODY)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "content_policy_violation")


async def test_a_later_error_is_an_event(bench: Bench) -> None:
    """OpenAI's error object, what was tried, and where the job is; nothing follows it."""
    error = MeshError(
        reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
        "fal went away.",
        request_id="req_x",
        attempts=orjson.dumps([{"target": "fal/a", "outcome": "accepted", "billed": "unknown"}]).decode(),
    )
    bench.ledger.script = scripted([ACCEPTED], preview(0, 0), error)
    response, events = await asked(bench, partial_images=1)
    assert names(events) == ["heliostat.progress:accepted", "image_generation.partial_image", "error"]
    told = events[-1].data
    request_id = bench.ledger.asked[-1].request_id
    assert told["error"] == {
        "message": "fal went away.",
        "type": "server_error",
        "param": None,
        "code": "provider_unavailable",
    }
    assert told["metadata"]["attempts"][0]["target"] == "fal/a"
    assert told["job"] == {"id": request_id, "url": f"/v1/jobs/{request_id}"}
    assert response.status_code == 200


async def test_a_failed_attempt_is_progress(bench: Bench) -> None:
    """The next target's pictures follow; half a picture of the one that failed is never told."""
    failed = event_pb2.AttemptFailed(attempt=failed_attempt(), failing_over=True)
    gone = event_pb2.ImageEvent(attempt_id="req_x/0/1", attempt_failed=failed)
    half = picture_events(0, b"half")[:-1]
    whole = picture_events(0, PNG, attempt="req_x/0/2")
    bench.ledger.script = scripted([ACCEPTED], half, [gone], [*whole, *done()])
    _, events = await asked(bench)
    assert names(events)[1:] == ["heliostat.progress:attempt_failed", "image_generation.completed"]
    assert events[1].data["attempt"]["reason"] == "provider_unavailable"
    assert decoded(events[-1]) == PNG


async def test_a_stream_without_a_result_ends_with_an_error(bench: Bench) -> None:
    """A ledger whose stream ends early does not look like a success."""
    bench.ledger.script = scripted([ACCEPTED])
    _, events = await asked(bench)
    assert events[-1].data["error"]["code"] == "internal"


async def test_silence_is_broken_by_comments(edge_with: OpenBench) -> None:
    """Every `heartbeat_s` seconds a comment; the head waits no longer than that, whatever the provider says."""
    async with edge_with(heartbeat_s=0.02) as bench:
        live = Live()
        bench.ledger.script = live.script
        async with bench.client.stream("POST", PATH, json=BODY) as response:
            assert response.status_code == 200
            lines = response.aiter_lines()
            assert [await anext(lines) for _ in range(6)] == [":", ""] * 3
            live.say([*picture_events(0, PNG), *done()])
            live.say(None)
            assert "event: image_generation.completed" in [line async for line in lines]


@pytest.mark.parametrize(("headers", "status"), [({}, 504), ({"prefer": "respond-async"}, 202)])
async def test_who_is_let_go_before_anything_gets_the_job(bench: Bench, headers: dict[str, str], status: int) -> None:
    """As without a stream."""
    bench.ledger.script = detach()
    answer = await bench.client.post(PATH, json=BODY, headers=headers)
    assert answer.status_code == status
    assert answer.headers["location"] == f"/v1/jobs/{bench.ledger.asked[-1].request_id}"


@pytest.mark.parametrize("headers", [{}, {"prefer": "wait=100"}])
async def test_who_is_let_go_later_is_told_where_the_job_is(bench: Bench, headers: dict[str, str]) -> None:
    """An error that libraries raise; an event of ours for those who said that they take a job."""
    gone = event_pb2.ImageEvent(detached=event_pb2.Detached(request_id="req_x"))
    bench.ledger.script = scripted([ACCEPTED], [gone])
    async with bench.client.stream("POST", PATH, json=BODY, headers=headers) as response:
        last = [told async for told in told_by(response)][-1]
    if headers:
        assert (last.name, last.data["url"], last.data["status"]) == ("heliostat.job", "/v1/jobs/req_x", "in_progress")
    else:
        assert last.data["error"]["code"] == "deadline_exceeded"
        assert last.data["job"]["url"] == "/v1/jobs/req_x"


async def test_a_drain_tells_streams_where_their_job_is(edge_with: OpenBench) -> None:
    """At the end of the drain the stream ends properly, with the job's address."""
    async with edge_with(drain_s=0.1) as bench:
        live = Live()
        bench.ledger.script = live.script
        live.say([ACCEPTED])
        async with bench.client.stream("POST", PATH, json=BODY) as response:
            events = told_by(response)
            await anext(events)
            stopping = asyncio.create_task(bench.edge.stop())
            left = [told async for told in events]
            await stopping
        request_id = bench.ledger.asked[0].request_id
        assert [each.data["job"]["id"] for each in left] == [request_id]
        assert bench.ledger.closed.is_set()


async def test_a_drain_before_anything_answers_with_the_job(edge_with: OpenBench) -> None:
    """As without a stream: the status was not given away."""
    async with edge_with(drain_s=0.1) as bench:
        bench.ledger.script = Live().script
        asking = asyncio.create_task(bench.client.post(PATH, json=BODY))
        await bench.ledger.started.wait()
        await bench.edge.stop()
        answer = await asking
        assert (answer.status_code, answer.json()["job"]["id"]) == (504, bench.ledger.asked[0].request_id)


async def test_c2_a_caller_who_leaves_after_a_preview_closes_the_stream(bench: Bench) -> None:
    """The ledger sees at once that nobody listens; what it does then is its own rule."""
    live = Live()
    bench.ledger.script = live.script
    live.say([ACCEPTED])
    live.say(preview(0, 0))
    async with bench.client.stream("POST", PATH, json=BODY | {"partial_images": 3}) as response:
        events = told_by(response)
        assert [(await anext(events)).name for _ in range(2)][-1] == "image_generation.partial_image"
        assert not bench.ledger.closed.is_set()
    async with asyncio.timeout(30):
        await bench.ledger.closed.wait()


async def test_c23_a_caller_who_takes_nothing_is_cut(edge_with: OpenBench) -> None:
    """Previews without end, each of 8 MiB: two of them are fetched and no more, then the connection is cut."""
    large = preview(0, 0, bytes(8 * 1024 * 1024))
    fetched = 0

    async def endless(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        nonlocal fetched
        yield router_pb2.GenerateResponse(events=[admitted(request), ACCEPTED])
        while True:
            fetched += 1
            yield router_pb2.GenerateResponse(events=large)

    async with edge_with(stall_s=0.3) as bench:
        bench.ledger.script = endless
        reader, writer = await asyncio.open_connection("127.0.0.1", int(bench.url.rsplit(":", 1)[1]), limit=1024)
        body = orjson.dumps(BODY | {"partial_images": 3})
        writer.write(
            b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        async with asyncio.timeout(60):
            await bench.ledger.closed.wait()
        writer.close()
    assert 1 <= fetched <= 2


async def test_a_replay_is_a_stream_as_well(bench: Bench) -> None:
    """Nothing is bought; the header and the metadata say so."""

    async def again(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        first = event_pb2.ImageEvent(admitted=event_pb2.Admitted(request_id="req_first", replayed=True))
        yield router_pb2.GenerateResponse(events=[first, *picture_events(0, PNG), *done()])

    bench.ledger.script = again
    response, events = await asked(bench)
    assert response.headers["idempotent-replayed"] == "true"
    assert response.headers["x-heliostat-request-id"] == "req_first"
    assert decoded(events[-1]) == PNG
    assert events[-1].data["metadata"]["replayed"] is True


async def test_a_job_is_told_as_a_stream(bench: Bench) -> None:
    """`stream=true` gives the events of a job from the first one on, in the form that was asked for."""
    bench.ledger.jobs["req_1"] = ledger_pb2.Request(
        request_id="req_1",
        state=ledger_pb2.REQUEST_STATE_SUCCEEDED,
        model="flux-schnell",
        operation="text_to_image",
        answer_form='["b64_json",0,0]',
        result=result(1),
    )
    async with bench.client.stream("GET", "/v1/jobs/req_1?stream=true") as response:
        events = [told async for told in told_by(response)]
    assert names(events) == ["image_generation.completed"]
    assert decoded(events[0]) == PNG
    assert bench.ledger.waited[-1].progressive
    async with bench.client.stream("GET", "/v1/jobs/req_1?stream=true&response_format=url") as response:
        assert ["url" in told.data async for told in told_by(response)] == [True]


async def test_a_job_that_failed_is_an_error_over_its_stream(bench: Bench) -> None:
    """Nothing was said before: it has a status of its own. So has an unknown job, and a strange wish."""
    bench.ledger.jobs["req_2"] = ledger_pb2.Request(
        request_id="req_2",
        state=ledger_pb2.REQUEST_STATE_FAILED,
        purged=True,
        error=to_status(BLOCKED),
    )
    answer = await bench.client.get("/v1/jobs/req_2?stream=true")
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "resource_gone")
    assert (await bench.client.get("/v1/jobs/req_3?stream=true")).status_code == 404
    assert (await bench.client.get("/v1/jobs/req_2?stream=perhaps")).json()["error"]["param"] == "stream"


@pytest.mark.parametrize(
    ("fields", "headers", "param"),
    [
        ({"stream": False, "partial_images": 1}, {}, "partial_images"),
        ({"partial_images": 4}, {}, "partial_images"),
        ({}, {"accept": "image/*"}, "stream"),
        ({"stream": False, "n": 2}, {"accept": "image/*"}, "n"),
    ],
)
async def test_what_cannot_be_together_is_refused(
    bench: Bench, fields: dict[str, Any], headers: dict[str, str], param: str
) -> None:
    """Before anybody is asked."""
    answer = await bench.client.post(PATH, json=BODY | fields, headers=headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert bench.ledger.asked == []


async def test_previews_that_nobody_asked_for_are_told_all_the_same(bench: Bench) -> None:
    """What comes is passed on; what does not come is not waited for."""
    bench.ledger.script = scripted(preview(0, 0), [*picture_events(0, PNG), *done()])
    _, events = await asked(bench)
    assert names(events) == ["image_generation.partial_image", "image_generation.completed"]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 786_431, 786_433, 2_000_000])
async def test_base64_has_no_seam(bench: Bench, size: int) -> None:
    """Whatever the sizes of the slices, the text is that of the whole picture."""
    data = bytes(index % 251 for index in range(size))
    odd = picture_events(0, data)
    pieces = [each for each in odd if each.HasField("media_chunk")]
    for each in pieces:
        half = len(each.media_chunk.data) // 2
        rest = event_pb2.ImageEvent()
        rest.CopyFrom(each)
        each.media_chunk.data, rest.media_chunk.data = each.media_chunk.data[:half], each.media_chunk.data[half:]
        odd.insert(odd.index(each) + 1, rest)
    bench.ledger.script = scripted([*odd, *done()])
    _, events = await asked(bench)
    assert decoded(events[-1]) == data


async def test_accepting_pictures_gives_a_file(bench: Bench) -> None:
    """The picture in pieces, with its type and a name that tells nothing of the prompt; errors stay JSON."""
    large = PNG + bytes(3_000_000)
    bench.ledger.script = draw(large)
    body = BODY | {"stream": False}
    async with bench.client.stream("POST", PATH, json=body, headers={"accept": "image/*"}) as response:
        pieces = [piece async for piece in response.aiter_raw()]
    assert b"".join(pieces) == large
    assert response.headers["content-type"] == "image/png"
    assert response.headers["content-length"] == str(len(large))
    request_id = bench.ledger.asked[-1].request_id
    assert response.headers["content-disposition"] == f'inline; filename="{request_id}.png"'
    assert response.headers["x-heliostat-cost"] == "0.003000"
    bench.ledger.script = fail(BLOCKED)
    answer = await bench.client.post(PATH, json=body, headers={"accept": "image/png"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json()["error"]["code"] == "content_policy_violation"


async def test_a_stream_tells_a_cost_of_nothing_too(bench: Bench) -> None:
    """Free work has a cost of zero, and tokens that nobody counted are zero as well."""
    free = event_pb2.ImageResult(
        provider="studio", image_count=1, cost=event_pb2.Cost(amount=Money(currency_code="USD"))
    )
    bench.ledger.script = scripted([*picture_events(0, PNG), event_pb2.ImageEvent(completed=free)])
    _, events = await asked(bench)
    assert events[-1].data["metadata"]["cost"] == 0
    assert events[-1].data["usage"]["total_tokens"] == 0
