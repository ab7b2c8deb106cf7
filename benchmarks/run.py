"""A whole run: rounds over cells over targets, interleaved, the order of the targets rotated from round to round."""

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cells import LOAD_CELLS
from benchmarks.measures import (
    Sample,
    measure_flight,
    measure_idle,
    measure_load,
    measure_picture,
    warm_up,
)
from benchmarks.peers import AbsentError
from benchmarks.targets import OURS, PLANS, Setting, StartError, Target
from benchmarks.worker_pipe import Worker

SPAN_WAIT_S = 6.0
WORKER_LIMIT_S = 10.0


@dataclass(frozen=True)
class Options:
    """What to run: targets and cells in order, rounds, seconds per load cell, the cache of the peers' programs."""

    targets: Sequence[str]
    cells: Sequence[str]
    rounds: int
    seconds: float
    cache: Path


@dataclass
class Outcome:
    """Everything measured: `load` and `life` are samples with `round`, `target` (and `cell`); `absent` says why not.

    `spans` is spans exported per answered request, for our own targets.
    """

    load: list[Sample] = field(default_factory=list)
    life: list[Sample] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    spans: dict[str, float] = field(default_factory=dict)


def rotated(names: Sequence[str], turn: int) -> list[str]:
    """The names from the `turn`-th on, then those before it."""
    start = turn % len(names) if names else 0
    return [*names[start:], *names[:start]]


class Run:
    """The workers of one run, and what they measure."""

    def __init__(self, options: Options, mock: Worker, load: Worker, sinks: dict[str, Worker], folder: Path) -> None:
        self._options = options
        self._mock = mock
        self._load = load
        self._sinks = sinks
        self._folder = folder
        self._starts: Counter[str] = Counter()
        self.outcome = Outcome()

    @classmethod
    @asynccontextmanager
    async def prepared(cls, options: Options) -> "AsyncIterator[Run]":
        """A run whose workers stand; they end, and the folder goes, with the block."""
        async with AsyncExitStack() as stack:
            options.cache.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir=options.cache))

            async def worker(module: str) -> Worker:
                started = await Worker.start(module)
                stack.push_async_callback(started.stop)
                return started

            mock, load = await worker("mock_provider"), await worker("load")
            sinks = {name: await worker("otlp_sink") for name in options.targets if name in OURS}
            yield cls(options, mock, load, sinks, Path(folder))

    async def measure(self) -> Outcome:
        """All load cells with all targets up, then the cells that want a target freshly started and alone."""
        load_cells = [cell for cell in self._options.cells if cell in LOAD_CELLS]
        life_cells = [cell for cell in self._options.cells if cell not in LOAD_CELLS]
        if load_cells:
            await self._measure_load_cells(load_cells)
        if life_cells:
            await self._measure_lives(life_cells)
        return self.outcome

    async def _measure_load_cells(self, cells: list[str]) -> None:
        async with AsyncExitStack() as stack:
            up: dict[str, Target] = {}
            for name in self._options.targets:
                target = await self._try_start(name)
                if target is not None:
                    stack.push_async_callback(target.stop)
                    up[name] = target
                    await warm_up(self._load, target)
            before = {name: await self._answered_and_exported(name) for name in up if name in self._sinks}
            for turn in range(self._options.rounds):
                for cell in cells:
                    for name in rotated(list(up), turn):
                        await self._measure_cell(turn, cell, up[name])
            await self._count_spans(before)

    async def _measure_cell(self, turn: int, cell: str, target: Target) -> None:
        progress(f"round {turn + 1}/{self._options.rounds}  {cell:<10} {target.name}")
        sample = await measure_load(self._load, target, LOAD_CELLS[cell], self._options.seconds)
        self.outcome.load.append({"round": turn, "cell": cell, "target": target.name, **sample})

    async def _measure_lives(self, cells: list[str]) -> None:
        for turn in range(self._options.rounds):
            for name in rotated([name for name in self._options.targets if name not in self.outcome.absent], turn):
                progress(f"round {turn + 1}/{self._options.rounds}  {', '.join(cells):<10} {name}")
                sample: Sample = {}
                if "start" in cells or "flight" in cells:
                    sample |= await self._live(name, with_flight="flight" in cells)
                if "picture" in cells:
                    sample |= await self._live_with_pictures(name)
                if sample:
                    self.outcome.life.append({"round": turn, "target": name, **sample})

    async def _live(self, name: str, *, with_flight: bool) -> Sample:
        target = await self._try_start(name)
        if target is None:
            return {}
        try:
            sample = await measure_idle(target)
            return {**sample, **await measure_flight(self._load, target)} if with_flight else sample
        finally:
            await target.stop()

    async def _live_with_pictures(self, name: str) -> Sample:
        target = await self._try_start(name)
        if target is None:
            return {}
        try:
            return await measure_picture(self._load, target)
        finally:
            await target.stop()

    async def _try_start(self, name: str) -> Target | None:
        """The target, serving; None, and a line under `absent`, when it cannot be had."""
        self._starts[name] += 1
        folder = self._folder / f"{name}-{self._starts[name]}"
        folder.mkdir()
        sink = self._sinks.get(name)
        otlp_port = sink.greeting["port"] if sink else 0
        progress(f"starting {name}")
        try:
            plan = await PLANS[name](Setting(self._mock.greeting["port"], otlp_port, folder, self._options.cache))
            return await Target.start(name, plan, folder)
        except (AbsentError, StartError) as error:
            self.outcome.absent[name] = str(error)
            progress(f"{name} is absent: {error}")
            return None

    async def _answered_and_exported(self, name: str) -> tuple[int, int]:
        answered = sum(sample["requests"] for sample in self.outcome.load if sample["target"] == name)
        exported = await self._sinks[name].ask({"count": True}, WORKER_LIMIT_S)
        return answered, exported["spans"]

    async def _count_spans(self, before: dict[str, tuple[int, int]]) -> None:
        """Spans per answered request over all load cells, once the exporters' last batches have had time to come."""
        if before:
            await asyncio.sleep(SPAN_WAIT_S)
        for name, (answered_before, exported_before) in before.items():
            answered, exported = await self._answered_and_exported(name)
            if answered > answered_before:
                self.outcome.spans[name] = (exported - exported_before) / (answered - answered_before)


def progress(line: str) -> None:
    """One line on the terminal's error stream; a closed one is no reason to stop."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)
