"""What providers do wrong, as a client of the whole mesh sees it: real sockets, emulated providers, one row per test.

The rows' names are those of the fault plan (U: upstream, F: what went wrong elsewhere). What needs minutes is tested in
virtual time, in tests/router.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.mesh import Mesh, mesh
from tests.support.ports import deaf_port

ASKED: dict[str, Any] = {"model": "flux-schnell", "prompt": "A lighthouse"}
_ONE: dict[str, Any] = {"model": "one", "targets": [{"target": "compat/flux-schnell"}]}
_TWO: dict[str, Any] = {
    "model": "flux-schnell",
    "targets": [
        {"target": "fal/fal-ai/flux/schnell", "priority": 0},
        {"target": "compat/flux-schnell", "priority": 1},
    ],
}


@asynccontextmanager
async def running(folder: Path, **over: Any) -> AsyncIterator[Mesh]:
    """A mesh in one process: fal first, an OpenAI-compatible server second; "one" has the second one alone."""
    # Who is out stays out for the whole test, however slow the machine is.
    router = {"routes": [_TWO, _ONE], "health": {"out_s": 600}, **over.pop("router", {})}
    lookup = over.pop("lookup", None)
    async with mesh(folder, "local", {"router": router, **over}, lookup=lookup) as started:
        yield started


def told(answer: httpx.Response) -> list[tuple[str, str, str]]:
    """(provider, outcome, reason) of every attempt of an answer."""
    attempts = answer.json()["metadata"]["attempts"]
    return [(each["provider"], each["outcome"], each.get("reason") or "") for each in attempts]


async def submits(started: Mesh, provider: str) -> int:
    """How many requests that may be billed a provider was sent."""
    entries = (await started.journal(provider))["entries"]
    return sum(entry["kind"] in {"submit", "generations"} for entry in entries)


@contextmanager
def black_hole() -> Iterator[int]:
    """A port at which connections are neither taken nor refused: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
                fillers.append(filler)
            yield int(listener.getsockname()[1])
        finally:
            for filler in fillers:
                filler.close()


async def test_u01_a_refused_connection_goes_to_the_next_provider(tmp_path: Path) -> None:
    """Nothing was sent and nothing bought; five of them put the target out, as failures of ours."""
    with deaf_port() as port:
        async with running(tmp_path, adapters={"fal": {"base_url": f"http://127.0.0.1:{port}/fal"}}) as started:
            answers = [await started.generate(**ASKED) for _ in range(6)]
    assert [told(answer)[0][:2] for answer in answers[:5]] == [("fal", "not_sent")] * 5
    assert [told(answer)[-1][0] for answer in answers] == ["compat"] * 6
    assert answers[0].json()["metadata"]["attempts"][0]["billed"] == "no"
    assert len(told(answers[5])) == 1


async def test_u02_a_black_hole_is_left_after_the_connect_time_out(tmp_path: Path) -> None:
    """The connection is given up when its own time is over, long before the attempt's, and the next one answers."""
    with black_hole() as port:
        fal = {"fal": {"base_url": f"http://127.0.0.1:{port}/fal", "connect_timeout_s": 0.2}}
        async with running(tmp_path, adapters=fal) as started:
            answer = await started.generate(**ASKED)
    assert told(answer)[0][:2] == ("fal", "not_sent")
    assert told(answer)[1][:2] == ("compat", "delivered")


async def test_u03_a_name_that_does_not_exist_is_as_a_refused_connection(tmp_path: Path) -> None:
    """Nothing was sent; the next provider answers."""
    fal = {"fal": {"base_url": "http://provider.invalid/fal"}}
    async with running(tmp_path, adapters=fal) as started:
        answer = await started.generate(**ASKED)
    assert [each[:2] for each in told(answer)] == [("fal", "not_sent"), ("compat", "delivered")]


