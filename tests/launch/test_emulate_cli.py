"""`heliostat emulate`: one provider alone, with faults from a file, and how clients are pointed at it."""

import asyncio
import sys
from pathlib import Path

import httpx
import pytest
from replicate.client import Client
from replicate.exceptions import ReplicateError

from heliostat.chassis.errors import MeshError
from heliostat.emulators.app import provider_names, samples
from heliostat.launch.__main__ import main
from heliostat.launch.cli_page import page
from heliostat.launch.emulate_cli import greeting, read_script


async def test_one_provider_runs_alone_and_misbehaves_as_the_file_says(tmp_path: Path) -> None:
    """The vendor's own SDK gets the scripted answer first, then a picture; other providers are not there."""
    script = tmp_path / "script.yaml"
    script.write_text("- {path: submit, status: 402, times: 1}\n", encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "heliostat.launch", "emulate", "replicate", "--port", "0", "--script", str(script)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    first = (await process.stdout.readline()).decode()
    server = first.split(" emulated at ")[1].split("/replicate")[0]
    transport = httpx.AsyncHTTPTransport()
    client = Client("r8_sandbox0123456789", base_url=f"{server}/replicate", transport=transport)
    with pytest.raises(ReplicateError, match="402"):
        await client.predictions.async_create(model="black-forest-labs/flux-schnell", input={"prompt": "a lighthouse"})
    made = await client.predictions.async_create(
        model="black-forest-labs/flux-schnell", input={"prompt": "a lighthouse"}
    )
    assert made.id
    await transport.aclose()
    async with httpx.AsyncClient(base_url=server, trust_env=False) as http:
        assert (await http.get("/openai/v1/models")).status_code == 404
        entries = (await http.get("/replicate/_emulator/journal")).json()["entries"]
    assert len(entries) == 2
    process.terminate()
    async with asyncio.timeout(60):
        assert await process.wait() == 0


@pytest.mark.parametrize("provider", provider_names())
def test_every_provider_says_how_clients_are_pointed_at_it(provider: str) -> None:
    """Its own address and key, and nothing left open."""
    told = greeting(provider, "http://127.0.0.1:1", samples().get(provider))
    assert f"http://127.0.0.1:1/{provider}" in told
    assert not [word for word in ("{server}", "{base}", "{key}", "{model}") if word in told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- path: submit\n- path: sumbit\n", "script:2: 1.path: Input should be 'submit', "),
        ("- status: 429\n  tiems: 1\n", "script:2: 0.tiems: Extra inputs are not permitted"),
        ("- [", "script is neither JSON nor YAML"),
        ("status: 429\n", "script:1: Input should be a valid list"),
    ],
)
def test_a_wrong_script_is_refused_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    """Before anything listens."""
    file = tmp_path / "script"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(MeshError) as refusal:
        read_script(str(file))
    assert told in refusal.value.message


def test_a_wrong_provider_is_told_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2."""
    assert main(["emulate", "fall"]) == 2
    assert "there are" in capsys.readouterr().err


def test_the_documents_script_is_one(tmp_path: Path) -> None:
    """docs/cli.md shows steps that load, each for what its comment says."""
    block = page().split("```yaml\n")[1].split("```")[0]
    file = tmp_path / "script.yaml"
    file.write_text(block, encoding="utf-8")
    first, job, slow = read_script(str(file))
    assert (first.status, first.headers, first.times) == (429, {"retry-after": "3"}, 1)
    assert job.meant_for("job")
    assert not job.meant_for("submit")
    assert slow.match.fits("any", "a slow lighthouse")
