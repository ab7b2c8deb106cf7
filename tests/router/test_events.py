"""What operators should know: it is logged, counted, told to those who watch, and sent where they want it."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import ValidationError

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis import telemetry
from heliostat.chassis.calls import stream
from heliostat.chassis.clock import Clock, FakeClock
from heliostat.chassis.settings import Secret
from heliostat.router import watching, webhook
from heliostat.router.events import CHANGED, EJECTED, KINDS, Bulletin, OperatorEvent
from heliostat.router.settings import EventSettings
from heliostat.router.webhook import Webhook
from tests.support.router_room import RouterRoom, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, delivers, fails, stalls

SOON_S = 10.0
SECRET = "whsec_" + base64.b64encode(b"a secret of operators, 32 bytes.").decode()


def counted(kind: str) -> float:
    """How often an event of that kind was counted in this process."""
    return float(telemetry.OPERATOR_EVENTS.labels(kind)._value.get())


@dataclass
class Seen:
    """What one who watches was told."""

    targets: list[admin_pb2.Target] = field(default_factory=list)
    events: list[admin_pb2.OperatorEvent] = field(default_factory=list)

    async def until(self, messages: AsyncIterator[admin_pb2.WatchTargetsResponse], *kinds: str) -> None:
        """Reads until events of all these kinds have come."""
        async with asyncio.timeout(SOON_S):
            while not set(kinds) <= {event.kind for event in self.events}:
                message = await anext(messages)
                self.targets += message.targets
                self.events += message.events


@asynccontextmanager
async def watching_room(room: RouterRoom, only: str = "") -> AsyncIterator[tuple[Seen, Any]]:
    """A reader that has been told of all targets."""
    seen = Seen()
    async with stream(room.admin.WatchTargets, admin_pb2.WatchTargetsRequest(route=only)) as messages:
        seen.targets += (await anext(messages)).targets
        yield seen, messages


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (reasons.ERROR_REASON_QUOTA_EXHAUSTED, "credit_exhausted"),
        (reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, "key_refused"),
        (reasons.ERROR_REASON_PROVIDER_MODEL_GONE, "model_gone"),
    ],
)
async def test_what_an_operator_must_mend_is_told(reason: int, kind: str) -> None:
    """Who watches sees the event and the target that is out; the metrics count it; after a reset it is back."""
    failing = ScriptedAdapter("a", [fails(reason), delivers()])
    async with running_router([failing, ScriptedAdapter("b")], route("a/model", "b/model")) as room:
        before = counted(kind)
        async with watching_room(room) as (seen, messages):
            assert [target.name for target in seen.targets] == ["a/model", "b/model"]
            await room.ask()
            await seen.until(messages, kind)
            assert counted(kind) == before + 1
            (event,) = [event for event in seen.events if event.kind == kind]
            assert event.message
            assert event.HasField("time")
            out = [target for target in seen.targets if target.health_state == admin_pb2.HEALTH_STATE_EJECTED]
            assert {target.name for target in out} == {"a/model"}
            await room.admin.ResetTarget(admin_pb2.ResetTargetRequest(name="a/model"))
            await seen.until(messages, "returned", "changed")
            assert seen.targets[-1].health_state == admin_pb2.HEALTH_STATE_HEALTHY


async def test_ejections_and_pauses_are_metrics() -> None:
    """The state is a series of its own, 1 for where the target is."""
    failing = ScriptedAdapter("state-a", [fails(reasons.ERROR_REASON_PROVIDER_MODEL_GONE)])
    limited = ScriptedAdapter("state-b", [fails(reasons.ERROR_REASON_RATE_LIMITED, retry_after_s=30)])
    routes = (route("state-a/model", "state-c/model"), route("state-b/model", "state-c/model", model="n"))
    async with running_router([failing, limited, ScriptedAdapter("state-c")], *routes) as room:
        await room.ask()
        await room.ask(model="n")
        states = {
            (labels["target"], labels["state"]): sample.value
            for metric in telemetry.TARGET_STATE.collect()
            for sample in metric.samples
            for labels in [sample.labels]
        }
    assert states["state-a/model", "ejected"] == 1
    assert states["state-a/model", "healthy"] == 0
    assert states["state-b/model", "paused"] == 1
    assert telemetry.EJECTIONS.labels("state-a/model", "model_gone")._value.get() == 1
    assert telemetry.PAUSES.labels("state-b/model")._value.get() == 1
    assert ("state-c/model", "healthy") not in states


async def test_who_watches_one_route_is_not_told_of_others() -> None:
    """Neither of their targets nor of what happens to those."""
    adapters = [ScriptedAdapter("a", [fails(reasons.ERROR_REASON_QUOTA_EXHAUSTED)]), ScriptedAdapter("b")]
    async with (
        running_router(adapters, route("a/model", "b/model"), route("b/model", model="n")) as room,
        watching_room(room, "n") as (seen, messages),
    ):
        assert [(target.route, target.name) for target in seen.targets] == [("n", "b/model")]
        await room.ask()
        request = admin_pb2.UpdateTargetRequest(
            target=admin_pb2.Target(name="b/model", weight=5), update_mask={"paths": ["weight"]}
        )
        await room.admin.UpdateTarget(request)
        await seen.until(messages, "changed")
    assert {event.kind for event in seen.events} == {"changed"}
    assert {(target.route, target.name) for target in seen.targets} == {("n", "b/model")}
    assert seen.targets[-1].weight == 5


async def test_who_asks_for_calls_is_told_as_they_begin_and_end() -> None:
    """How many are under way at a target, and how many were begun; who does not ask is told of states alone."""
    adapters = [ScriptedAdapter("a", [stalls()])]
    with_calls = admin_pb2.WatchTargetsRequest(with_calls=True)
    async with (
        running_router(adapters, route("a/model")) as room,
        watching_room(room) as (seen, states),
        stream(room.admin.WatchTargets, with_calls) as calls,
        asyncio.timeout(SOON_S),
    ):
        told = list((await anext(calls)).targets)
        asking = asyncio.create_task(room.ask())
        while not told[-1].in_flight_count:
            told += (await anext(calls)).targets
        asking.cancel()
        while told[-1].in_flight_count:
            told += (await anext(calls)).targets
        update = admin_pb2.Target(name="a/model", weight=5)
        await room.admin.UpdateTarget(admin_pb2.UpdateTargetRequest(target=update, update_mask={"paths": ["weight"]}))
        await seen.until(states, "changed")
    assert [(each.in_flight_count, each.call_count) for each in told] == [(0, 0), (1, 1), (0, 1)]
    assert [each.weight for each in seen.targets] == [1, 5]


async def test_a_slow_reader_is_told_how_much_it_missed() -> None:
    """What waits for it is bounded, and the newest is kept."""
    async with running_router([ScriptedAdapter("a")], route("a/model")) as room:
        operations = room.router._operations
        async with watching_room(room) as (seen, messages):
            for number in range(watching.MOST_EVENTS + 44):
                operations.bulletin.post(CHANGED, f"Change {number}.")
            await seen.until(messages, "missed", "changed")
    assert seen.events[0].message == "44 events are left out: this reader is slow."
    assert seen.events[-1].message == f"Change {watching.MOST_EVENTS + 43}."
    assert len(seen.events) == watching.MOST_EVENTS + 1


def test_a_listener_that_leaves_hears_no_more() -> None:
    """Events go to those who listen when they are posted."""
    bulletin = Bulletin(FakeClock())
    heard: list[OperatorEvent] = []
    bulletin.listen(heard.append)
    first = bulletin.post(EJECTED, "It failed.", "a/x")
    bulletin.leave(heard.append)
    bulletin.post(EJECTED, "It failed again.", "a/x")
    assert heard == [first]
    assert first.kind in KINDS


@dataclass
class Receiver:
    """An HTTP server that takes webhooks: (status, headers) per request, the last one stays."""

    answers: list[tuple[int, Sequence[str]]]
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Takes one request and answers it."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        self.taken.append((headers, await reader.readexactly(int(headers["content-length"]))))
        assert first == "POST /hook?x=1 HTTP/1.1"
        status, more = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        head = [f"HTTP/1.1 {status} Told", "content-length: 0", *more, "", ""]
        writer.write("\r\n".join(head).encode())
        await writer.drain()
        writer.close()
        self.came.set()

    async def until(self, count: int) -> None:
        """Returns when so many requests have come."""
        async with asyncio.timeout(SOON_S):
            while len(self.taken) < count:
                await self.came.wait()
                self.came.clear()


@asynccontextmanager
async def receiving(*answers: tuple[int, Sequence[str]]) -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver(list(answers))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?x=1"
    async with server:
        yield receiver


@asynccontextmanager
async def sending(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Webhook]:
    """A sender that tries again at once."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    sender = Webhook(url, Secret("env:HOOK_SECRET"), Clock(), schedule_s=(0.0, 0.0))
    sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


