"""Keys: shown once, kept as a hash, good until revoked or expired; a caller sees nothing of another."""

from pathlib import Path

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call, stream
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.settings import Secret
from tests.support.ledger_room import Room, ask, happy, ledger


async def make(room: Room, **fields: object) -> admin_pb2.CreateKeyResponse:
    """A new key."""
    request = admin_pb2.CreateKeyRequest(key=admin_pb2.Key(**fields))  # type: ignore[arg-type]
    answer: admin_pb2.CreateKeyResponse = await call(room.admin.CreateKey, request)
    return answer


async def refusal(room: Room, key: str) -> MeshError:
    """Why a key is not let in."""
    with pytest.raises(MeshError) as caught:
        await room.run(ask(), key)
    assert caught.value.reason == reasons.ERROR_REASON_CALLER_UNKNOWN
    return caught.value


async def test_a_made_key_lets_in(tmp_path: Path) -> None:
    """Its requests carry its id; neither the table nor the list holds its secret."""
    async with ledger(tmp_path, happy(), open=False) as room:
        made = await make(room, title="mine")
        assert made.secret.startswith(f"hel_{made.key.key_id}_")
        await room.run(ask(), made.secret)
        assert [row["key_id"] for row in await room.rows("requests")] == [made.key.key_id]
        listed = await call(room.admin.ListKeys, admin_pb2.ListKeysRequest())
        stored = repr(await room.rows("keys")) + repr(listed)
    assert made.secret not in stored
    assert made.secret.rpartition("_")[2] not in stored
    assert listed.keys[0].title == "mine"


@pytest.mark.parametrize("key", ["", "nonsense", "hel_", "hel_abc", "hel_abc_def", "hel_" + "x" * 5000])
async def test_a_key_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    """With a sentence that says what to do, and nothing asked of the router."""
    async with ledger(tmp_path, happy(), open=False) as room:
        error = await refusal(room, key)
        assert "key" in error.message
        assert "nonsense" not in error.message
        assert room.router.asked == []
        assert await room.rows("requests") == []


async def test_a_wrong_secret_of_a_real_key_is_refused(tmp_path: Path) -> None:
    """The id alone opens nothing."""
    async with ledger(tmp_path, happy(), open=False) as room:
        made = await make(room)
        await refusal(room, made.secret[:-1] + ("0" if made.secret[-1] != "0" else "1"))


async def test_revoking_takes_effect_at_once(tmp_path: Path) -> None:
    """The next request of a revoked key is refused by a sentence that says so; the key leaves the list."""
    async with ledger(tmp_path, happy(), open=False) as room:
        made = await make(room)
        await room.run(ask(), made.secret)
        revoked = await call(room.admin.RevokeKey, admin_pb2.RevokeKeyRequest(key_id=made.key.key_id))
        assert revoked.key.HasField("revoke_time")
        assert "revoked" in (await refusal(room, made.secret)).message
        assert not (await call(room.admin.ListKeys, admin_pb2.ListKeysRequest())).keys
        assert (await call(room.admin.ListKeys, admin_pb2.ListKeysRequest(show_revoked=True))).keys
        with pytest.raises(MeshError) as caught:
            await call(room.admin.RevokeKey, admin_pb2.RevokeKeyRequest(key_id="none"))
        assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND


