"""Makes the README's screenshot: `python -m tests.console.screenshots docs/images` plays a short story and photographs
the street."""

import asyncio
import sys
import tempfile
from pathlib import Path

from heliostat.demo.sandbox_process import SandboxProcess
from tests.console.browser import CHROMIUM, browsing
from tests.console.test_story import Newcomer, send_three_times

_SIZE = (1280, 1030)
_SHARPNESS = 1.5


async def photograph(folder: Path) -> None:
    """Writes console.png: fal is down, traffic has moved, a library has sent a call three times. `folder` is there."""
    with tempfile.TemporaryDirectory() as place:
        sandbox = SandboxProcess(Path(place) / "state")
        await sandbox.start()
        try:
            async with browsing(*_SIZE, device_scale_factor=_SHARPNESS) as window:
                newcomer = Newcomer(window, sandbox, Path(place))
                for prompt in ("A lighthouse at dusk", "A lighthouse at noon", "A lighthouse at night"):
                    await newcomer.draw(prompt)
                await newcomer.open("/street")
                await newcomer.press("fal", "down")
                for count in range(5):
                    await newcomer.draw(f"A lighthouse in a storm, {count} boats")
                await send_three_times(sandbox, "flux-1.1-pro")
                await newcomer.open("/street")
                await newcomer.weigh(3)
                await asyncio.sleep(1.5)
                await window.page.mouse.move(2, 2)
                await window.page.evaluate("scrollTo(0, 0)")
                await window.page.screenshot(path=folder / "console.png")
        finally:
            await sandbox.stop()


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit("Debian's chromium is missing: apt-get install chromium")
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(photograph(Path(sys.argv[1])))