async def test_u03_a_stalled_lookup_is_left_after_the_connect_time_out(tmp_path: Path) -> None:
    """Names take 10 seconds: looking one up is part of connecting, so the next provider answers long before."""
    seconds: list[float] = []

    async def stalled(host: str, family: int) -> list[str]:
        assert host == "queue.provider.com"
        began = asyncio.get_running_loop().time()
        try:
            await asyncio.sleep(10)
        finally:
            seconds.append(asyncio.get_running_loop().time() - began)
        return ["127.0.0.1"]

    fal = {"fal": {"base_url": "https://queue.provider.com/fal", "connect_timeout_s": 0.2}}
    async with running(tmp_path, adapters=fal, lookup=stalled) as started:
        answer = await started.generate(**ASKED)
        looked_up_since = list(seconds)
    assert [each[:2] for each in told(answer)] == [("fal", "not_sent"), ("compat", "delivered")]
    assert looked_up_since == []  # the answer came while the lookup still went on
    assert seconds  # and nothing is left of it


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "fd00::7"])
async def test_u03_a_public_name_that_leads_home_is_a_configuration_error(tmp_path: Path, address: str) -> None:
    """No connection is made, though somebody would listen there; the caller is served, and the error names the key."""
    knocks: list[object] = []

    async def leads_home(host: str, family: int) -> list[str]:
        return [address]

    server = await asyncio.start_server(lambda reader, writer: knocks.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        fal = {"fal": {"base_url": f"https://queue.provider.com:{port}/fal"}}
        async with running(tmp_path, adapters=fal, lookup=leads_home) as started:
            answer = await started.generate(**ASKED)
            alone = await started.generate(**{**ASKED, "model": "fal/fal-ai/flux/schnell"})
    assert [each[:2] for each in told(answer)] == [("fal", "not_sent"), ("compat", "delivered")]
    assert answer.json()["metadata"]["attempts"][0]["billed"] == "no"
    assert alone.status_code == 502
    assert "Configuration error: queue.provider.com" in alone.json()["error"]["message"]
    assert "private_addresses: true" in alone.json()["error"]["message"]
    assert knocks == []


_SILENCES = {
    "u04_no_headers": {"delay_s": 60},
    "u05_a_stall_in_the_body": {"stall_after_bytes": 5},
    "u06_a_byte_per_second": {"rate_bytes_per_s": 1},
}


@pytest.mark.parametrize("step", _SILENCES.values(), ids=_SILENCES)
async def test_u04_u05_u06_silence_after_a_submit_is_unknown(tmp_path: Path, step: dict[str, Any]) -> None:
    """Nobody knows whether it was bought: careful callers get the time-out and no retry, others the next provider."""
    targets = [{**_TWO["targets"][0], "timeout_s": 1.5}, _TWO["targets"][1]]
    async with running(tmp_path, router={"routes": [{**_TWO, "targets": targets}]}) as started:
        await started.script("fal", {"path": "submit", **step})
        careful = await started.generate(**ASKED, on_unknown="fail")
        other = await started.generate(**ASKED)
        count = await submits(started, "fal")
    assert careful.status_code == 504
    assert careful.headers["x-should-retry"] == "false"
    assert told(other)[0] == ("fal", "unknown", "provider_timeout")
    assert told(other)[1][:2] == ("compat", "delivered")
    assert other.json()["metadata"]["attempts"][0]["billed"] == "unknown"
    assert count == 2


async def test_u05_a_target_may_have_limits_to_its_silence(tmp_path: Path) -> None:
    """The first sign of life, or the next one, has a time of its own, whatever the whole attempt may take."""
    targets = [
        {"target": "fal/fal-ai/flux/schnell", "priority": 0, "first_event_timeout_s": 1.0},
        {"target": "compat/flux-schnell", "priority": 1},
    ]
    async with running(tmp_path, router={"routes": [{**_TWO, "targets": targets}]}) as started:
        await started.script("fal", {"path": "submit", "delay_s": 60})
        answer = await started.generate(**ASKED)
    assert [each[0] for each in told(answer)] == ["fal", "compat"]
    assert told(answer)[0][2] == "provider_timeout"


_CUTS = {
    "reset": {"connection": "reset"},
    "early_end": {"cut_after_bytes": 200},
    "no_answer": {"connection": "refuse"},
}


@pytest.mark.parametrize("step", _CUTS.values(), ids=_CUTS)
async def test_u07_a_broken_answer_is_no_picture(tmp_path: Path, step: dict[str, Any]) -> None:
    """Whatever was cut off reaches nobody; the attempt stays unknown, and the caller is told not to retry."""
    async with running(tmp_path) as started:
        await started.script("compat", {"path": "generations", **step})
        answer = await started.generate(model="one", prompt="x", on_unknown="fail")
        count = await submits(started, "compat")
    assert answer.status_code in {502, 504}
    assert answer.headers["x-should-retry"] == "false"
    assert count == 1


async def test_u08_the_only_target_is_waited_for(tmp_path: Path) -> None:
    """429 with Retry-After: 2: an answer and no error, and the provider gets no call in between."""
    async with running(tmp_path) as started:
        await started.script("compat", {"status": 429, "headers": {"retry-after": "2"}}, {"ok": True})
        first = asyncio.create_task(started.generate(model="one", prompt="x"))
        async with asyncio.timeout(30):
            while "heliostat_queue_depth 1.0" not in (await started.http.get("/metrics")).text:
                await asyncio.sleep(0.02)
        second = asyncio.create_task(started.generate(model="one", prompt="y"))
        answers = [await first, await second]
        entries = (await started.journal("compat"))["entries"]
    assert [answer.status_code for answer in answers] == [200, 200]
    starts = sorted(entry["time_unix"] for entry in entries)
    assert len(starts) == 3
    assert starts[1] - starts[0] >= 2.0


@pytest.mark.parametrize("max_wait", [None, 0])
async def test_u08_a_second_target_stands(tmp_path: Path, max_wait: int | None) -> None:
    """A short pause is waited for; with max_wait 0 the second one answers at once."""
    async with running(tmp_path) as started:
        await started.script("fal", {"status": 429, "headers": {"retry-after-ms": "300"}}, {"ok": True})
        answer = await started.generate(**ASKED, **({} if max_wait is None else {"max_wait": max_wait}))
    assert [each[0] for each in told(answer)] == (["fal", "fal"] if max_wait is None else ["fal", "compat"])


def _date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


_HEADERS = {
    "u09_date": (lambda: {"retry-after": _date(30)}, range(20, 31)),
    "u09_past_date": (lambda: {"retry-after": _date(-300)}, range(0, 2)),
    "u09_unreadable": (lambda: {"retry-after": "soon"}, range(1, 2)),
    "u10_milliseconds_win": (lambda: {"retry-after-ms": "3500", "retry-after": "50"}, range(1, 5)),
    "u10_reset_of_the_limit": (lambda: {"retry-after": None, "x-ratelimit-reset-requests": "6m0s"}, range(50, 61)),
    "u13_a_day": (lambda: {"retry-after": "86400"}, range(50, 61)),
    "u13_negative": (lambda: {"retry-after": "-5"}, range(1, 2)),
    "u13_endless": (lambda: {"retry-after": "1e309"}, range(50, 61)),
}


@pytest.mark.parametrize(("headers", "seconds"), _HEADERS.values(), ids=_HEADERS)
async def test_u09_u10_u13_the_pause_is_read_and_bounded(tmp_path: Path, headers: Any, seconds: range) -> None:
    """The caller who does not want to wait is told when to come back, rounded up."""
    async with running(tmp_path) as started:
        await started.script("compat", {"status": 429, "headers": headers()})
        answer = await started.generate(model="one", prompt="x", max_wait=0)
    assert answer.status_code == 429, answer.text
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert int(answer.headers["retry-after"]) in {*seconds, *(1 for second in seconds if second == 0)}


_OUT = {
    "u12_402": ({"status": 402}, 200),
    "u12_insufficient_quota": ({"status": 429, "body": {"detail": "User is locked. Reason: Exhausted balance."}}, 200),
    "f05_credit_too_low_as_400": ({"status": 400, "body": {"detail": "Your credit balance is too low"}}, 200),
    "u17_401": ({"status": 401}, 502),
    "u17_403": ({"status": 403, "body": {"detail": "Forbidden"}}, 502),
    "u18_404": ({"status": 404}, 200),
    "u18_410": ({"status": 410}, 200),
}


@pytest.mark.parametrize(("step", "status"), _OUT.values(), ids=_OUT)
async def test_u12_u17_u18_f05_facts_take_a_target_out_at_once(
    tmp_path: Path, step: dict[str, Any], status: int
) -> None:
    """The next requests go to the other provider without asking this one; our key's failure is never the caller's."""
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "submit", **step})
        first = await started.generate(**ASKED)
        later = [await started.generate(**ASKED) for _ in range(3)]
        count = await submits(started, "fal")
    assert first.status_code == status, first.text
    assert [told(answer) for answer in later] == [[("compat", "delivered", "")]] * 3
    assert count == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_u14_a_server_error_is_followed_by_a_picture(tmp_path: Path, status: int) -> None:
    """The provider's own error answer bought nothing: one success, two attempts."""
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "submit", "status": status}, {"ok": True})
        answer = await started.generate(**ASKED)
    assert [each[0] for each in told(answer)] == ["fal", "compat"]
    assert told(answer)[0][1] == "refused"


