"""The playground over a whole mesh: what it sends, shows, estimates, keeps, and refuses."""

import asyncio
import html
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio
from google.protobuf import json_format

from heliostat.api.image.v1 import request_pb2
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc
from heliostat.chassis.calls import stream
from heliostat.chassis.channels import Channels
from heliostat.chassis.settings import MeshSettings
from heliostat.console.playground_key import as_key
from tests.console.played import CHAIN, KEY, PROMPT, Played, media_of, played

HOSTILE = ("<script>alert(1)</script><img src=x onerror=alert(1)>", "\u202egnp.exe\u2066", "a\"b'c</code></pre>{{7*7}}")


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Played]:
    """A playground in front of a mesh."""
    async with played(tmp_path) as opened:
        yield opened


def programs_of(markup: str) -> dict[str, str]:
    """Language -> program, as somebody copies it."""
    found = re.findall(r'<code id="program-(\w+)">(.*?)</code>', markup, re.DOTALL)
    return {name: html.unescape(text) for name, text in found}


async def executed(folder: Path, *command: str, text: str = "") -> str:
    """Output of a program, run in a folder of its own with the key in KEY."""
    environment = {"PATH": os.environ["PATH"], "KEY": KEY, "HOME": str(folder), "NO_PROXY": "*"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await asyncio.wait_for(process.communicate(text.encode()), 60)
    assert process.returncode == 0, (out, errors)
    return out.decode()


async def test_the_page_offers_models_with_price_and_what_they_can_do(bench: Played) -> None:
    """It begins with the configured one, whose form is made of what its targets say."""
    page = await bench.page()
    assert re.search(r'<option value="flux-schnell" selected>flux-schnell · about \$0.003 a picture', page)
    assert '<span class="tag">draw</span>' in page
    assert '<option value="16:9">16:9</option>' in page
    assert "avif (converted here)" in page
    studio = (await bench.client.get("/playground/fields?model=studio&size=1:1&n=3&seed=7")).text
    assert 'value="7"' in studio
    assert 'value="3"' in studio
    assert '<option value="1:1" selected>' in studio
    assert "outpaint" in studio
    assert (await bench.client.get("/playground/fields?model=nothing")).status_code == 502


async def test_a_run_tells_its_way_and_ends_with_the_picture(bench: Played) -> None:
    """Admitted, asked, previewed, done; the result names cost and request, and the picture comes from the console."""
    events = await bench.run(model="studio", prompt=PROMPT, previews="2", seed="4")
    names = [name for name, _ in events]
    assert names[0] == "admitted"
    assert names[-1] == "done"
    previews = [told["src"] for name, told in events if name == "preview"]
    assert len(previews) == 2
    assert all(src.startswith("data:image/png;base64,") for src in previews)
    assert {"text": "Asking studio for studio."} in [told for name, told in events if name == "note"]
    done = events[-1][1]
    assert f'href="/requests/{done["request"]}"' in done["html"]
    assert "seed 4" in done["html"]
    (media,) = media_of(done["html"])
    answer = await bench.client.get(f"/media/{media}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")


async def test_what_was_adjusted_stands_next_to_the_picture(bench: Played) -> None:
    """With what was asked, what came, and why; before sending it stands next to the estimate."""
    asked = {"model": "gpt-image-2", "prompt": PROMPT, "size": "own", "width": "1000", "height": "1000"}
    assert "adjusted" in await bench.look(**asked)
    done = await bench.drawn(**asked)
    assert 'aria-label="What was adjusted"' in done["html"]
    assert "1000x1000" in done["html"]


async def test_a_provider_that_fails_is_told_and_the_next_one_delivers(bench: Played) -> None:
    """With its words as text, whatever is in them, and whether it was paid."""
    for markup in HOSTILE[:1]:
        await bench.mesh.script("fal", {"status": 503, "body": {"detail": markup}, "times": 8})
        events = await bench.run(model="flux-schnell", prompt=PROMPT)
        failed = [told["text"] for name, told in events if name == "note" and told.get("bad")]
        assert failed
        assert "Billed: no. The next one is asked." in failed[0]
        done = events[-1]
        assert done[0] == "done"
        assert "2 attempts" in done[1]["html"]
        assert "by <bdi>compat</bdi>" in done[1]["html"]
        assert "<script>" not in done[1]["html"]
        assert "<img src=x" not in done[1]["html"]


async def test_a_refusal_is_shown_with_its_reason(bench: Played) -> None:
    """As markup of ours around words of theirs."""
    await bench.mesh.script("fal", {"status": 422, "body": {"detail": [{"msg": HOSTILE[0], "type": "x"}]}, "times": 3})
    await bench.mesh.script("compat", {"status": 400, "body": {"error": {"message": HOSTILE[0]}}, "times": 3})
    name, told = (await bench.run(model="flux-schnell", prompt=PROMPT))[-1]
    assert name == "failed"
    assert "error-card" in told["html"]
    assert "<script>" not in told["html"]
    name, told = (await bench.run(model="no-such-model", prompt=PROMPT))[-1]
    assert name == "failed"
    assert "There is no model" in told["html"]


async def test_five_steps_are_one_chain_with_its_cost_and_lineage(bench: Played) -> None:
    """Each step goes on from the one before, leads to its own request, and is there after a reload."""
    told = await bench.drawn(model="flux-schnell")
    for number, (step, extra) in enumerate(
        (
            ("remove_background", {}),
            ("upscale", {"factor": "2"}),
            ("style_transfer", {"prompt": "watercolour"}),
            ("outpaint", {"left": "64", "right": "64", "top": "0", "bottom": "0"}),
        ),
        2,
    ):
        file = await bench.copy(media_of(told["html"])[0])
        extra = {"prompt": "", **extra}
        told = await bench.drawn(operation=step, images=[file], parent=told["request"], **extra)
        assert f"for {number} steps" in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", told["chain"]))
        assert told["chain"].count("strip-line") == number
    assert '<strong id="chain-sum">$0.003</strong>' in told["chain"]
    page = await bench.page(f"?chain={CHAIN}&at={told['request']}")
    for word in ("1. Draw", "2. Remove background", "3. Upscale", "4. Restyle", "5. Outpaint"):
        assert word in page
    assert page.count('aria-current="step"') == 1
    assert len(set(re.findall(r'href="/requests/(req_\w+)"', page))) == 5
    again = (await bench.client.get(f"/playground/runs/{told['request']}")).json()
    assert media_of(again["html"]) == media_of(told["html"])


async def test_a_side_step_says_where_it_goes_on_from(bench: Played) -> None:
    """Lineage is a tree; the steps that do not lead to what is looked at stand back."""
    first = await bench.drawn()
    file = await bench.copy(media_of(first["html"])[0])
    await bench.drawn(operation="upscale", images=[file], prompt="", parent=first["request"])
    third = await bench.drawn(operation="remove_background", images=[file], prompt="", parent=first["request"])
    assert "from 1" in third["chain"]
    assert third["chain"].count("strip-line") == 2


async def test_an_edit_changes_only_what_the_mask_marks(bench: Played, tmp_path: Path) -> None:
    """The mask is a picture that was sent before, white where it is repainted."""
    from PIL import Image

    first = await bench.drawn(size="own", width="256", height="256", format="png")
    picture = media_of(first["html"])[0]
    mask = Image.new("L", (256, 256), 0)
    mask.paste(255, (0, 0, 64, 64))
    mask.save(tmp_path / "mask.png")
    sent = await bench.post("files", (tmp_path / "mask.png").read_bytes(), params={"name": "mask.png"})
    asked = {"operation": "edit", "prompt": "a golden star", "images": [await bench.copy(picture)], "format": "png"}
    done = await bench.drawn(**asked, mask=sent.json()["id"], parent=first["request"])
    before, after = [
        Image.open(_written(tmp_path / name, (await bench.client.get(f"/media/{media}")).content)).convert("RGB")
        for name, media in (("before.png", picture), ("after.png", media_of(done["html"])[0]))
    ]
    assert before.crop((80, 80, 256, 256)).tobytes() == after.crop((80, 80, 256, 256)).tobytes()
    assert before.crop((0, 0, 64, 64)).tobytes() != after.crop((0, 0, 64, 64)).tobytes()


def _written(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    return file


async def test_segments_are_masks_by_their_labels(bench: Played) -> None:
    """Each may be repainted on the picture that it was found on."""
    first = await bench.drawn(size="1:1")
    file = await bench.copy(media_of(first["html"])[0])
    asked = {"operation": "segment", "prompt": "", "images": [file], "labels": ["red circle"]}
    done = await bench.drawn(**asked, parent=first["request"])
    assert "<bdi" in done["html"]
    assert "red circle" in done["html"]
    assert f'data-parent="{first["request"]}"' in done["html"]
    assert 'data-step="upscale"' not in done["html"]


async def test_one_key_buys_once(bench: Played) -> None:
    """A page that lost its connection sends the same again and gets the same picture."""
    first, second = [await bench.run(model="flux-schnell", prompt=PROMPT, key="samekey") for _ in range(2)]
    assert first[-1][1]["request"] == second[-1][1]["request"]
    assert any("bought once" in told.get("text", "") for _, told in second)
    assert sum(entry["billed"] for entry in (await bench.mesh.journal("fal"))["entries"]) == 1


async def test_the_estimate_is_that_of_the_mesh(bench: Played) -> None:
    """For the target that would be asked first; nothing is bought by it."""
    markup = await bench.look(model="flux-schnell", prompt=PROMPT, size="16:9", n="2")
    assert '<strong class="estimate-sum">$0.006</strong>' in markup
    assert "All 2 targets" in markup
    assert "There is no model" in await bench.look(model="no-such-model", prompt=PROMPT)
    assert (await bench.mesh.journal())["entries"] == []


async def test_the_programs_run_as_they_are_copied(bench: Played, tmp_path: Path) -> None:
    """curl and Python against a running edge, gRPC as the message that it is; whatever the words are."""
    for number, prompt in enumerate((PROMPT, "it's \"so\" \\ $HOME `id`\n'END'\nEND", *HOSTILE, "日本の🌊" * 8000)):
        folder = tmp_path / f"prompt{number}"
        folder.mkdir()
        await programs_run(bench, folder, prompt)


async def programs_run(bench: Played, folder: Path, prompt: str) -> None:
    """Copies the programs for a prompt, and runs them in an empty folder."""
    markup = await bench.look(model="mock-image", prompt=prompt, format="webp", seed="7", n="2", tier="")
    programs = {
        name: text.replace("http://127.0.0.1:8080", bench.mesh.url) for name, text in programs_of(markup).items()
    }
    assert set(programs) == {"curl", "python", "typescript", "grpc"}
    assert "\u202e" not in "".join(programs.values())
    told = await executed(folder, "sh", text=programs["curl"])
    assert '"url"' in told
    (folder / "program.py").write_text(programs["python"], encoding="utf-8")
    told = await executed(folder, sys.executable, "program.py")
    assert "picture_1.webp" in told
    assert "by mock" in told
    assert sorted(name for name in os.listdir(folder) if name.endswith(".webp")) == ["picture_0.webp", "picture_1.webp"]
    if shutil.which("node"):
        (folder / "program.mjs").write_text(programs["typescript"], encoding="utf-8")
        assert "by mock" in await executed(folder, "node", "program.mjs")
    image = _sent_by_grpcurl(programs["grpc"])
    assert image.prompt == prompt.strip()
    assert image.seed == 7


def _sent_by_grpcurl(program: str) -> request_pb2.ImageRequest:
    body = re.search(r"<<'END'\n(.*)\nEND\n", program, re.DOTALL)
    assert body
    return json_format.Parse(body[1], router_pb2.GenerateRequest()).image


async def test_the_programs_of_steps_run_too(bench: Played, tmp_path: Path) -> None:
    """They name the pictures by the ids of files that the playground sent, under the same key."""
    first = await bench.drawn(size="1:1")
    file = await bench.copy(media_of(first["html"])[0])
    for number, asked in enumerate(
        (
            {"operation": "edit", "prompt": "a star", "images": [file], "mask": file, "feather": "3"},
            {"operation": "segment", "images": [file], "labels": ["red circle"]},
            {"operation": "remove_background", "images": [file]},
            {"operation": "upscale", "images": [file], "factor": "2"},
            {"operation": "style_transfer", "images": [file], "prompt": "watercolour"},
            {"operation": "outpaint", "images": [file], "left": "32", "right": "0", "top": "0", "bottom": "32"},
        )
    ):
        programs = programs_of(await bench.look(model="studio", **asked))
        folder = tmp_path / f"step{number}"
        folder.mkdir()
        curl, python = [programs[name].replace("http://127.0.0.1:8080", bench.mesh.url) for name in ("curl", "python")]
        (folder / "program.py").write_text(python, encoding="utf-8")
        by_curl, by_python = await asyncio.gather(
            executed(folder, "sh", text=curl), executed(folder, sys.executable, "program.py")
        )
        assert '"url"' in by_curl, asked
        assert "by studio" in by_python, asked


async def test_the_grpc_program_is_a_request_that_the_mesh_takes(bench: Played) -> None:
    """Its message goes to the address of the public face under the same key."""
    programs = programs_of(await bench.look(model="mock-image", prompt=PROMPT, quality="low", size="1024x768"))
    channels = Channels(MeshSettings())
    stub = router_pb2_grpc.RouterServiceStub(channels.channel(bench.mesh.grpc_address()))
    asked = router_pb2.GenerateRequest(image=_sent_by_grpcurl(programs["grpc"]))
    try:
        async with stream(stub.Generate, asked, metadata=as_key(KEY)) as messages:
            kinds = [event.WhichOneof("event") async for message in messages for event in message.events]
    finally:
        await channels.close()
    assert kinds[-1] == "completed"


async def test_uploads_are_bounded_and_known_by_their_bytes(bench: Played) -> None:
    """Names and declared types are not looked at, and are shown as they are."""
    name = {"name": f"x{HOSTILE[0]}\u0000{HOSTILE[1]}.png"}
    for data in (b"", b"<svg onload=alert(1)>" * 9, b"\x89PNG\r\n\x1a\n" + b"x" * 50_000_001):
        answer = await bench.post("files", data, params=name)
        assert answer.status_code in {400, 502}, answer.text
    answer = await bench.post("files", b"GIF89a" + b"\0" * 100, params=name)
    assert answer.json()["type"] == "image/gif"
    assert (await bench.post("files", b"", params={"media": "0123456789abcdef.png"})).status_code == 404


async def test_bad_forms_are_refused_with_the_field(bench: Played) -> None:
    """In a sentence, not as an error of ours, and nothing is sent on."""
    for body in (b"not json", b"[1]", b"[" * 100_000, {"n": "11"}, b'"' + b"x" * 2_000_000 + b'"'):
        for path in ("look", "runs"):
            answer = await bench.post(path, body)
            assert answer.status_code == 400, answer.text
            assert "correct it" in answer.text
    for extra in ({"chain": "x"}, {"key": "a b"}, {"parent": "<b>"}):
        body = {"model": "studio", "prompt": PROMPT, "chain": CHAIN, "key": "a", **extra}
        assert (await bench.post("runs", body)).status_code == 400
    assert (await bench.mesh.http.get("/v1/requests")).json()["data"] == []


async def test_strange_words_go_through_whole(bench: Played) -> None:
    """Markup, marks that turn the direction, half characters, and as many as there may be."""
    for prompt in (*HOSTILE, "half \ud800 character", "x" * 32_000):
        events = await bench.run(model="mock-image", prompt=prompt)
        assert events[-1][0] == "done", events[-1]
        assert "<script>alert" not in events[-1][1]["html"]
    name, told = (await bench.run(model="mock-image", prompt="x" * 32_001))[-1]
    assert name == "failed"
    assert "at most 32,000 characters" in told["html"]


async def test_changes_want_the_token_of_the_session(bench: Played) -> None:
    """Every one of them: nothing is estimated, sent, kept or cancelled without."""
    for path in ("look", "runs", "files", "key", "runs/req_x/cancel"):
        assert (await bench.client.post(f"/playground/{path}", content=b"{}")).status_code == 403


async def test_a_run_is_cancelled(bench: Played) -> None:
    """Its stream ends with what became of it."""
    events: list[str] = []
    headers = await bench.headers()
    body = {"model": "sandbox-slow", "prompt": PROMPT, "chain": CHAIN, "key": "slow"}
    async with bench.client.stream("POST", "/playground/runs", json=body, headers=headers) as answer:
        async for line in answer.aiter_lines():
            events.append(line)
            found = re.search(r'"request": "(req_\w+)"', line)
            if found and events[-2] == "event: admitted":
                await bench.post(f"runs/{found[1]}/cancel")
    assert any(line == "event: failed" for line in events)
    assert "cancelled" in events[-2]


async def test_without_a_key_the_playground_asks_for_one(tmp_path: Path) -> None:
    """One of the gateway's; it stays with the browser, out of reach of scripts, and counts for its session alone."""
    async with played(tmp_path, with_key=False) as bench:
        assert "wants a key of this gateway" in re.sub(r"\s+", " ", await bench.page())
        assert (await bench.post("look", {"model": "studio", "prompt": PROMPT})).text.count("has no key") == 1
        token = (await bench.headers())["x-csrf-token"]
        for wrong in ("not the key", "x" * 300, "sk-ü", "another-key"):
            answer = await bench.client.post("/playground/key", data={"csrf": token, "key": wrong})
            assert answer.status_code == 400
            assert wrong not in answer.text
        answer = await bench.client.post("/playground/key", data={"csrf": token, "key": KEY})
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert "Path=/playground" in cookie
        page = await bench.page()
        assert "Forget my key" in page
        assert KEY not in page
        assert (await bench.run(model="mock-image", prompt=PROMPT))[-1][0] == "done"
        kept = bench.client.cookies.get("heliostat_playground_key")
        async with httpx.AsyncClient(base_url=bench.url, cookies={"heliostat_playground_key": kept or ""}) as other:
            assert "wants a key" in re.sub(r"\s+", " ", (await other.get("/playground")).text)
        await bench.client.post("/playground/key", data={"csrf": token, "key": ""})
        assert "wants a key" in re.sub(r"\s+", " ", await bench.page())


async def test_a_ledger_that_is_away_is_said_and_found_again(tmp_path: Path) -> None:
    """The page says so and makes itself anew; a run says that it may be sent again, and is bought once then."""
    async with played(tmp_path, tolled=True) as bench:
        assert bench.toll is not None
        assert (await bench.run(model="mock-image", prompt=PROMPT))[-1][0] == "done"
        bench.toll.closed = True
        bench.toll.cut()
        page = await bench.page(status=503)
        assert "comes back by itself" in page
        assert "hx-refresh" not in (await bench.client.get("/playground/ready")).headers
        assert (await bench.run(model="mock-image", prompt=PROMPT, key="later"))[-1][0] == "away"
        assert "data-away" in await bench.look(model="mock-image", prompt=PROMPT)
        bench.toll.closed = False
        async with asyncio.timeout(30):
            while "hx-refresh" not in (await bench.client.get("/playground/ready")).headers:
                await asyncio.sleep(0.1)
        assert "The same as a program" in await bench.page()
        assert (await bench.run(model="mock-image", prompt=PROMPT, key="later"))[-1][0] == "done"
