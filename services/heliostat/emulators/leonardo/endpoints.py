"""Leonardo.Ai's generations (cloud.leonardo.ai) below /leonardo; its OpenAPI document of 2026-06-17."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import read_body
from heliostat.emulators.checked_fields import BOOLEAN, Field, number, read_fields, text, whole, words
from heliostat.emulators.counter import Counter, content_of, is_unsafe
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import seed_from
from heliostat.emulators.plain_dialect import PlainDialect, bearer

# The document's own example; what a picture costs is on no public list.
MICROS_EACH = 14_700
MODELS = (
    "7b592283-e8a7-4c5a-9ba6-d18c31f258b9",
    "05ce0082-2d80-4a2d-8653-4d1c85e2418e",
    "de7d3faf-762f-48e0-b3b7-9d0ac3a3fcf3",
    "6b645e3a-d64f-4341-a6d8-7a3690fbf042",
)
FIELDS: Mapping[str, Field] = {
    "modelId": text(36, 36),
    "prompt": text(1, 1500, needed=True),
    "negative_prompt": text(),
    "width": whole(32, 1536, 8),
    "height": whole(32, 1536, 8),
    "num_images": whole(1, 8),
    "num_inference_steps": whole(10, 60),
    "guidance_scale": number(1, 20),
    "contrast": number(1, 4.5),
    "alchemy": BOOLEAN,
    "ultra": BOOLEAN,
    "styleUUID": text(),
    "presetStyle": words("DYNAMIC"),
    "enhancePrompt": BOOLEAN,
    "enhancePromptInstruction": text(),
    "seed": whole(0, 9_999_999_998),
    "transparency": words("disabled", "foreground_only"),
    "tiling": BOOLEAN,
    "public": BOOLEAN,
    "init_image_id": text(),
    "init_generation_image_id": text(),
    "init_strength": number(0.1, 0.9),
    "controlnets": Field("list"),
}
DIALECT = PlainDialect(
    lambda status, message: json_reply(
        {"error": message, "code": "unexpected" if status != 400 else "validation-failed", "path": "$"}, status
    ),
    {402: "not enough api tokens", 404: "model not found"},
)


def wrong(message: str, name: str) -> Refusal:
    """A body that is not taken."""
    return DIALECT.refused(400, f"{name}: {message}")


class LeonardoEndpoints:
    """Generations and their states."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs
        self._counter = Counter(room, lambda message: DIALECT.refused(400, message))

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room, base = self._room, "/api/rest/v1"
        return [
            room.route("/files/{name}", room.file, "GET"),
            room.route(f"{base}/generations", self.create, "POST"),
            room.route(f"{base}/generations/{{id}}", self.look, "GET"),
        ]

    async def create(self, request: Request) -> Call:
        """Take a generation; the answer says what it will cost."""
        body = await read_body(request)
        job_id = DIALECT.new_request_id()

        async def work(entry: Entry) -> Reply:
            DIALECT.check_key(bearer(request.headers.get("authorization")), unpaid=400)
            order = read_fields(FIELDS, body, wrong)
            if order.get("modelId", MODELS[0]) not in MODELS:
                raise wrong("unknown model", "modelId")
            count = order.get("num_images", 4)
            if count > 4 and max(order.get("width", 1024), order.get("height", 768)) > 768:
                raise wrong("at most 4 of that size", "num_images")
            if is_unsafe(order["prompt"]):
                raise DIALECT.refused(403, "the prompt was rejected by content moderation")
            job = Job(job_id, entry, self._room.address(request), order)

            async def paint(billed: Entry) -> Reply:
                return await self._paint(order, job, billed)

            self._jobs.start(job, paint)
            cost = {"amount": f"{MICROS_EACH * count / 1e6:.4f}", "unit": "DOLLARS"}
            return json_reply({"sdGenerationJob": {"generationId": job_id, "apiCreditCost": None, "cost": cost}})

        return Call("submit", work, body.text("modelId"), body.text("prompt"), job_id)

    async def look(self, request: Request) -> Call:
        """Tell how a generation stands."""
        job = self._jobs.find(request.path_params["id"])

        async def work(_: Entry) -> Reply:
            DIALECT.check_key(bearer(request.headers.get("authorization")))
            if job is None:
                raise DIALECT.refused(404)
            return json_reply({"generations_by_pk": _shown(job)})

        return Call("status", work, "" if job is None else job.entry.model)

    async def _paint(self, order: dict[str, Any], job: Job, entry: Entry) -> Reply:
        count = order.get("num_images", 4)
        clear = order.get("transparency") == "foreground_only"
        media_type = "image/png" if clear else "image/jpeg"
        size = (order.get("width", 1024), order.get("height", 768))
        images = await self._counter.draw(
            order["prompt"], size, seed=order.get("seed"), media_type=media_type, count=count
        )
        entry.bill(MICROS_EACH * count, images)
        listed = [
            {
                "id": f"{job.id[:-2]}{index:02}",
                "url": self._counter.host(image, job.address, media_type),
                "nsfw": False,
                "generated_image_variation_generics": [],
            }
            for index, image in enumerate(images)
        ]
        return json_reply({"generated_images": listed})


def _shown(job: Job) -> dict[str, Any]:
    """Show a generation as it stands."""
    order, content = job.facts, content_of(job)
    shown: dict[str, Any] = {
        "id": job.id,
        "status": "PENDING",
        "generated_images": [],
        "prompt": order["prompt"],
        "seed": order.get("seed", seed_from("leonardo", order["prompt"])),
        "imageWidth": order.get("width", 1024),
        "imageHeight": order.get("height", 768),
        "modelId": order.get("modelId"),
    }
    if job.result is None:
        return shown
    return shown | ({"status": "FAILED"} if content is None else {"status": "COMPLETE"} | content)