async def test_u14_an_answer_of_a_proxy_leaves_the_purchase_open(tmp_path: Path) -> None:
    """HTML without the provider's request id: nobody knows, so the careful caller gets no second purchase."""
    page = {"status": 502, "body": "<html>Bad Gateway</html>", "headers": {"content-type": "text/html"}}
    async with running(tmp_path) as started:
        await started.script(
            "compat", {"path": "generations", **page, "headers": {**page["headers"], "x-request-id": None}}
        )
        answer = await started.generate(model="one", prompt="x", on_unknown="fail")
    assert answer.status_code == 502
    assert answer.headers["x-should-retry"] == "false"


async def test_u15_bad_parameters_are_the_callers(tmp_path: Path) -> None:
    """400 with the provider's sentence, nobody else is asked, and the target stays in."""
    body = {"detail": [{"loc": ["body", "seed"], "msg": "seed is too large", "type": "value_error"}]}
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "submit", "status": 422, "body": body, "times": 10}, {"ok": True})
        refused = [await started.generate(**ASKED) for _ in range(10)]
        answer = await started.generate(**ASKED)
        asked_elsewhere = await submits(started, "compat")
    assert {each.status_code for each in refused} == {400}
    assert "seed is too large" in refused[0].json()["error"]["message"]
    assert told(answer) == [("fal", "delivered", "")]
    assert asked_elsewhere == 0


