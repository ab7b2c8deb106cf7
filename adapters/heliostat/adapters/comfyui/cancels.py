"""Taking a prompt back, waiting or running.

Source: ComfyUI's server.py (2025-10, and of the second half of 2026), read 2026-11-22. The jobs API can since 0.26;
before 0.3.57 an interrupt hits whatever runs.
"""

from heliostat.adapters.comfyui.jobs import place_in_queue
from heliostat.adapters.sdk import Cancelled, MeshError, ProviderClient

_OLD_SERVER = frozenset({"404", "405"})


async def cancel(http: ProviderClient, job: str, account: str) -> Cancelled:
    """Asks the jobs API, and servers that have none in the older way."""
    try:
        answer = await http.send("POST", f"/api/jobs/{job}/cancel", b"", None, phase="cancel", account=account)
    except MeshError as error:
        if error.metadata.get("provider_status") not in _OLD_SERVER:
            raise
        return await _cancel_the_old_way(http, job)
    told = answer.json_or_none()
    taken = isinstance(told, dict) and told.get("cancelled") is True
    return Cancelled(found=taken, free=taken)


async def _cancel_the_old_way(http: ProviderClient, job: str) -> Cancelled:
    """Out of the queue, or by an interrupt, but only if just this prompt runs."""
    place = await _place(http, job)
    if place is None:
        return Cancelled(found=False)
    if place:
        await http.post_json("/queue", {"delete": [job]}, phase="cancel")
        place = await _place(http, job)
    if place == 0:
        await http.post_json("/interrupt", {"prompt_id": job}, phase="cancel")
    return Cancelled(found=True, free=True)


async def _place(http: ProviderClient, job: str) -> int | None:
    return place_in_queue(await http.get("/queue", phase="cancel"), job)
