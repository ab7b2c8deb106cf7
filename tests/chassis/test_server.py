"""A real server: identity, health, drain, certificates that change."""

import asyncio
import os
import socket
from pathlib import Path

import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc
from heliostat.chassis.calls import call
from heliostat.chassis.channels import Channels
from heliostat.chassis.errors import MeshError
from heliostat.chassis.server import MeshServer, is_private
from heliostat.chassis.settings import MeshSettings, Secret, TlsSettings
from tests.chassis.test_channels import Scripted, service


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("unix:/tmp/x", True),
        ("127.0.0.1:1", True),
        ("localhost:1", True),
        ("[::1]:1", True),
        ("0.0.0.0:1", False),
        ("10.1.2.3:1", False),
    ],
)
def test_what_only_this_machine_can_call(address: str, private: bool) -> None:
    """Loopback and unix sockets need no identity."""
    assert is_private(address) is private


async def test_an_open_address_needs_an_identity() -> None:
    """Without token or mutual TLS an inner service does not face other machines."""
    with pytest.raises(MeshError, match=r"set mesh\.token or mesh\.tls"):
        await MeshServer([service(Scripted())], MeshSettings()).listen("0.0.0.0:0")


async def test_an_address_that_is_taken_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """In one sentence, and no library writes another one beside it."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = f"127.0.0.1:{holder.getsockname()[1]}"
        with pytest.raises(MeshError, match=f"^{taken} is taken; choose another address or end the process"):
            await MeshServer([service(Scripted())], MeshSettings()).listen(taken)
    assert capfd.readouterr().err == ""


async def test_a_path_that_is_too_long_is_told_as_such(capfd: pytest.CaptureFixture[str]) -> None:
    """A folder far down is no other process that holds the address."""
    with pytest.raises(MeshError, match="at most 107 bytes; choose a shorter folder") as refusal:
        await MeshServer([service(Scripted())], MeshSettings()).listen(f"unix:/{'a' * 107}")
    assert refusal.value.field == "configuration"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("given", "let_in"), [("right", True), ("wrong", False), (None, False)])
async def test_the_meshs_token_is_demanded(given: str | None, let_in: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call without the mesh's token reaches no servicer."""
    monkeypatch.setenv("MESH_TOKEN_OF_SERVER", "right")
    server = MeshServer([service(Scripted())], MeshSettings(token=Secret("env:MESH_TOKEN_OF_SERVER")))
    port = (await server.listen("0.0.0.0:0")).rpartition(":")[2]
    server.ready()
    monkeypatch.setenv("MESH_TOKEN_OF_CLIENT", given or "")
    channels = Channels(MeshSettings(token=Secret("env:MESH_TOKEN_OF_CLIENT") if given else None))
    stub = router_pb2_grpc.RouterServiceStub(channels.channel(f"127.0.0.1:{port}"))
    try:
        if let_in:
            await call(stub.ListModels, router_pb2.ListModelsRequest(), timeout_s=30)
        else:
            with pytest.raises(MeshError) as caught:
                await call(stub.ListModels, router_pb2.ListModelsRequest(), timeout_s=30)
            assert caught.value.reason == reasons.ERROR_REASON_CALLER_UNKNOWN
    finally:
        await channels.close()
        await server.stop(0)


async def test_serving_only_between_ready_and_drain(tmp_path: Path) -> None:
    """Health follows readiness, and whoever watches is told."""
    server = MeshServer([service(Scripted())], MeshSettings())
    address = await server.listen(f"unix:{tmp_path}/s.sock")
    assert oct(os.stat(tmp_path / "s.sock").st_mode & 0o777) == "0o600"
    import grpc

    async with grpc.aio.insecure_channel(address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        seen = [(await watch.read()).status]
        server.ready()
        seen.append((await watch.read()).status)
        server.drain()
        seen.append((await watch.read()).status)
        watch.cancel()
    response = health_pb2.HealthCheckResponse
    assert seen == [response.NOT_SERVING, response.SERVING, response.NOT_SERVING]
    await server.stop(0)


async def test_calls_under_way_end_before_a_stop(tmp_path: Path) -> None:
    """A drain waits for them."""
    released = asyncio.Event()

    class Slow(Scripted):
        async def ListModels(
            self, request: router_pb2.ListModelsRequest, context: object
        ) -> router_pb2.ListModelsResponse:
            started.set()
            await released.wait()
            return router_pb2.ListModelsResponse()

    started = asyncio.Event()
    server, channels = MeshServer([service(Slow())], MeshSettings()), Channels(MeshSettings())
    address = await server.listen(f"unix:{tmp_path}/s.sock")
    server.ready()
    stub = router_pb2_grpc.RouterServiceStub(channels.channel(address))
    under_way = asyncio.create_task(call(stub.ListModels, router_pb2.ListModelsRequest(), timeout_s=30))
    await started.wait()
    stopping = asyncio.create_task(server.stop(10))
    released.set()
    assert await under_way == router_pb2.ListModelsResponse()
    await stopping
    await channels.close()


def write(authority: trustme.CA, folder: Path, trusted: trustme.CA) -> TlsSettings:
    """A fresh certificate of `authority` for 127.0.0.1, in the same files each time."""
    issued = authority.issue_cert("127.0.0.1")
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    (folder / "key.pem").write_bytes(issued.private_key_pem.bytes())
    (folder / "ca.pem").write_bytes(trusted.cert_pem.bytes())
    return TlsSettings(
        certificate=str(folder / "cert.pem"), key=str(folder / "key.pem"), authority=str(folder / "ca.pem")
    )


async def test_certificates_change_without_a_restart(tmp_path: Path) -> None:
    """Both sides follow their files to a new authority; a stranger is refused throughout."""
    mine, yours, strange = tmp_path / "mine", tmp_path / "yours", tmp_path / "strange"
    for folder in (mine, yours, strange):
        folder.mkdir()
    old, new, foreign = trustme.CA(), trustme.CA(), trustme.CA()
    server = MeshServer([service(Scripted())], MeshSettings(tls=write(old, mine, old)))
    address = await server.listen("127.0.0.1:0")
    server.ready()
    friend = Channels(MeshSettings(tls=write(old, yours, old)))
    stranger = Channels(MeshSettings(tls=write(foreign, strange, old)))
    request = router_pb2.ListModelsRequest()
    try:
        stub = router_pb2_grpc.RouterServiceStub(friend.channel(address))
        await call(stub.ListModels, request, timeout_s=30)
        write(new, mine, new)
        write(new, yours, new)
        await call(stub.ListModels, request, timeout_s=30)
        with pytest.raises(MeshError):
            stub = router_pb2_grpc.RouterServiceStub(stranger.channel(address))
            await call(stub.ListModels, request, timeout_s=30)
    finally:
        await friend.close()
        await stranger.close()
        await server.stop(0)