@pytest.mark.parametrize("listed", [False, True])
async def test_u16_moderation_fails_over_only_where_the_route_says_so(tmp_path: Path, listed: bool) -> None:
    """400 content_policy_violation, or the listed target's picture."""
    blocked = {"detail": [{"loc": ["body", "prompt"], "msg": "blocked", "type": "content_policy_violation"}]}
    route = {**_TWO, "content_failover": ["compat/flux-schnell"]} if listed else _TWO
    async with running(tmp_path, router={"routes": [route]}) as started:
        await started.script("fal", {"path": "submit", "status": 422, "body": blocked})
        answer = await started.generate(**ASKED)
    if listed:
        assert told(answer)[-1][:2] == ("compat", "delivered")
    else:
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "content_policy_violation"


async def test_u42_an_outage_costs_no_client_an_error(tmp_path: Path) -> None:
    """The first provider fails all the time: everybody gets a picture, and it is asked at most five times."""
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "submit", "status": 500})
        answers = [await started.generate(**ASKED) for _ in range(20)]
        count = await submits(started, "fal")
    assert {answer.status_code for answer in answers} == {200}
    assert count <= 5


async def test_u43_nothing_may_be_tried(tmp_path: Path) -> None:
    """503 with the time of the first return, and no call."""
    async with running(tmp_path) as started:
        await started.script("fal", {"path": "submit", "status": 402})
        await started.script("compat", {"path": "generations", "status": 402})
        first = await started.generate(**ASKED)
        answer = await started.generate(**ASKED)
        counts = [await submits(started, provider) for provider in ("fal", "compat")]
    assert first.status_code == 503
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "no_target"
    assert 500 <= int(answer.headers["retry-after"]) <= 600 or int(answer.headers["retry-after"]) == 120
    assert counts == [1, 1]
