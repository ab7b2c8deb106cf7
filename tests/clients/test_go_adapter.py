"""The adapter in Go of docs/examples: every rule of the conformance suite, gold too, and a place behind the router."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from heliostat.emulators.app import samples
from tests.clients import golang
from tests.support.mesh import free_port, mesh

RECRAFT = samples()["recraft"]
# An adapter may lack these; what else is skipped is a rule that nobody tried.
MAY_NOT_APPLY = {
    "its jobs cannot be gone on with",
    "its jobs are not looked at",
    "no model takes an exact mask",
    "no answer of its provider holds that",
}


@asynccontextmanager
async def adapter(base_url: str, key: str) -> AsyncIterator[str]:
    """The adapter, running; gives its address."""
    program = await golang.built("adapter")
    process = await asyncio.create_subprocess_exec(
        *(str(program), "-listen", "127.0.0.1:0", "-base-url", base_url),
        env={**os.environ, "RECRAFT_API_TOKEN": key},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            told = await process.stdout.readline()
        yield told.decode().split()[-1]
    finally:
        process.terminate()
        await process.communicate()


async def test_it_keeps_every_rule_of_every_level() -> None:
    """At an address, against the emulated Recraft: no rule is broken."""
    port = free_port()
    async with adapter(f"http://127.0.0.1:{port}{RECRAFT.path}", RECRAFT.key) as address:
        suite = ("-m", "pytest", "tests/conformance", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
        options = (f"--adapter-address={address}", "--adapter-emulator=recraft", f"--emulator-port={port}")
        code, out, err = await golang.ran((sys.executable, *suite, *options), {}, golang.ROOT, within_s=180)
    assert code == 0, out + err
    skipped = set(re.findall(r"^SKIPPED \[\d+\] \S+ (.+)$", out, re.MULTILINE))
    assert skipped <= MAY_NOT_APPLY, out


async def test_the_router_asks_it_like_any_other(tmp_path: Path) -> None:
    """By an address in the configuration; its name, its price and its adjustments reach a caller of the REST face."""
    port = free_port()
    async with adapter(f"http://127.0.0.1:{port}{RECRAFT.path}", RECRAFT.key) as address:
        over = {
            "adapters": {"recraft_go": {"address": f"dns:///{address}"}},
            "router": {"routes": [{"model": "gopher", "targets": [{"target": "recraft_go/recraftv4_1"}]}]},
        }
        async with mesh(tmp_path, over=over, emulator_port=port) as running:
            wish = {"model": "gopher", "prompt": "a gopher", "size": "1000x600", "output_format": "jpeg"}
            answer = await running.http.post("/v1/images/generations", json=wish)
            body = answer.json()
            picture = await running.http.get(body["data"][0]["url"])
    assert answer.status_code == 200, body
    told = body["metadata"]
    assert (told["provider"], told["cost"]) == ("recraft_go", 0.035)
    assert [one["delivered"] for one in told["adjustments"] if one["parameter"] == "size"] == ["1344x768"]
    assert picture.headers["content-type"] == "image/jpeg"
