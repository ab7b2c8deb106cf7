"""Every method of the stock `openai` library's images, and every parameter that it documents: taken, or refused why.

The tables are held against the library's own signatures: a parameter that a new version brings has to find its row.
"""

import inspect
import io
import warnings
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from PIL import Image

from tests.support.mesh import KEY, Mesh, mesh

in_one_loop = pytest.mark.asyncio(loop_scope="module")

# What stands in every method of the library and says how it asks, not what.
ITS_OWN = {"self", "extra_headers", "extra_query", "extra_body", "timeout"}


def png(color: tuple[int, int, int, int]) -> bytes:
    """A square of one colour."""
    out = io.BytesIO()
    Image.new("RGBA", (1024, 1024), color).save(out, "PNG")
    return out.getvalue()


SQUARE, HOLE = png((20, 90, 200, 255)), png((0, 0, 0, 0))
COMMON: list[tuple[str, Any, str]] = [
    ("background", "transparent", ""),
    ("background", "opaque", ""),
    ("background", "auto", ""),
    ("complexity", "low", "complexity"),
    ("frame_count", 4, ""),
    ("frame_duration_ms", 100, ""),
    ("model", "gpt-image-2", ""),
    ("model", "flux-schnel", "model"),
    ("n", 2, ""),
    ("n", 11, "n"),
    ("output_compression", 60, ""),
    *(("output_format", word, "") for word in ("png", "webp", "jpeg", "gif")),
    ("output_format", "svg", "output_format"),
    ("partial_images", 0, ""),
    ("partial_images", 2, "partial_images"),
    *(("quality", word, "") for word in ("low", "medium", "high", "xhigh", "max", "auto", "standard")),
    ("response_format", "url", ""),
    ("response_format", "b64_json", ""),
    ("safety_identifier", "user-1", ""),
    *(("size", word, "") for word in ("1024x1024", "1536x1024", "1024x1536", "256x256", "512x512", "auto")),
    ("size", "large", "size"),
    ("stream", False, ""),
    ("svg", {"model": "m", "reasoning": {"effort": "low"}}, ""),
    ("user", "user-1", ""),
]
# Method -> least arguments, and rows: parameter, value, the parameter that is refused (empty: it is taken).
TABLES: dict[str, tuple[dict[str, Any], list[tuple[str, Any, str]]]] = {
    "generate": (
        {"model": "gpt-image-2", "prompt": "A lighthouse", "quality": "low"},
        [
            *COMMON,
            ("prompt", "A boat", ""),
            ("prompt", " ", "prompt"),
            ("moderation", "low", ""),
            ("moderation", "auto", ""),
            ("quality", "hd", ""),
            ("style", "vivid", ""),
            ("style", "natural", ""),
        ],
    ),
    "edit": (
        {"model": "gpt-image-2", "prompt": "Snow", "quality": "low", "image": ("a.png", SQUARE)},
        [
            *COMMON,
            ("prompt", "Rain", ""),
            ("prompt", "", "prompt"),
            ("image", [("a.png", SQUARE), ("b.png", SQUARE)], ""),
            ("image", ("a.txt", b"no picture"), "image"),
            ("mask", ("m.png", HOLE), ""),
            ("mask", ("m.png", b"no picture"), "mask"),
            ("markup", ("m.png", HOLE), "markup"),
            ("input_fidelity", "high", "input_fidelity"),
            ("input_fidelity", "low", "input_fidelity"),
        ],
    ),
    "create_variation": (
        {"model": "studio", "image": ("a.png", SQUARE)},
        [
            ("image", ("b.png", HOLE), ""),
            ("image", ("b.png", b"no picture"), "image"),
            ("model", "studio", ""),
            ("n", 2, ""),
            ("n", 0, "n"),
            ("response_format", "url", ""),
            ("response_format", "b64_json", ""),
            *(("size", word, "") for word in ("256x256", "512x512", "1024x1024")),
            ("user", "user-1", ""),
        ],
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """One mesh for all rows."""
    async with mesh(tmp_path_factory.mktemp("parameters")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def client(running: Mesh) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client, asking once."""
    async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key=KEY, max_retries=0, timeout=60) as opened:
        yield opened


@in_one_loop
@pytest.mark.parametrize(
    ("method", "parameter", "value", "refused"),
    [(method, *row) for method, (_, rows) in TABLES.items() for row in rows],
    ids=lambda value: str(value)[:24] if isinstance(value, str | int) else type(value).__name__,
)
async def test_every_parameter(
    client: openai.AsyncOpenAI, method: str, parameter: str, value: Any, refused: str
) -> None:
    """It gives pictures, or a 400 that names it and says what to do."""
    least, _ = TABLES[method]
    ask = getattr(client.images, method)
    # The library warns that OpenAI itself makes no variations any more.
    warnings.simplefilter("ignore", DeprecationWarning)
    if not refused:
        answer = await ask(**{**least, parameter: value})
        assert len(answer.data) == (value if parameter == "n" else 1)
        assert all(bool(item.url) != bool(item.b64_json) for item in answer.data)
        return
    with pytest.raises(openai.APIStatusError) as caught:
        await ask(**{**least, parameter: value})
    assert caught.value.status_code in (400, 404)
    # What only one provider knows is told as one of its options.
    assert (caught.value.param or "").rpartition(".")[2] == refused
    assert caught.value.message


@pytest.mark.parametrize("method", TABLES)
def test_every_documented_parameter_has_a_row(method: str) -> None:
    """As the installed version of the library documents them."""
    documented = set(inspect.signature(getattr(openai.resources.AsyncImages, method)).parameters) - ITS_OWN
    least, rows = TABLES[method]
    assert documented == {parameter for parameter, _, _ in rows}
    assert set(least) <= documented


def test_every_method_has_a_table() -> None:
    """There are no others."""
    methods = {name for name, _ in inspect.getmembers(openai.resources.AsyncImages, inspect.isfunction)}
    assert {name for name in methods if not name.startswith("_")} == set(TABLES)


@in_one_loop
@pytest.mark.parametrize("method", ["generate", "edit"])
async def test_streams(client: openai.AsyncOpenAI, method: str) -> None:
    """stream and partial_images: previews, then the picture, as the library's own events."""
    least, _ = TABLES[method]
    kinds = []
    async for event in await getattr(client.images, method)(**least, stream=True, partial_images=1):
        kinds.append(event.type)
    word = "image_generation" if method == "generate" else "image_edit"
    assert kinds[-1] == f"{word}.completed"
    assert f"{word}.partial_image" in kinds


@in_one_loop
async def test_words_of_ours_beside_them(client: openai.AsyncOpenAI) -> None:
    """What the library is given as extra_body arrives in forms too, lists and objects included."""
    answer = await client.images.edit(
        model="studio",
        prompt="Snow",
        image=("a.png", SQUARE),
        extra_body={"provider": {"only": ["studio"]}, "tags": {"team": "art"}, "strength": 0.5, "seed": 7},
    )
    assert answer.data is not None
    assert (answer.model_extra or {})["metadata"]["provider"] == "studio"
