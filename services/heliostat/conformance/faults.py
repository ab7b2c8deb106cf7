"""Gold, faults: what providers do wrong (refuse, hang, break off, lie), each with one right ending."""

import asyncio
import base64
import math
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import reason_name
from heliostat.conformance.grammar import check_adapter_stream
from heliostat.conformance.paid import bought, staged
from heliostat.conformance.rules import NotApplicable, does_not_apply, holds, rule
from heliostat.conformance.subject import ATTEMPT, SQUARE, Stage, Subject, Told

FREE = {event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED}
_LATE = {"provider_timeout", "deadline_exceeded"}
_BAD_ANSWER = {"provider_answer_invalid", "media_invalid", "provider_unavailable", "provider_timeout"}
_NOT_SUBMITS = {"status", "result", "file", "cancel"}
# A few hundred bytes that say they are 60,000 pixels wide and high.
_HUGE_PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n"
    + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(bytes(100_000))),
            (b"IEND", b""),
        )
    )
).decode()
# A word that every emulated provider with moderation refuses, in that provider's own way.
_REFUSED_WORD = "nsfw"
# A stall is waited for so long, in seconds: long enough for a submit on a busy machine.
_PATIENCE_S = 1.5
# A job whose answer lacks its pictures may look like one that goes on; downloads are tried again.
_PATIENCE_WITH_LIES_S = 8.0


@rule(
    "gold",
    rate_limited=({"status": 429, "headers": {"retry-after": "3"}}, "rate_limited", True),
    key_refused=({"status": 401}, "provider_auth_failed", True),
    model_gone=({"status": 404}, "provider_model_gone", True),
    wrong_field=({"status": 400, "body": {"error": {"message": "bad"}}}, "invalid_field", True),
    no_credit=({"status": 402}, "quota_exhausted", True),
    error_500=({"status": 500}, "provider_unavailable", True),
    error_503=({"status": 503}, "provider_unavailable", True),
    reset=({"connection": "reset"}, "provider_answer_invalid", False),
    closed=({"connection": "refuse"}, "provider_answer_invalid", False),
    cut=({"cut_after_bytes": 1}, "provider_answer_invalid", False),
    garbage=({"garbage": True}, "provider_answer_invalid", False),
    nothing=({"body": ""}, "provider_answer_invalid", False),
    null=({"body": None}, "provider_answer_invalid", False),
    a_list=({"body": []}, "provider_answer_invalid", False),
    a_text=({"body": '"ok"'}, "provider_answer_invalid", False),
    ten_megabytes_of_brackets=({"body": "[" * 10_000, "repeat": 1_000}, "provider_answer_invalid", False),
    a_page=(
        {"body": "<html>Sign in to the network</html>", "headers": {"content-type": "text/html"}},
        "provider_answer_invalid",
        False,
    ),
    another_charset=(
        {
            "body_base64": base64.b64encode('{"data": []}'.encode("utf-16")).decode(),
            "headers": {"content-type": "application/json; charset=utf-16"},
        },
        "provider_answer_invalid",
        False,
    ),
)
async def a_fault_of_a_submit_has_its_reason_and_is_not_tried_again(
    subject: Subject, step: dict[str, Any], reason: str, free: bool
) -> None:
    """Whether to try again is the router's to decide; no error tells a secret, nothing is sent twice."""
    stage = staged(subject)
    await stage.script(step)
    told = await subject.ask(size=SQUARE)
    error = told.failure
    holds(reason_name(error.reason) == reason, f"told as {reason_name(error.reason)}, not {reason}")
    holds((told.outcome in FREE) is free, f"outcome {event_pb2.Outcome.Name(told.outcome)}")
    if reason == "rate_limited":
        holds(error.retry_after_s == 3.0, f"the pause is {error.retry_after_s} s, not 3")
    _tells_no_secret(subject, told)
    check_adapter_stream(told.events, ATTEMPT, failed=True)
    entries = await stage.entries()
    holds(len(entries) == 1, f"{len(entries)} requests were sent, not one")


@rule("gold")
async def an_answer_that_grows_without_end_is_refused(subject: Subject) -> None:
    """Unpacked, it is cut off: some hundred kilobytes would be as many megabytes."""
    stage = staged(subject)
    await stage.script({"body_base64": _packed(), "headers": {"content-encoding": "gzip"}})
    told = await subject.ask(size=SQUARE)
    reason = reason_name(told.failure.reason)
    holds(reason == "provider_answer_invalid", f"told as {reason}")
    holds(told.outcome not in FREE, f"outcome {event_pb2.Outcome.Name(told.outcome)}")
    submits = [entry for entry in await stage.entries() if entry["kind"] not in _NOT_SUBMITS]
    holds(len(submits) == 1, f"{len(submits)} requests were sent, not one")


