"""The story: seven acts, each with the pictures that it made."""

import asyncio
import io
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from heliostat.demo.client import Answer, Application
from heliostat.demo.desk import Bills, Controls
from heliostat.demo.terminal import Terminal

LIGHTHOUSE = "A lighthouse on a rocky coast at sunset, calm sea"
BALLOON = "A red hot-air balloon over green hills in the morning"
_EDGE_PX = 13
_REASONS = {
    "provider_unavailable": "503, unavailable",
    "rate_limited": "429, slow down",
    "provider_rate_limited": "429, slow down",
}


@dataclass(frozen=True)
class Frame:
    """A picture of the story, for the contact sheet."""

    title: str
    detail: str
    picture: bytes
    model: str
    provider: str
    micros: int
    seconds: float


@dataclass(frozen=True)
class Waits:
    """How long things take in the story, in seconds."""

    retry_after: float = 3
    slow: float = 5.5
    timeout: float = 1.8
    """The library sends a call again 0.5 s after its first time-out and 1 s after its second: `slow` lies midway
    between the second time-out and what would be the third, so that the third call is answered on slow machines as
    well."""


class Story:
    """Plays the acts one after the other."""

    def __init__(self, application: Application, controls: Controls, terminal: Terminal, waits: Waits) -> None:
        self._app = application
        self._controls = controls
        self._out = terminal
        self._waits = waits
        self.frames: list[Frame] = []

    async def play(self) -> Bills:
        """All acts. Gives both bills. Raises RuntimeError where the gateway refuses."""
        await self._a_picture()
        await self._first_provider_down()
        await self._rate_limited()
        await self._impatient_library()
        await self._edit()
        await self._chain(self.frames[3].picture)
        return await self._bill()

    async def _a_picture(self) -> None:
        await self._out.title(1, "A picture", "One API for every provider.", f"“{LIGHTHOUSE}”")
        answer = await self._app.draw(model="flux-1.1-pro", prompt=LIGHTHOUSE, size="1024x768")
        self._took("A picture", "one request, one bill", answer)
        await self._out.pause(1.2)

    async def _first_provider_down(self) -> None:
        await self._out.title(
            2, "The same, and its first provider is down", "Replicate answers 503 from now on. Nobody tells the client."
        )
        await self._controls.fail("replicate", "down")
        answer = await self._app.draw(model="flux-1.1-pro", prompt=f"{LIGHTHOUSE}, clouds", size="1024x768", seed=7)
        await self._controls.mend("replicate")
        self._took("First provider down", "the next one was asked", answer)
        await self._out.pause(1.2)

    async def _rate_limited(self) -> None:
        wait_s = self._waits.retry_after
        await self._out.title(
            3,
            "Rate-limited, and waited for",
            f"One provider has this model, and it says 429, Retry-After {wait_s:g} s. The request waits in line.",
        )
        await self._controls.fail("fal", "rate limited", wait_s)
        asking = asyncio.create_task(
            self._app.draw(model="flux-2-turbo", prompt="A sailing boat at night under the moon", size="1024x768")
        )
        await self._app.until_one_waits()
        self._out.note("fal", f"429, asked to wait {wait_s:g} s")
        await self._controls.mend("fal")
        self._took("Rate-limited", f"429, waited {wait_s:g} s, once more", await asking)
        await self._out.pause(1.2)

    async def _impatient_library(self) -> None:
        timeout_s = self._waits.timeout
        await self._out.title(
            4,
            "A library that times out and retries, billed once",
            f"The provider is slow, the client waits {timeout_s:g} s and its library retries twice, as stock libraries "
            "do. Asked directly that is three purchases.",
        )
        await self._controls.fail("openai", "slow", self._waits.slow)

        def told(ordinal: int) -> None:
            self._out.bad("client", f"time-out {ordinal} after {timeout_s:g} s; the library sends it again")

        answer = await self._app.draw_like_the_stock_library(
            timeout_s,
            told,
            model="gpt-image-2",
            prompt=BALLOON,
            size="1024x768",
            quality="medium",
        )
        await self._controls.mend("openai")
        self._took("Timed out, retried", "three calls, one bill", answer)
        await self._out.pause(1.2)

    async def _edit(self) -> None:
        await self._out.title(
            5, "An edit with a mask", "White is drawn anew, every other pixel stays, whoever the provider is."
        )
        image, mask = self.frames[0].picture, _ellipse(self.frames[0].picture, (0.08, 0.03, 0.42, 0.42))
        answer = await self._app.work(
            "edits",
            {"image": image, "mask": mask},
            model="flux-fill-pro",
            prompt="A hot-air balloon at sunset",
            mask_mode="white",
        )
        self._took("Edited with a mask", "only where the mask says", answer)
        await self._out.pause(1.2)

    async def _chain(self, picture: bytes) -> None:
        await self._out.title(
            6, "A chain of steps", "Segment, inpaint, upscale, restyle: four providers, one key, one log."
        )
        found = await self._app.work("segments", {"image": picture}, model="sam-2", boxes="[[300, 60, 720, 480]]")
        self._took("Segmented", "what is in a box", found)
        inpainted = await self._app.work(
            "edits",
            {"image": picture, "mask": _grown(found.pictures[0])},
            model="flux-fill-dev",
            prompt="A golden star",
            mask_mode="white",
        )
        self._took("Inpainted", "a star where the balloon was", inpainted)
        large = await self._app.work(
            "upscales", {"image": inpainted.pictures[0]}, model="clarity-upscaler", scale_factor=2
        )
        self._took("Upscaled", f"twice as large, {_size(large.pictures[0])}", large)
        styled = await self._app.work("styles", {"image": inpainted.pictures[0]}, model="studio", style="comic")
        self._took("Restyled", "as a comic, made offline", styled)
        await self._out.pause(1.2)

    async def _bill(self) -> Bills:
        await self._out.title(7, "The bill", "Added up from what the providers say they charged.")
        bills = await self._controls.bills(sum(frame.micros for frame in self.frames))
        rows = (
            ("billed by the providers", bills.pictures, bills.micros, "good"),
            ("without a gateway", bills.naive_pictures, bills.naive_micros, "bad"),
        )
        for name, pictures, micros, style in rows:
            figures = self._out.styled(f"{pictures:>3} pictures   {total(micros):>9}", style)
            self._out.line(f"    {name:<26}{figures}")
        await self._out.pause(2)
        return bills

    def _took(self, title: str, detail: str, answer: Answer) -> None:
        for attempt in answer.attempts:
            if attempt.reason:
                why = _REASONS.get(attempt.reason, attempt.reason.replace("_", " "))
                self._out.bad(attempt.provider, f"{why} · {'billed' if attempt.billed == 'yes' else 'not billed'}")
        said = f"{title.lower()} · {answer.model} · {money(answer.micros)} · {answer.seconds:.1f} s"
        self._out.good(answer.provider, said)
        self.frames.append(
            Frame(title, detail, answer.pictures[0], answer.model, answer.provider, answer.micros, answer.seconds)
        )


