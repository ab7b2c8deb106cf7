"""The providers' HTTP APIs on loopback: real dialects, scripted faults, a journal of what was asked and billed.

    server = EmulatorServer(create_app(Easel(), job_seconds=0))
    base = await server.start()
    # OpenAI at {base}/openai/v1, a self-hosted server at {base}/compat/v1, fal's queue at {base}/fal/{model id}
    # PUT    {base}/openai/_emulator/script   [{"status": 503}, {"cut_after_bytes": 100}, {"ok": true}]
    # GET    {base}/_emulator/journal         {"billable": 1, "entries": [...]}
    # DELETE either of them                   resets it
    # GET    {base}/_emulator/news?version=3&wait_s=20   waits for another version; scripts, and bills so far
    await server.stop()

Steps are described in `script.Step`, entries in `journal.Entry`.
"""

from heliostat.emulators.app import create_app
from heliostat.emulators.server import EmulatorServer

__all__ = ["EmulatorServer", "create_app"]
