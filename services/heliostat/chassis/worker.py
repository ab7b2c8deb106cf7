"""How a worker process of a pool behaves: deaf to Ctrl+C, and gone when its parent is."""


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