def is_signed(headers: dict[str, str], body: bytes) -> bool:
    """What a receiver checks, written out from the specification."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{expected}"


EVENT = OperatorEvent(1_800_000_000.5, EJECTED, "a/x", "It failed 5 times in a row.")


async def test_an_event_is_sent_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Standard Webhooks asks; the body says what happened."""
    async with receiving((204, ())) as receiver, sending(receiver.url, monkeypatch) as sender:
        sender.take(EVENT)
        await receiver.until(1)
    ((headers, body),) = receiver.taken
    assert is_signed(headers, body)
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {
        "type": "router.ejected",
        "timestamp": "2027-01-15T08:00:00.500000Z",
        "data": {"kind": "ejected", "target": "a/x", "message": "It failed 5 times in a row."},
    }


async def test_a_failed_delivery_is_tried_again_with_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors and redirects are failures; the next event comes after the first one, under another id."""
    answers = [(500, ()), (302, ("location: http://127.0.0.1:1/",)), (200, ())]
    async with receiving(*answers) as receiver, sending(receiver.url, monkeypatch) as sender:
        sender.take(EVENT)
        sender.take(EVENT)
        await receiver.until(4)
    ids = [headers["webhook-id"] for headers, _ in receiver.taken]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert all(is_signed(headers, body) for headers, body in receiver.taken)


async def test_after_the_schedule_the_next_event_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead receiver holds nothing up for ever."""
    async with receiving((500, ())) as receiver, sending(receiver.url, monkeypatch) as sender:
        sender.take(EVENT)
        sender.take(EVENT)
        await receiver.until(6)
    ids = [headers["webhook-id"] for headers, _ in receiver.taken[:6]]
    assert len(set(ids[:3])) == len(set(ids[3:])) == 1
    assert ids[0] != ids[3]


