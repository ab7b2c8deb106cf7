"""A process and its file: what changes in the file is taken up while it runs, or refused with the line."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from heliostat.chassis.errors import MeshError
from heliostat.launch.config import configured
from heliostat.launch.file_watch import FileWatch
from heliostat.launch.process import Process
from heliostat.launch.reload import Reloading
from tests.support.loopback import PLAIN

SOON_S = 10.0
OFTEN_S = 0.01

HEAD = """\
state_dir: {folder}/state
sandbox: true
edge: {{port: {port}}}
ledger: {{open: true}}
adapters: {{mock: {{}}, studio: {{workers: 1}}}}
"""
ROUTES = """\
router:
  auto_routes: false
  routes:
  - model: first
    targets:
    - target: mock/mock-image
"""


def text(folder: Path, routes: str = ROUTES, port: int = 0) -> str:
    """A whole configuration."""
    return HEAD.format(folder=folder, port=port) + routes


class Running:
    """A process with its file."""

    def __init__(self, process: Process, file: Path, reloading: Reloading) -> None:
        self.process = process
        self.file = file
        self.reloading = reloading
        self.heard: list[Any] = []
        (router,) = [part for placed, part in process.parts if placed.name == "router"]
        router._operations.bulletin.listen(self.heard.append)  # type: ignore[attr-defined]

    def put(self, content: str) -> None:
        """Replaces the file by another one, so that nobody reads half of it."""
        new = self.file.with_suffix(".new")
        new.write_text(content)
        new.replace(self.file)

    async def take(self, content: str) -> bool:
        """Takes up a text."""
        return await self.reloading.reload(content, self.process.parts)

    async def models(self) -> list[str]:
        """What is served now."""
        async with httpx.AsyncClient(verify=PLAIN, base_url=self.process.http_url()) as client:
            return [model["id"] for model in (await client.get("/v1/models")).json()["data"]]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    """A process over a file."""
    file = folder / "heliostat.yaml"
    file.write_text(text(folder))
    configuration = configured(str(file), file.read_text(), "all", {})
    process = Process(configuration, seed=1)
    await process.start()
    try:
        yield Running(process, file, Reloading(str(file), "all", {}, configuration))
    finally:
        await process.stop(1)


async def until(holds: Callable[[], bool]) -> None:
    """Returns when something holds."""
    async with asyncio.timeout(SOON_S):
        while not holds():
            await asyncio.sleep(OFTEN_S)


async def test_a_changed_file_is_taken_up(tmp_path: Path) -> None:
    """Seen by its time and size, without a restart; the routes of the file are the ones that are served."""
    async with running(tmp_path) as here:
        watch = FileWatch(str(here.file), here.file.read_text(), poll_s=OFTEN_S)
        following = asyncio.create_task(here.reloading.follow(watch, here.process.parts))
        try:
            assert await here.models() == ["first"]
            await asyncio.sleep(0)
            here.put(text(tmp_path, ROUTES + "  - model: second\n    targets: [target: mock/mock-image]\n"))
            await until(lambda: [event.kind for event in here.heard] == ["reloaded"])
            assert await here.models() == ["first", "second"]
            here.put("router: [")
            await until(lambda: len(here.heard) == 2)
            assert await here.models() == ["first", "second"]
        finally:
            following.cancel()
    assert here.heard[1].kind == "reload_refused"
    assert "is not YAML" in here.heard[1].message


def routes(*lines: str) -> str:
    """A router's section with these lines below `routes`."""
    return "\n".join(["router:", "  routes:", *lines, ""])


