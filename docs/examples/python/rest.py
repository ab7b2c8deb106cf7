# ruff: noqa: T201 - a program for people: it prints
"""Makes a picture over REST with OpenAI's own library, unchanged but for its address, and writes it down.

KEY=... python rest.py flux-schnell "A sunset over mountains" picture.webp

Needs openai. HELIOSTAT_URL says where the gateway is, if not on this machine's port 8080.
"""

import base64
import os
import sys
from pathlib import Path

from openai import APIError, OpenAI

FORMATS = {".png": "png", ".jpg": "jpeg", ".webp": "webp"}


def main(model: str, prompt: str, file: str) -> int:
    """Asks for one picture as base64; tells who made it and for how much."""
    gateway = os.environ.get("HELIOSTAT_URL", "http://127.0.0.1:8080")
    client = OpenAI(base_url=f"{gateway}/v1", api_key=os.environ["KEY"])
    try:
        answer = client.images.generate(
            model=model,
            prompt=prompt,
            response_format="b64_json",
            output_format=FORMATS[Path(file).suffix],  # type: ignore[call-overload]
        )
    except APIError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 1
    Path(file).write_bytes(base64.b64decode(answer.data[0].b64_json))
    # What OpenAI does not answer stands beside what it does.
    metadata = answer.model_extra["metadata"]
    print("made by", metadata["provider"], "for", metadata["cost"], "USD")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
