"""`heliostat verify`: the suite against a real provider. Here its part is played by an emulated one at another address,
true to the twin that it is compared with, or not.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from heliostat.chassis.errors import MeshError
from heliostat.chassis.modules import Exchange
from heliostat.conformance.recording import Difference, differences, heard
from heliostat.emulators.app import samples
from heliostat.launch.verify_cli import Wish, verify
from tests.emulators.conftest import Bench, opened

RECRAFT = samples()["recraft"]
KEY = "secret-token-of-a-person-0123456789"


@pytest.fixture
async def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Bench]:
    """The stand-in of the real Recraft, where the environment says that it is."""
    monkeypatch.setenv("RECRAFT_API_TOKEN", KEY)
    async for bench in opened():
        monkeypatch.setenv("HELIOSTAT__ADAPTERS__RECRAFT__BASE_URL", bench.base + RECRAFT.path)
        yield bench


def recorded(folder: Path) -> str:
    """The one recording."""
    (file,) = (folder / "verified").iterdir()
    return file.read_text(encoding="utf-8")


async def test_a_provider_that_is_as_we_think_passes_and_nothing_of_it_is_kept(
    provider: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every rule tried, the bill in dollars, a record for the documents; no key, prompt or picture in a file."""
    code = await verify(Wish("recraft", live=True, max_cost="1", record=str(tmp_path)), tmp_path)
    said = capsys.readouterr().out
    assert code == 0, said
    billed = sum(entry["cost_micros"] for entry in (await provider.journal("recraft"))["entries"])
    summary = orjson.loads((tmp_path / "verified.json").read_bytes())
    assert (summary["provider"], summary["broken"], summary["difference_count"]) == ("recraft", 0, 0)
    assert billed <= float(summary["cost_usd"]) * 1_000_000 <= 1_000_000
    text = recorded(tmp_path) + said
    assert "data[].url: address" in text
    assert not any(secret in text for secret in (KEY, "private red boat", "/files/", provider.base))


async def test_a_provider_that_says_other_things_is_told_apart(
    provider: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What only one side says is listed, and rules that it breaks are broken."""
    answer = {"created": 1, "credits": 22, "pictures": [{"link": "https://img.recraft.ai/x"}]}
    await provider.script("recraft", {"body": answer, "headers": {"x-ratelimit-left": "5"}})
    assert await verify(Wish("recraft", live=True, max_cost="1"), tmp_path) == 1
    said = capsys.readouterr().out
    assert "✗ bronze an attempt keeps the grammar" in said
    assert "POST /images/generations 200: pictures[].link: address (only the provider)" in said
    assert "POST /images/generations 200: data[].url: address (only the emulator)" in said
    assert "header x-ratelimit-left (only the provider)" in said


async def test_nothing_is_bought_beyond_the_cap(
    provider: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rules that no money is left for are not tried, and that is no pass."""
    assert await verify(Wish("recraft", live=True, max_cost="0.05"), tmp_path) == 1
    billed = sum(entry["cost_micros"] for entry in (await provider.journal("recraft"))["entries"])
    assert 0 < billed <= 50_000
    assert "the next picture may pass --max-cost" in capsys.readouterr().out


async def test_without_live_the_plan_is_told_and_nobody_is_asked(
    provider: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model, how many pictures, what each and all cost, and the command that asks."""
    assert await verify(Wish("recraft"), tmp_path) == 2
    said = capsys.readouterr().out
    assert said.startswith("recraft, model recraftv2: up to 17 pictures at 0.022 USD each, 0.374 USD at most.")
    assert said.endswith("heliostat verify recraft --live --max-cost 0.38\n")
    assert (await provider.journal("recraft"))["entries"] == []


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (Wish("nobody"), "no adapter 'nobody'; there are"),
        (Wish("recraft", live=True), "--max-cost must be an amount"),
        (Wish("recraft", live=True, max_cost="0.001"), "One picture costs more"),
        (Wish("recraft", live=True, max_cost="much"), "--max-cost must be an amount"),
        (Wish("comfyui", live=True, max_cost="1"), "say it with --price"),
    ],
)
async def test_what_cannot_be_begun_is_refused_with_what_to_do(
    provider: Bench, wish: Wish, sentence: str, tmp_path: Path
) -> None:
    """Before anybody is asked."""
    with pytest.raises(MeshError, match=sentence):
        await verify(wish, tmp_path)


async def test_a_key_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By its variable."""
    monkeypatch.delenv("RECRAFT_API_TOKEN", raising=False)
    with pytest.raises(MeshError, match="set RECRAFT_API_TOKEN"):
        await verify(Wish("recraft", live=True, max_cost="1"), tmp_path)


def _exchange(url: str, content: object, **headers: str) -> Exchange:
    told = {"content-type": "application/json; charset=utf-8", **headers}
    return Exchange("GET", url, {"authorization": KEY}, b"a prompt", 200, told, orjson.dumps(content), 0.0123)


def test_a_shape_holds_kinds_and_closed_words_only() -> None:
    """Ids of paths, values, odd names of fields: none of them has a way in."""
    content = {
        "id": "pred-8821-private",
        "status": "succeeded",
        "state": "the prompt of a person, which is long and no word at all",
        "output": ["https://host.example/x.png?sig=SECRET", "iVBORw0KGgo" * 40],
        "metrics": {"seconds": 1.5, "cached": False, "note": None},
        "a prompt as a name": {"9f8e7d": 1},
    }
    base = "https://api.example/v1"
    told = heard(_exchange(f"{base}/jobs/9f8e7d6c?key=SECRET", content, **{"retry-after": "3"}), base)
    assert (told.call, told.status, told.took_ms) == ("GET /jobs/*", 200, 12)
    assert told.headers == ("content-type", "retry-after")
    assert told.fields == (
        "*.*: number",
        "id: text",
        "metrics.cached: yes or no",
        "metrics.note: null",
        "metrics.seconds: number",
        "output[]: address",
        "output[]: base64",
        "state: text",
        "status: the word succeeded",
    )
    whole = orjson.dumps(told.as_json()).decode()
    assert not any(secret in whole for secret in ("SECRET", "private", "9f8e", "prompt", KEY))


def test_differences_are_told_per_call_and_status() -> None:
    """A call that one side never made is one difference, not one for each of its fields."""
    base = "https://api.example"
    real = [heard(_exchange(f"{base}/a", {"x": 1}), base), heard(_exchange(f"{base}/b", {"x": 1}), base)]
    emulated = [heard(_exchange(f"{base}/a", {"x": "one", "y": 2}), base)]
    assert differences(real, emulated) == [
        Difference("GET /a", 200, "x: number", "provider"),
        Difference("GET /a", 200, "x: text", "emulator"),
        Difference("GET /a", 200, "y: number", "emulator"),
        Difference("GET /b", 200, "the call itself", "provider"),
    ]
    assert differences(real, real) == []