def money(micros: int) -> str:
    """Micro-USD as people write it: "$0.04", "$0.0032", "free"."""
    if not micros:
        return "free"
    text = f"{micros / 1e6:.4f}".rstrip("0")
    whole, _, rest = text.partition(".")
    return f"${whole}.{rest:0<2}"


def total(micros: int) -> str:
    """A sum that stands beside another one: four digits of a dollar."""
    return f"${micros / 1e6:.4f}"


def _size(picture: bytes) -> str:
    with Image.open(io.BytesIO(picture)) as image:
        return f"{image.width} x {image.height}"


def _grown(mask: bytes) -> bytes:
    """The mask some pixels wider: a thing's soft edge belongs to it as well."""
    with Image.open(io.BytesIO(mask)) as image:
        return _png(image.convert("L").filter(ImageFilter.MaxFilter(_EDGE_PX)))


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _ellipse(picture: bytes, box: tuple[float, float, float, float]) -> bytes:
    """A white ellipse on black as large as the picture; the box is in shares of width and height."""
    with Image.open(io.BytesIO(picture)) as image:
        width, height = image.size
    mask = Image.new("L", (width, height), 0)
    left, top, right, bottom = box
    ImageDraw.Draw(mask).ellipse((left * width, top * height, right * width, bottom * height), fill=255)
    return _png(mask)