FIRST = ("  - model: m", "    targets:", "    - target: mock/mock-image")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ("", "is empty"),
        (routes(*FIRST, "      weight: -1"), "heliostat.yaml:11: router.routes.0.targets.0.weight: Input should be"),
        (routes(*FIRST, "      weight: -1"), "write 0 or more instead of -1"),
        (
            routes(*FIRST, *FIRST),
            'heliostat.yaml:11: router.routes.1.model: "m" is named by route "m" and by route "m"',
        ),
        (
            routes("  - model: m", "    targets:", "    - target: mok/mock-image"),
            'heliostat.yaml:10: router.routes.0.targets.0.target: Route "m" names target "mok/mock-image", and there '
            'is no adapter "mok"; did you mean "mock"?',
        ),
        (
            routes("  - model: m", "    targets:", "    - target: studio/studoi"),
            'heliostat.yaml:10: router.routes.0.targets.0.target: adapter "studio" does not know the model "studoi"; '
            'did you mean "studio"?',
        ),
        (
            routes(*FIRST, "    aliases: [n]", *FIRST, "    aliases: [m]")
            .replace("model: m", "model: n", 2)
            .replace("model: n", "model: m", 1),
            "heliostat.yaml:15: router.routes.1.aliases.0: aliases go in a ring: m -> n -> m",
        ),
        (routes(*FIRST, "    prioritty: 1"), "heliostat.yaml:11: router.routes.0.prioritty: unknown key"),
    ],
    ids=["empty", "weight", "instead", "two routes", "adapter", "model", "ring", "key"],
)
async def test_bad_input_is_refused_with_its_line(tmp_path: Path, changed: str, told: str) -> None:
    """And what to write instead; the running table stays, and operators are told."""
    async with running(tmp_path) as here:
        await here.models()  # adapters have described themselves
        assert not await here.take(text(tmp_path, changed) if changed else "")
        assert await here.models() == ["first"]
    (event,) = here.heard
    assert event.kind == "reload_refused"
    assert told in event.message


async def test_what_needs_a_restart_is_named(tmp_path: Path) -> None:
    """What can change changes, and the rest is said to wait; also the next time."""
    more = ROUTES + "  max_attempts: 2\n"
    async with running(tmp_path) as here:
        content = text(tmp_path, more, port=1).replace("workers: 1", "workers: 2")
        assert await here.take(content)
        assert await here.take(content + "# a comment\n")
    needs = "needs a restart: adapters.studio.workers, edge.port, router.max_attempts"
    assert all(needs in event.message for event in here.heard)
    assert len(here.heard) == 2


async def test_a_part_that_is_gone_from_the_file_is_refused(tmp_path: Path) -> None:
    """Its adapter runs here: taking it away is a restart."""
    async with running(tmp_path) as here:
        assert not await here.take(text(tmp_path).replace(", studio: {workers: 1}", ""))
    assert "adapter-studio" in here.heard[0].message


class TestFileWatch:
    """What is seen of a file."""

    async def test_a_link_that_leads_elsewhere_is_a_change(self, tmp_path: Path) -> None:
        """As Kubernetes changes a ConfigMap."""
        for name in ("one", "two"):
            (tmp_path / name).write_text(name)
        link = tmp_path / "link"
        link.symlink_to("one")
        changes = FileWatch(str(link), "one", poll_s=OFTEN_S).changes()
        waiting = asyncio.create_task(anext(changes))
        await asyncio.sleep(OFTEN_S)
        (tmp_path / "new").symlink_to("two")
        os.replace(tmp_path / "new", link)
        async with asyncio.timeout(SOON_S):
            assert await waiting == "two"
        await changes.aclose()

    async def test_a_signal_looks_at_once(self, tmp_path: Path) -> None:
        """And a file that is gone leaves things as they are."""
        file = tmp_path / "f"
        file.write_text("one")
        watch = FileWatch(str(file), "nothing", poll_s=3600)
        changes = watch.changes()
        waiting = asyncio.create_task(anext(changes))
        watch.look()
        async with asyncio.timeout(SOON_S):
            assert await waiting == "one"
        file.unlink()
        waiting = asyncio.create_task(anext(changes))
        watch.look()
        await asyncio.sleep(OFTEN_S)
        assert not waiting.done()
        file.write_text("two")
        watch.look()
        async with asyncio.timeout(SOON_S):
            assert await waiting == "two"
        await changes.aclose()


def test_a_file_is_refused_at_the_start_too(tmp_path: Path) -> None:
    """With its line, before anything runs."""
    content = text(tmp_path, routes("  - model: m", "    targets:", "    - target: nobody/x"))
    with pytest.raises(MeshError, match=r'heliostat\.yaml:10: router\.routes\.0\.targets\.0\.target: Route "m"'):
        configured("heliostat.yaml", content, "all", {})
