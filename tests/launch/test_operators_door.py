"""The operators' door: where it stands, and who has to show something there."""

import asyncio
import stat
from pathlib import Path

import pytest

from heliostat.api.ledger.v1.admin_pb2 import Key
from heliostat.chassis.errors import MeshError
from heliostat.launch import admin_cli, keys_cli
from heliostat.launch.config import admin_socket, configure
from heliostat.launch.process import Process

# Any address but loopback's: there the mesh's token is demanded.
EVERYWHERE = "0.0.0.0:0"


async def test_commands_need_no_token_where_the_door_is_on_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The console asks over the network and shows the token; `heliostat keys` goes by the folder's socket as before."""
    monkeypatch.setenv("DOOR_TOKEN", "a-token-of-a-test")
    tree = {
        "state_dir": str(tmp_path),
        "mesh": {"token": "env:DOOR_TOKEN"},
        "admin": {"listen": EVERYWHERE},
        "adapters": {"mock": {}},
    }
    process = Process(configure(tree, "ledger,router,adapter-mock"))
    await process.start()
    try:
        far, near = process.addresses["admin"]
        assert near == admin_socket(tmp_path)
        assert stat.S_IMODE((tmp_path / "admin.sock").stat().st_mode) == 0o600
        told = await asyncio.to_thread(
            admin_cli.run, near, lambda there: keys_cli.create_key(there, Key(title="first"))
        )
        assert told.startswith("hel_")
        reached = f"127.0.0.1:{far.rpartition(':')[2]}"
        with pytest.raises(MeshError):
            await asyncio.to_thread(admin_cli.run, reached, lambda there: keys_cli.list_keys(there, False))
    finally:
        await process.stop(1)


@pytest.mark.parametrize("listen", ["", "unix:{folder}/other.sock"])
async def test_there_is_one_socket(tmp_path: Path, listen: str) -> None:
    """The one of the folder, or the one that the configuration names."""
    listen = listen.format(folder=tmp_path)
    tree = {"state_dir": str(tmp_path), "admin": {"listen": listen}, "adapters": {"mock": {}}}
    process = Process(configure(tree, "ledger,router,adapter-mock"))
    await process.start()
    try:
        assert process.addresses["admin"] == [listen or admin_socket(tmp_path)]
        assert (tmp_path / "admin.sock").exists() != bool(listen)
    finally:
        await process.stop(1)
