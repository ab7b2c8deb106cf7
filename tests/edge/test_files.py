"""/v1/files on a real socket: OpenAI's calls and objects."""

import openai
import pytest

from tests.edge.conftest import Bench, OpenBench
from tests.edge.scripted_ledger import PNG

A_FILE = ("../../etc/boat.png", PNG, "text/html")


async def sent(bench: Bench, **words: str) -> str:
    """The id of a file."""
    answer = await bench.client.post("/v1/files", data={"purpose": "vision", **words}, files={"file": A_FILE})
    assert answer.status_code == 200, answer.text
    file_id: str = answer.json()["id"]
    return file_id


@pytest.mark.parametrize("base", ["/v1", "/openai/v1"])
async def test_a_file_is_told_as_openai_tells_it(bench: Bench, base: str) -> None:
    """Its name without folders; its type is not the one that was declared."""
    answer = await bench.client.post(f"{base}/files", data={"purpose": "vision"}, files={"file": A_FILE})
    assert answer.status_code == 200
    body = answer.json()
    assert body == {
        "id": body["id"],
        "object": "file",
        "bytes": len(PNG),
        "created_at": 1,
        "expires_at": 9,
        "filename": "boat.png",
        "purpose": "vision",
        "status": "processed",
        "media_type": "image/png",
    }
    assert (await bench.client.get(f"{base}/files/{body['id']}")).json() == body


async def test_the_bytes_come_back(bench: Bench) -> None:
    """As an attachment under a name of ours, with a type that browsers do not guess at."""
    file_id = await sent(bench)
    answer = await bench.client.get(f"/v1/files/{file_id}/content")
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == f'attachment; filename="{file_id}.png"'
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_expiry_is_passed_on(bench: Bench) -> None:
    """expires_after counts from the moment of the upload."""
    words = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    file_id = await sent(bench, **words)
    assert bench.ledger.files[file_id].expire_time.seconds == int(bench.clock.time()) + 3600


async def test_lists(bench: Bench) -> None:
    """limit, after, order and purpose arrive; more than a page holds are a page."""
    first = await sent(bench)
    answer = await bench.client.get(f"/v1/files?limit=10000&after={first}&order=asc&purpose=vision")
    body = answer.json()
    assert (body["object"], body["has_more"], body["first_id"], body["last_id"]) == ("list", False, first, first)
    asked = bench.ledger.listed[0]
    assert (asked.page_size, asked.page_token, asked.oldest_first, asked.purpose) == (100, first, True, "vision")
    for query, param in (("limit=0", "limit"), ("limit=x", "limit"), ("order=up", "order")):
        answer = await bench.client.get(f"/v1/files?{query}")
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("words", "files", "param"),
    [
        ({"purpose": "vision"}, {"other": A_FILE}, "file"),
        ({"purpose": "vision", "file": "text"}, {"x": A_FILE}, "file"),
        ({"purpose": "a" * 256}, {"file": A_FILE}, "purpose"),
        ({"expires_after[anchor]": "now"}, {"file": A_FILE}, "expires_after"),
        ({"expires_after[seconds]": "59"}, {"file": A_FILE}, "expires_after"),
        ({"expires_after[seconds]": "9" * 30}, {"file": A_FILE}, "expires_after"),
    ],
)
async def test_odd_forms(bench: Bench, words: dict[str, str], files: dict[str, object], param: str) -> None:
    """400 under the name of the field, and nothing is kept."""
    answer = await bench.client.post("/v1/files", data=words, files=files)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert bench.ledger.files == {}


async def test_a_file_is_no_json(bench: Bench) -> None:
    """415 with a sentence."""
    assert (await bench.client.post("/v1/files", json={"file": "x"})).status_code == 415


async def test_files_have_bounds(edge_with: OpenBench) -> None:
    """Over the longest body it is 413."""
    async with edge_with(max_body_bytes=100_000) as bench:
        files = {"file": ("a.png", PNG + bytes(100_000), "image/png")}
        assert (await bench.client.post("/v1/files", files=files)).status_code == 413


@pytest.mark.parametrize("file_id", ["file-nothing", "..%2f..%2fetc", "%00", "file-" + "0" * 4000])
async def test_what_is_not_there_is_404(bench: Bench, file_id: str) -> None:
    """By every method; odd ids too."""
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
        answer = await bench.client.request(method, f"/v1/files/{file_id}{path}")
        assert answer.status_code == 404
        assert answer.json()["error"]["message"]


async def test_without_a_key_nothing_is_told(bench: Bench) -> None:
    """401 for every one of them."""
    wrong = {"authorization": "Bearer bad"}
    file_id = await sent(bench)
    assert (await bench.client.post("/v1/files", files={"file": A_FILE}, headers=wrong)).status_code == 401
    for method, path in (
        ("GET", ""),
        ("GET", f"/{file_id}"),
        ("DELETE", f"/{file_id}"),
        ("GET", f"/{file_id}/content"),
    ):
        assert (await bench.client.request(method, f"/v1/files{path}", headers=wrong)).status_code == 401
    assert list(bench.ledger.files) == [file_id]


async def test_the_stock_client(bench: Bench) -> None:
    """create, list, retrieve, content, delete, and an edit that names the file."""
    async with openai.AsyncOpenAI(api_key="good", base_url=f"{bench.url}/v1", max_retries=0) as client:
        file = await client.files.create(
            file=("boat.png", PNG), purpose="vision", expires_after={"anchor": "created_at", "seconds": 7200}
        )
        assert [each.id async for each in client.files.list(purpose="vision")] == [file.id]
        assert (await client.files.retrieve(file.id)).filename == "boat.png"
        assert (await client.files.content(file.id)).content == PNG
        body = {"model": "gpt-image-2", "prompt": "x", "images": [{"file_id": file.id}]}
        await client.post("/images/edits", body=body, cast_to=object)
        assert bench.ledger.asked[0].image.edit.image.file_id == file.id
        assert (await client.files.delete(file.id)).deleted