@rule(
    "gold",
    milliseconds=({"retry-after-ms": "350", "retry-after": "9"}, 0.35),
    a_past_date=({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0),
    a_day=({"retry-after": "86400"}, None),
    negative=({"retry-after": "-5"}, None),
    endless=({"retry-after": "1e309"}, None),
    a_word=({"retry-after": "soon"}, None),
)
async def a_pause_is_read_and_never_believed_blindly(
    subject: Subject, headers: dict[str, str], pause_s: float | None
) -> None:
    """Milliseconds win over seconds, a past date is now, nonsense is no pause; never negative, never endless."""
    await staged(subject).script({"status": 429, "headers": headers})
    told = await subject.ask(size=SQUARE)
    error = told.failure
    holds(reason_name(error.reason) == "rate_limited", f"told as {reason_name(error.reason)}")
    wait_s = error.retry_after_s
    if pause_s is not None:
        holds(wait_s == pause_s, f"the pause is {wait_s} s, not {pause_s}")
    holds(wait_s is None or (math.isfinite(wait_s) and 0 <= wait_s <= 86_400), f"a pause of {wait_s} s")


@rule("gold")
async def what_the_provider_says_of_a_request_reaches_the_caller_whole(subject: Subject) -> None:
    """Masking keys eats no other words."""
    await staged(subject).script({"status": 422})
    error = (await subject.ask(size=SQUARE)).failure
    holds(reason_name(error.reason) in {"invalid_field", "content_blocked"}, f"told as {reason_name(error.reason)}")
    holds("[" not in error.message, f"something was masked: {error.message}")


@rule("gold")
async def what_moderation_refuses_is_told_as_such(subject: Subject) -> None:
    """`content_blocked`, in whatever way the provider says it: the caller has to change the words."""
    stage = staged(subject)
    told = await subject.ask(size=SQUARE, prompt=f"a {_REFUSED_WORD} boat")
    if told.error is None:
        does_not_apply("its provider refuses nothing")
    reason = reason_name(told.failure.reason)
    holds(reason == "content_blocked", f"told as {reason}")
    _tells_no_secret(subject, told)
    submits = [entry for entry in await stage.entries() if entry["kind"] not in _NOT_SUBMITS]
    holds(len(submits) <= 2, f"{len(submits)} requests were sent for one attempt")


@rule("gold")
async def a_provider_that_echoes_key_and_prompt_is_not_quoted(subject: Subject) -> None:
    """They are masked before anybody sees the error."""
    stage = staged(subject)
    said = f"key {stage.key} may not draw a very private red boat"
    await stage.script({"status": 400, "body": {"error": {"message": said}, "message": said, "detail": said}})
    told = await subject.ask(size=SQUARE)
    _tells_no_secret(subject, told)


@rule("gold")
async def a_provider_that_is_not_there_bought_nothing(subject: Subject) -> None:
    """A refused connection is `NOT_SENT`."""
    await staged(subject).stop()
    told = await subject.ask(size=SQUARE)
    reason = reason_name(told.failure.reason)
    holds(reason == "provider_unavailable", f"told as {reason}")
    holds(told.outcome == event_pb2.OUTCOME_NOT_SENT, f"outcome {event_pb2.Outcome.Name(told.outcome)}")


@rule("gold", before_the_head=({"delay_s": 3},), inside_of_the_body=({"stall_after_bytes": 10},))
async def a_stall_ends_at_the_deadline(subject: Subject, step: dict[str, Any]) -> None:
    """And leaves the money open."""
    await staged(subject).script(step)
    told = await subject.ask(size=SQUARE, timeout_s=_PATIENCE_S)
    if told.error is None:
        holds(False, "an answer that never came was delivered")
    else:
        holds(reason_name(told.error.reason) in _LATE, f"told as {reason_name(told.error.reason)}")
        held = told.error.failure
        holds(held is None or held.outcome not in FREE, "told as not bought")


@rule(
    "gold",
    unavailable=({"status": 500},),
    rate_limited=({"status": 429, "headers": {"retry-after": None, "retry-after-ms": "50"}},),
    key_refused=({"status": 401},),
    not_found_yet=({"status": 404},),
    broken_off=({"connection": "reset"},),
)
async def looks_that_fail_do_not_end_a_job(subject: Subject, step: dict[str, Any]) -> None:
    """A job outlives two bad answers about its state: it is delivered, and was bought once."""
    stage = staged(subject)
    await stage.script({"path": "status", "times": 2, **step}, {"path": "status"})
    told = await subject.ask(size=SQUARE)
    if not any(entry["kind"] == "status" for entry in await stage.entries()):
        does_not_apply("its jobs are not looked at")
    await _delivered_once(subject, told)


@rule("gold")
async def an_attempt_under_way_is_found_by_a_cancel(subject: Subject) -> None:
    """And ends, by that name, before its provider has answered."""
    stage = staged(subject)
    await stage.script({"delay_s": 1.5})
    attempt = asyncio.create_task(subject.ask(size=SQUARE))
    await _asked(stage, attempt)
    answer = await call(subject.stub.Cancel, adapter_pb2.CancelRequest(attempt_id=ATTEMPT), timeout_s=10)
    told = await attempt
    holds(answer.found, "an attempt under way was not found")
    holds(told.error is not None, "a cancelled attempt was delivered")
    holds(reason_name(told.failure.reason) == "cancelled", f"told as {reason_name(told.failure.reason)}")
    check_adapter_stream(told.events, ATTEMPT, failed=True)


@rule("gold")
async def an_answer_without_pictures_is_no_success(subject: Subject) -> None:
    """And what was charged for it stays."""
    told = await _spoiled(subject, {"spoil": "no_pictures"})
    _failed_after_purchase(told)


@rule("gold")
async def fewer_pictures_are_told_as_fewer(subject: Subject) -> None:
    """Never padded by copies: the router asks the next target for what is missing, and tells the caller."""
    if subject.capability.max_image_count < 2:
        does_not_apply("it makes one picture at a time")
    told = await _spoiled(subject, {"spoil": "one_picture"}, image_count=2)
    if told.error is not None:
        _failed_after_purchase(told)
        return
    check_adapter_stream(told.events, ATTEMPT)
    files = told.pictures()
    holds(len(set(files)) == len(files), "one picture was delivered twice")
    holds(told.result.image_count == len(files), f"{told.result.image_count} counted, {len(files)} delivered")


@rule("gold", wrapped=("wrapped_base64",), url_alphabet=("url_base64",), data_address=("data_address",))
async def odd_base64_is_read(subject: Subject, spoil: str) -> None:
    """Line breaks, the alphabet of addresses and a data: prefix are other ways of saying the same."""
    told = await _spoiled_in_one_of(subject, {"spoil": spoil}, tries=6 if spoil == "url_base64" else 1)
    if told.error is not None:
        raise told.error
    check_adapter_stream(told.events, ATTEMPT)


@rule("gold")
async def cut_base64_is_no_picture(subject: Subject) -> None:
    """A file that lacks its end is not delivered."""
    _failed_after_purchase(await _spoiled(subject, {"spoil": "cut_base64"}))


@rule("gold", by_the_submit=("submit",), by_a_look=("status",), by_the_result=("result",))
async def an_address_elsewhere_is_not_asked(subject: Subject, path: str) -> None:
    """Neither the key nor anything else goes to a host that is not the provider's."""
    async with _elsewhere() as trap:
        await _spoiled(subject, {"path": path, "spoil": "addresses", "address": trap.address})
    holds(trap.visits == 0, f"the address elsewhere was asked {trap.visits} times")


@rule("gold")
async def a_file_that_moved_inside_is_not_fetched(subject: Subject) -> None:
    """A redirect to a private address ends the attempt."""
    stage = staged(subject)
    async with _elsewhere() as trap:
        await stage.script(
            {"path": "file", "status": 302, "headers": {"location": f"{trap.address}/x.png"}, "body": ""}
        )
        told = await subject.ask(size=SQUARE, timeout_s=20)
    if not any(entry["kind"] == "file" for entry in await stage.entries()):
        does_not_apply("its pictures come inside of the answer")
    holds(trap.visits == 0, "the redirect was followed")
    _failed_after_purchase(told)


@rule(
    "gold",
    garbage=({"garbage": True},),
    a_page=({"body": "<html>gone</html>", "headers": {"content-type": "image/png"}},),
    drawing_with_script=({"body": "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"},),
    cut=({"cut_after_bytes": 40},),
    nothing=({"body": ""},),
    bomb=({"body_base64": _HUGE_PNG, "headers": {"content-type": "image/png"}},),
)
async def a_file_that_is_no_picture_is_not_delivered(subject: Subject, step: dict[str, Any]) -> None:
    """Bytes are looked at, whatever their header says; the cost stays."""
    stage = staged(subject)
    await stage.script({"path": "file", **step})
    told = await subject.ask(size=SQUARE, timeout_s=20)
    if not any(entry["kind"] == "file" for entry in await stage.entries()):
        does_not_apply("its pictures come inside of the answer")
    _failed_after_purchase(told)


@rule("gold")
async def an_expired_link_is_asked_for_anew(subject: Subject) -> None:
    """Its job is looked at once more, and the picture fetched from where it is now: delivered, and bought once."""
    told = await _expired(subject, {"times": 1})
    await _delivered_once(subject, told)


@rule("gold")
async def a_link_that_stays_expired_is_given_up(subject: Subject) -> None:
    """After one more look the attempt has failed, and its cost is kept."""
    told = await _expired(subject, {})
    _failed_after_purchase(told)
    failure = told.failure.failure or event_pb2.AttemptFailure()
    holds(
        failure.billed == event_pb2.BILLED_YES and failure.HasField("cost"), "it is not told as billed, with its cost"
    )
    looks = sum(entry["spoiled"] for entry in await staged(subject).entries())
    holds(looks == 2, f"it was told {looks} times where the picture is, not twice")
    count = len(await bought(subject))
    holds(count == 1, f"bought {count} times")


async def _expired(subject: Subject, step: dict[str, Any]) -> Told:
    """An attempt whose picture's address holds no more. Raises NotApplicable where no look tells of one."""
    stage = staged(subject)
    await stage.script(*({**step, "path": path, "spoil": "expired"} for path in ("status", "result")))
    told = await subject.ask(size=SQUARE)
    if not any(entry["spoiled"] for entry in await stage.entries()):
        does_not_apply("no answer of its provider holds that")
    return told


@cache
def _packed() -> str:
    """100 MB of blanks, packed, in base64."""
    packer = zlib.compressobj(1, wbits=31)
    return base64.b64encode(
        b"".join([*(packer.compress(b" " * (1 << 20)) for _ in range(100)), packer.flush()])
    ).decode()


async def _asked(stage: Stage, attempt: "asyncio.Task[Told]") -> None:
    """Returns when the provider has the request, or the attempt is over."""
    while not attempt.done():
        if await stage.entries():
            return


async def _spoiled(subject: Subject, step: dict[str, Any], **fields: Any) -> Told:
    """An attempt whose answers are true but for what the step spoils. Raises NotApplicable where nothing was."""
    stage = staged(subject)
    paths = [step["path"]] if "path" in step else ["submit", "status", "result"]
    await stage.script(*({**step, "path": path} for path in paths))
    told = await subject.ask(size=SQUARE, timeout_s=_PATIENCE_WITH_LIES_S, **fields)
    if not any(entry["spoiled"] for entry in await stage.entries()):
        does_not_apply("no answer of its provider holds that")
    _tells_no_secret(subject, told)
    return told


async def _spoiled_in_one_of(subject: Subject, step: dict[str, Any], tries: int) -> Told:
    """As `_spoiled`, with several pictures: base64 of some has no letter that two alphabets differ in."""
    for number in range(tries - 1):
        try:
            return await _spoiled(subject, step, prompt=f"a very private boat, number {number}")
        except NotApplicable:
            continue
    return await _spoiled(subject, step)


async def _delivered_once(subject: Subject, told: Told) -> None:
    """The attempt is whole, and was bought once."""
    if told.error is not None:
        raise told.error
    check_adapter_stream(told.events, ATTEMPT)
    count = len(await bought(subject))
    holds(count == 1, f"bought {count} times")


def _failed_after_purchase(told: Told) -> None:
    """The attempt failed, and is not told as free."""
    holds(told.error is not None, "what was no picture was delivered")
    reason = reason_name(told.failure.reason)
    holds(reason in _BAD_ANSWER, f"told as {reason}")
    holds(told.outcome not in FREE, f"outcome {event_pb2.Outcome.Name(told.outcome)}, although it was bought")


def _tells_no_secret(subject: Subject, told: Told) -> None:
    if told.error is not None:
        said = told.error.message + str(told.error.metadata)
        holds(not any(secret in said for secret in subject.secrets()), "the error tells a key or a prompt")


@dataclass
class _Trap:
    """A listener that must not be asked."""

    address: str
    visits: int = 0


@asynccontextmanager
async def _elsewhere() -> AsyncIterator[_Trap]:
    """A private address that is no provider's and that an emulated one, on 127.0.0.1, has no claim to."""
    trap = _Trap("")

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        trap.visits += 1
        writer.close()

    try:
        server = await asyncio.start_server(take, "127.0.0.2", 0)
    except OSError:
        does_not_apply("this machine has no second address of its own to listen at")
    trap.address = f"http://127.0.0.2:{server.sockets[0].getsockname()[1]}"
    try:
        yield trap
    finally:
        server.close()
        await server.wait_closed()