async def test_a_key_expires_to_the_second(tmp_path: Path) -> None:
    """Though it was known a moment before."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock, open=False) as room:
        key = admin_pb2.Key()
        key.expire_time.FromSeconds(int(clock.time()) + 3)
        made = await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest(key=key))
        await room.run(ask(), made.secret)
        clock.advance(3.5)
        assert "expired" in (await refusal(room, made.secret)).message


async def test_a_key_stays_within_its_models_and_operations(tmp_path: Path) -> None:
    """What is not on its lists is forbidden, by name of the field."""
    async with ledger(tmp_path, happy(), open=False) as room:
        for limits, field in (({"models": ["other"]}, "model"), ({"operations": ["edit"]}, "operation")):
            made = await make(room, limits=admin_pb2.KeyLimits(**limits))  # type: ignore[arg-type]
            with pytest.raises(MeshError) as caught:
                await room.run(ask(), made.secret)
            assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_CALLER_FORBIDDEN, field)


async def test_a_fixed_key_is_for_a_sandbox(tmp_path: Path) -> None:
    """A sandbox lets in the key of its configuration; elsewhere the ledger does not start with one."""
    (tmp_path / "key").write_text("my-own-key")
    key = Secret(f"file:{tmp_path}/key")
    for _ in range(2):
        async with ledger(tmp_path, happy(), open=False, sandbox_key=key) as room:
            await room.run(ask(), "my-own-key")
            await refusal(room, "my-own-kez")
    with pytest.raises(MeshError) as caught:
        async with ledger(tmp_path, happy(), open=False, sandbox=False, sandbox_key=key):
            pass
    assert caught.value.reason == reasons.ERROR_REASON_CALLER_FORBIDDEN


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "a\nb"}, "key.title"),
        ({"limits": {"requests_per_minute": -1}}, "key.limits.requests_per_minute"),
        ({"limits": {"models": [""]}}, "key.limits.models"),
        ({"limits": {"operations": ["paint"]}}, "key.limits.operations"),
        ({"retention": {"metadata": {"seconds": 3600}}}, "key.retention.metadata"),
        ({"retention": {"payload": {"seconds": -1}}}, "key.retention.payload"),
        ({"default_wait": {"seconds": 100_000}}, "key.default_wait"),
    ],
)
async def test_what_cannot_be_kept_is_not_taken(tmp_path: Path, fields: dict[str, object], field: str) -> None:
    """By the field, when a key is made and when it is changed."""
    async with ledger(tmp_path, happy(), open=False) as room:
        with pytest.raises(MeshError) as caught:
            await make(room, **fields)
        assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_INVALID_FIELD, field)
        made = await make(room)
        asked = admin_pb2.Key(key_id=made.key.key_id, **fields)  # type: ignore[arg-type]
        mask = FieldMask(paths=[field.removeprefix("key.")])
        with pytest.raises(MeshError) as caught:
            await call(room.admin.UpdateKey, admin_pb2.UpdateKeyRequest(key=asked, update_mask=mask))
        assert caught.value.field == field


async def test_a_key_is_changed_by_what_the_mask_names(tmp_path: Path) -> None:
    """Nothing else; what the mask names and the change leaves out is cleared; the change holds at once."""
    async with ledger(tmp_path, happy(), open=False) as room:
        made = await make(room, title="one", limits={"models": ["other"], "images_per_minute": 7})
        with pytest.raises(MeshError, match="may not use the model"):
            await room.run(ask(), made.secret)
        asked = admin_pb2.Key(key_id=made.key.key_id, title="two", limits={"concurrent_requests": 3})
        mask = FieldMask(paths=["title", "limits.models"])
        key = (await call(room.admin.UpdateKey, admin_pb2.UpdateKeyRequest(key=asked, update_mask=mask))).key
        assert (key.title, list(key.limits.models), key.limits.images_per_minute) == ("two", [], 7)
        assert key.limits.concurrent_requests == 0
        assert key.create_time == made.key.create_time
        await room.run(ask(), made.secret)
        (listed,) = (await call(room.admin.ListKeys, admin_pb2.ListKeysRequest())).keys
        assert (listed.title, listed.HasField("last_use_time")) == ("two", True)


async def test_a_key_is_ended_by_its_time(tmp_path: Path) -> None:
    """An expiry is given, and taken away again, by a change."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock, open=False) as room:
        made = await make(room)

        async def expire(seconds: int | None) -> None:
            key = admin_pb2.Key(key_id=made.key.key_id)
            if seconds is not None:
                key.expire_time.FromSeconds(int(clock.time()) + seconds)
            mask = FieldMask(paths=["expire_time"])
            await call(room.admin.UpdateKey, admin_pb2.UpdateKeyRequest(key=key, update_mask=mask))

        await expire(0)
        assert "expired" in (await refusal(room, made.secret)).message
        await expire(None)
        await room.run(ask(), made.secret)


@pytest.mark.parametrize(
    ("key_id", "paths", "reason"),
    [
        ("nobody", ["title"], reasons.ERROR_REASON_RESOURCE_NOT_FOUND),
        ("", [], reasons.ERROR_REASON_INVALID_FIELD),
        ("", ["key_id"], reasons.ERROR_REASON_INVALID_FIELD),
        ("", ["revoke_time"], reasons.ERROR_REASON_INVALID_FIELD),
        ("", ["limits.colour"], reasons.ERROR_REASON_INVALID_FIELD),
    ],
)
async def test_a_change_that_is_none_is_refused(tmp_path: Path, key_id: str, paths: list[str], reason: int) -> None:
    """An unknown key, an empty mask, and fields that are not for changing."""
    async with ledger(tmp_path, happy(), open=False) as room:
        made = await make(room, title="one")
        key = admin_pb2.Key(key_id=key_id or made.key.key_id, title="two")
        with pytest.raises(MeshError) as caught:
            await call(room.admin.UpdateKey, admin_pb2.UpdateKeyRequest(key=key, update_mask=FieldMask(paths=paths)))
        assert caught.value.reason == reason
        assert (await call(room.admin.ListKeys, admin_pb2.ListKeysRequest())).keys[0].title == "one"