async def test_a_receiver_that_is_gone_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """410 ends the sending."""
    async with receiving((410, ())) as receiver, sending(receiver.url, monkeypatch) as sender:
        sender.take(EVENT)
        await receiver.until(1)
        async with asyncio.timeout(SOON_S):
            await sender.finished()
        sender.take(EVENT)
    assert len(receiver.taken) == 1


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        ("HTTP/1.1 200 OK\r\n\r\n", (200, 0)),
        ("HTTP/1.1 503 No\r\nRetry-After: 7\r\n\r\n", (503, 7)),
        ("HTTP/1.0 204\r\nretry-after: 999999999\r\n\r\n", (204, 3600)),
        ("HTTP/1.1 429 No\r\nRetry-After: soon\r\n\r\n", (429, 0)),
    ],
)
def test_answers_are_read(head: str, answer: tuple[int, float]) -> None:
    """Status and pause; a pause that makes no sense is none."""
    assert webhook.answer_of(head) == answer


def test_what_is_no_answer_is_refused() -> None:
    """Whatever listens there, it is not HTTP."""
    with pytest.raises(ValueError, match=r"HTTP/1\.1"):
        webhook.answer_of("SSH-2.0-OpenSSH\r\n\r\n")


def test_a_known_signature() -> None:
    """The example of the specification's reference implementations."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = webhook.signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', secret)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["short", "whsec_!!!!", "whsec_c2hvcnQ="])
def test_a_secret_that_is_none_is_said(secret: str) -> None:
    """Nothing is sent unsigned."""
    with pytest.raises(ValueError, match="webhook's secret"):
        webhook.signed("msg", 1, b"", secret)


@pytest.mark.parametrize(
    ("url", "secret", "sentence"),
    [
        ("http://example.com/hook", "env:S", "is not https"),
        ("ftp://127.0.0.1/hook", "env:S", "is not https"),
        ("https://user:word@example.com/hook", "env:S", "is not https"),
        ("https:///hook", "env:S", "is not https"),
        ("https://example.com/hook", None, "needs webhook_secret"),
        ("https://example.com/hook", "env:S", ""),
        ("http://127.0.0.1:9/hook", "env:S", ""),
        ("", None, ""),
    ],
)
def test_where_events_may_be_sent(url: str, secret: str | None, sentence: str) -> None:
    """Encrypted, or on this machine; never unsigned."""
    values = {"webhook_url": url, "webhook_secret": secret}
    if not sentence:
        assert EventSettings.model_validate(values).webhook_url == url
        return
    with pytest.raises(ValidationError, match=sentence):
        EventSettings.model_validate(values)


async def test_the_router_sends_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the failure to the receiver."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    failing = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_QUOTA_EXHAUSTED)])
    async with receiving((200, ())) as receiver:
        events = {"webhook_url": receiver.url, "webhook_secret": "env:HOOK_SECRET"}
        async with running_router([failing, ScriptedAdapter("b")], route("a/model", "b/model"), events=events) as room:
            await room.ask()
            await receiver.until(1)
    told = json.loads(receiver.taken[0][1])
    assert (told["type"], told["data"]["kind"]) == ("router.credit_exhausted", "credit_exhausted")
