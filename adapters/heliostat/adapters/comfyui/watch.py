"""Looking for a prompt: in the history, and now and then the queue; a server that was started anew has none of it."""

from heliostat.adapters.comfyui.jobs import place_in_queue
from heliostat.adapters.sdk import Answer, Call, ProviderClient

_QUEUE_EVERY = 4


class Watch:
    """Looks at one prompt.

    place  how many prompts are before it, None until the queue was looked at
    lost   True where neither knows it
    """

    def __init__(self, http: ProviderClient, call: Call, job: str) -> None:
        self._http = http
        self._call = call
        self._job = job
        self._looks = 0
        self.place: int | None = None
        self.lost = False

    async def look(self) -> Answer:
        """The history of the prompt. What is gone on with is looked for in the queue at once."""
        answer = await self._history()
        if self._job in answer.json():
            return answer
        self._looks += 1
        if not self._call.resume_provider_job_id and self._looks % _QUEUE_EVERY:
            return answer
        self.place = place_in_queue(await self._http.get("/queue", self._call), self._job)
        if self.place is None:
            # It may have ended between the two looks.
            answer = await self._history()
            self.lost = self._job not in answer.json()
        return answer

    async def _history(self) -> Answer:
        return await self._http.get(f"/history/{self._job}", self._call)
