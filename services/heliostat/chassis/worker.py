"""How a worker process of a pool begins and behaves: deaf to Ctrl+C, and gone when its parent is."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext


def forked(*modules: str) -> "BaseContext":
    """How a pool starts workers that have `modules` loaded at once, by name.

    They are forked from one process that loads them once for all pools of this one; what the first pool names counts.
    The modules must start no threads. Starting a worker waits for that process: never do it on an event loop.
    """
    import multiprocessing

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    return context


def wake(*modules: str) -> None:
    """Starts the process that workers are forked from, with modules as `forked` takes them; waits for nothing."""
    from multiprocessing import forkserver

    forked(*modules)
    forkserver.ensure_running()


def settle() -> None:
    """Makes this worker ignore Ctrl+C (its parent decides) and end with its parent, however the parent ends."""
    import multiprocessing
    import os
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(0)

    threading.Thread(target=follow, name="follow-parent", daemon=True).start()
