"""Two attempts beside each other: who begins a picture first wins, the other one is dropped."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from heliostat.api.router.v1 import router_pb2

Lane = AsyncGenerator[router_pb2.GenerateResponse, None]
_Item = tuple[int, router_pb2.GenerateResponse | None, asyncio.Future[None] | None]


async def raced(lanes: Sequence[Lane], has_won: Callable[[int], bool], drop: Callable[[int], None]) -> Lane:
    """The messages of all lanes as they come, until one has won; then those of the winner alone.

    A lane goes on when the reader asks for the message after its own. `has_won` is asked of a lane with each of its
    messages and at its end; then every other one is closed, and `drop` is told of it.
    """
    told: asyncio.Queue[_Item] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def follow(place: int) -> None:
        try:
            async with aclosing(lanes[place]) as messages:
                async for message in messages:
                    passed = loop.create_future()
                    told.put_nowait((place, message, passed))
                    await passed
        finally:
            told.put_nowait((place, None, None))

    tasks = [asyncio.create_task(follow(place)) for place in range(len(lanes))]
    running = set(range(len(lanes)))
    try:
        while running:
            place, message, passed = await told.get()
            if place not in running:
                continue
            if len(running) > 1 and has_won(place):
                for loser in running - {place}:
                    tasks[loser].cancel()
                    await asyncio.gather(tasks[loser], return_exceptions=True)
                    drop(loser)
                running = {place}
            if message is None or passed is None:
                running.discard(place)
                await tasks[place]
            else:
                yield message
                passed.set_result(None)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
