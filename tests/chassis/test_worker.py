"""How workers of pools begin, and that nothing of them stays."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from concurrent.futures import ProcessPoolExecutor

import psutil

from heliostat.chassis.worker import forked, settle, wake

# What the adapters' pools name: the process is started once, for all tests.
USUAL = ("heliostat.adapters.sdk.inputs", "heliostat.adapters.sdk.masks", "PIL.Image")
PROGRAM = """
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from heliostat.chassis.worker import forked, settle

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=forked("colorsys"), initializer=settle)
    worker = pool.submit(os.getpid).result()
    server = pool.submit(os.getppid).result()
    is_loaded = pool.submit(eval, "'colorsys' in __import__('sys').modules").result()
    print(worker, server, is_loaded, flush=True)
    time.sleep(600)
"""


def parent_of_worker(pool: ProcessPoolExecutor) -> int:
    """Who started the worker of a pool."""
    return pool.submit(os.getppid).result(60)


def test_workers_of_several_pools_come_from_one_process() -> None:
    """Which is not this one, and outlives them."""
    with ProcessPoolExecutor(1, mp_context=forked(*USUAL), initializer=settle) as one:
        server = parent_of_worker(one)
        with ProcessPoolExecutor(1, mp_context=forked(*USUAL), initializer=settle) as other:
            assert parent_of_worker(other) == server != os.getpid()
            assert other.submit(os.getpid).result(60) != one.submit(os.getpid).result(60)
    assert psutil.pid_exists(server)


def test_who_is_woken_is_there_before_the_first_worker() -> None:
    """Nothing waits for it meanwhile."""
    wake(*USUAL)
    there = {child.pid for child in psutil.Process().children()}
    with ProcessPoolExecutor(1, mp_context=forked(*USUAL), initializer=settle) as pool:
        assert parent_of_worker(pool) in there


async def test_workers_end_with_a_parent_that_is_killed() -> None:
    """And so does the process they were forked from, which had loaded what the pool named."""
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, stdout=PIPE)
    assert program.stdout is not None
    *pids, is_loaded = (await program.stdout.readline()).decode().split()
    started = [psutil.Process(int(pid)) for pid in pids]
    assert (len(started), is_loaded) == (2, "True")
    program.send_signal(signal.SIGKILL)
    await program.wait()
    gone, alive = await asyncio.to_thread(psutil.wait_procs, started, 60)
    assert (len(gone), alive) == (2, [])
