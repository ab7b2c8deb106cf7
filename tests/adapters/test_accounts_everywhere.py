"""Every adapter serves several accounts, whatever it does with its key: nothing in its folder is about them."""

from pathlib import Path
from typing import Any

import pytest

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, request_pb2
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.app import samples
from heliostat.launch.targets import ADAPTER, load
from tests.adapters.emulated import EmulatedProvider, running
from tests.adapters.served import ball, media, pixels, wish


def keyed() -> list[str]:
    """Emulated providers whose adapter takes a key."""
    names = []
    for name in sorted(samples()):
        field = load(ADAPTER + name).settings.model_fields.get("api_key")
        if field is not None and field.default is not None:
            names.append(name)
    return names


def wish_for(model: capability_pb2.Capability) -> request_pb2.ImageRequest:
    """Something that the model does: a picture from words, or one without its background."""
    if capability_pb2.OPERATION_TEXT_TO_IMAGE in model.operations:
        return wish(size=pixels(1024, 1024))
    return wish("", remove_background=request_pb2.RemoveBackground(image=media(ball())))


async def ask(provider: EmulatedProvider, image: request_pb2.ImageRequest, account: str) -> str:
    """What one attempt with the key of an account came to: the account as it is told, or the error."""
    request = adapter_pb2.GenerateRequest(
        attempt_id=f"req_{account}/0/1",
        provider_model=samples()[provider.name].model,
        image=image,
        account=account,
    )
    told = ""
    try:
        async with stream(provider.room.stub.Generate, request, timeout_s=20) as messages:
            async for message in messages:
                for event in message.events:
                    told = event.completed.account if event.HasField("completed") else told
    except MeshError as error:
        return f"{reason_name(error.reason)}: {error.message}"
    return told


@pytest.mark.parametrize("name", keyed())
async def test_each_key_is_used(tmp_path: Path, name: str) -> None:
    """One of two keys is refused by the provider: attempts with it fail, those with the other one do not."""
    accounts: dict[str, Any] = {}
    for account, key in {"a": "bad-the-key-of-a", "b": samples()[name].key}.items():
        (tmp_path / account).write_text(key)
        accounts[account] = {"api_key": f"file:{tmp_path / account}"}
    async with running(name, tmp_path, accounts=accounts) as provider:
        described = await call(provider.room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
        assert [(each.name, each.configured) for each in described.accounts] == [("a", True), ("b", True)]
        (model,) = [each for each in described.models if each.provider_model == samples()[name].model]
        first, refused, again = [await ask(provider, wish_for(model), account) for account in ("b", "a", "b")]
    assert (first, again) == ("b", "b")
    assert refused.startswith("provider_auth_failed: ")
    assert str(tmp_path / "a") in refused
    assert "the-key-of" not in refused