async def test_a_key_gets_another_secret(tmp_path: Path) -> None:
    """The old one lets in until the overlap is over, the new one at once and after; its id and title stay."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock, open=False) as room:
        made = await make(room, title="mine")
        rotate = admin_pb2.RotateKeyRequest(key_id=made.key.key_id, overlap={"seconds": 3})
        turned = await call(room.admin.RotateKey, rotate)
        assert (turned.key.key_id, turned.key.title) == (made.key.key_id, "mine")
        assert turned.secret.startswith(f"hel_{made.key.key_id}_")
        for secret in (made.secret, turned.secret):
            await room.run(ask(), secret)
        clock.advance(3.5)
        assert "replaced" in (await refusal(room, made.secret)).message
        await room.run(ask(), turned.secret)
        at_once = await call(room.admin.RotateKey, admin_pb2.RotateKeyRequest(key_id=made.key.key_id))
        await refusal(room, turned.secret)
        await refusal(room, made.secret)
        await room.run(ask(), at_once.secret)
        await call(room.admin.RevokeKey, admin_pb2.RevokeKeyRequest(key_id=made.key.key_id))
        with pytest.raises(MeshError) as caught:
            await call(room.admin.RotateKey, rotate)
        assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_GONE
        await refusal(room, at_once.secret)


@pytest.mark.parametrize("fields", [{"key_id": "sandbox"}, {"key_id": "k", "overlap": {"seconds": 2_600_000}}])
async def test_a_rotation_that_cannot_be_is_refused(tmp_path: Path, fields: dict[str, object]) -> None:
    """The sandbox's key is the configuration's; two secrets do not stand side by side for ever."""
    async with ledger(tmp_path, happy(), open=False) as room:
        with pytest.raises(MeshError) as caught:
            await call(room.admin.RotateKey, admin_pb2.RotateKeyRequest(**fields))  # type: ignore[arg-type]
        assert caught.value.reason == reasons.ERROR_REASON_INVALID_FIELD


async def test_what_a_caller_has_nobody_else_sees(tmp_path: Path) -> None:
    """Job, request, list, picture, purge and cancel of another caller's request: it does not exist."""
    async with ledger(tmp_path, happy(), open=False) as room:
        mine, other = await make(room), await make(room)
        events = await room.run(ask(), mine.secret)
        name = events[0].admitted.request_id
        media_id = next(e.media_ended.media_id for e in events if e.WhichOneof("event") == "media_ended")
        header = [("authorization", f"Bearer {other.secret}")]
        for method, request in (
            (room.jobs.GetJob, ledger_pb2.GetJobRequest(request_id=name)),
            (room.jobs.GetRequest, ledger_pb2.GetRequestRequest(request_id=name)),
            (room.jobs.CancelJob, ledger_pb2.CancelJobRequest(request_id=name)),
            (room.jobs.PurgeRequest, ledger_pb2.PurgeRequestRequest(request_id=name)),
        ):
            with pytest.raises(MeshError) as caught:
                await call(method, request, metadata=header)
            assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND
        for streaming, wanted in (
            (room.jobs.WaitJob, ledger_pb2.WaitJobRequest(request_id=name)),
            (room.jobs.ReadMedia, ledger_pb2.ReadMediaRequest(media_id=media_id)),
        ):
            with pytest.raises(MeshError) as caught:
                async with stream(streaming, wanted, metadata=header) as responses:
                    async for _ in responses:
                        pass
            assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND
        listed = await call(room.jobs.ListRequests, ledger_pb2.ListRequestsRequest(), metadata=header)
        assert (len(listed.requests), listed.total_count) == (0, 0)


async def test_the_routers_other_methods_want_a_key(tmp_path: Path) -> None:
    """Estimate and ListModels do; a provider's callback does not, its adapter checks it."""
    async with ledger(tmp_path, happy(), open=False) as room:
        key = [("authorization", f"bearer {(await make(room)).secret}")]
        estimate, models = router_pb2.EstimateRequest(image=ask().image), router_pb2.ListModelsRequest()
        for method, request in ((room.generate.Estimate, estimate), (room.generate.ListModels, models)):
            with pytest.raises(MeshError) as caught:
                await call(method, request)
            assert caught.value.reason == reasons.ERROR_REASON_CALLER_UNKNOWN
        assert (await call(room.generate.Estimate, estimate, metadata=key)).route == "flux-schnell"
        assert (await call(room.generate.ListModels, models, metadata=key)).models[0].name == "flux-schnell"
        assert (await call(room.generate.DeliverWebhook, router_pb2.DeliverWebhookRequest(provider="fal"))).found


async def test_keys_are_listed_in_pages(tmp_path: Path) -> None:
    """Newest first, each once, and a foreign token is refused."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock, open=False) as room:
        made = []
        for _ in range(5):
            clock.advance(1)
            made.append((await make(room)).key.key_id)
        seen, token = [], ""
        for _ in range(3):
            page = await call(room.admin.ListKeys, admin_pb2.ListKeysRequest(page_size=2, page_token=token))
            seen += [key.key_id for key in page.keys]
            token = page.next_page_token
        assert (seen, token) == (made[::-1], "")
        with pytest.raises(MeshError):
            await call(room.admin.ListKeys, admin_pb2.ListKeysRequest(page_token="x"))
