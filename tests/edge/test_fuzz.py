"""Whatever callers send, the answer is never a 5xx and always JSON."""

import string
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.edge.conftest import Bench
from tests.edge.fuzzing import FIELDS as FIELDS_OF
from tests.edge.fuzzing import fuzz
from tests.edge.scripted_ledger import PNG

MODEST = settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
FIELDS = sorted({"__proto__", "x", "image"}.union(*FIELDS_OF.values()) - {"stream"})

words = st.text(max_size=40) | st.sampled_from(["1024x1024", "16:9", "auto", "high", "url", "b64_json", "2K", "\x00"])
numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False)
leaves = st.none() | st.booleans() | numbers | words
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
bodies = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=12), values, max_size=8)
ODD_JSON = [
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"n": 1e999999, "model": "m", "prompt": "p"}',
    b'{"n": ' + b"9" * 10_000 + b', "model": "m", "prompt": "p"}',
    b'{"model": "m", "prompt": "\\ud800"}',
    b'{"model": "m", "prompt": "a\x00b"}',
    b'\xef\xbb\xbf{"model": "m", "prompt": "p"}',
    b'{"model": "m", "model": 7, "prompt": "p"}',
    b'{"n": NaN, "model": "m", "prompt": "p"}',
    b'{"__proto__": {"a": 1}, "model": "m", "prompt": "p"}',
    b'{"model": "\xff\xfe", "prompt": "p"}',
    b"null",
    b"0",
    b'"text"',
    b"{}",
    b"{} {}",
    b"{'model': 'm'}",
]


def check(answer: httpx.Response) -> None:
    """No fault of ours, and an answer that OpenAI's clients understand."""
    assert answer.status_code in {200, 400, 404, 413, 415, 422}, (answer.status_code, answer.text)
    body: Any = answer.json()
    if answer.status_code != 200:
        assert set(body["error"]) == {"message", "type", "param", "code"}
        assert body["error"]["message"]
    assert answer.headers["x-request-id"].startswith("req_")


@MODEST
@given(fields=bodies, whole=st.booleans(), path=st.sampled_from(sorted(FIELDS_OF)))
async def test_json_bodies(running: Bench, fields: dict[str, Any], whole: bool, path: str) -> None:
    """Any JSON object, near to a good one or far from it."""
    given_fields = {"model": "m", "prompt": "p", **fields} if whole else fields
    try:
        content = orjson.dumps(given_fields)
    except TypeError:
        content = b'{"n": 100000000000000000000}'
    check(await running.client.post(f"/v1{path}", content=content, headers={"content-type": "application/json"}))


@MODEST
@given(content=st.binary(max_size=200) | st.sampled_from(ODD_JSON), kind=st.sampled_from(["", "application/json"]))
async def test_bytes_as_bodies(running: Bench, content: bytes, kind: str) -> None:
    """Any bytes at all, and the classics among broken JSON."""
    check(await running.client.post("/v1/images/generations", content=content, headers={"content-type": kind}))


async def test_the_classics(running: Bench) -> None:
    """Each of them once, with the type named."""
    headers = {"content-type": "application/json"}
    for content in ODD_JSON:
        check(await running.client.post("/v1/images/generations", content=content, headers=headers))


names = st.sampled_from(["image", "image[]", "image[0]", "mask", "prompt", "model", "tags", "n"]) | st.text(
    string.printable, max_size=12
)
parts = st.tuples(names, st.none() | st.text(string.printable, max_size=12), st.sampled_from([b"", PNG, b"x", b"7"]))
PIECES = [
    b"--b",
    b"--b--",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"Content-Disposition: form-data",
    b'; name="image"',
    b'; name="prompt"',
    b"; filename=",
    b"Content-Transfer-Encoding: base64",
    PNG,
    b"\x00",
]


@MODEST
@given(given_parts=st.lists(parts, max_size=6))
async def test_forms(running: Bench, given_parts: list[tuple[str, str | None, bytes]]) -> None:
    """Sound multipart with odd parts."""
    body = b""
    for name, filename, data in given_parts:
        field = name.encode().replace(b"\r", b"").replace(b"\n", b"").replace(b'"', b"%22")
        body += b'--b\r\nContent-Disposition: form-data; name="' + field + b'"'
        if filename is not None:
            body += b'; filename="' + filename.encode().replace(b"\r", b"").replace(b"\n", b"") + b'"'
        body += b"\r\n\r\n" + data + b"\r\n"
    headers = {"content-type": "multipart/form-data; boundary=b"}
    check(await running.client.post("/v1/images/edits", content=body + b"--b--\r\n", headers=headers))


@MODEST
@given(pieces=st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=14), cut=st.integers(0, 200))
async def test_broken_forms(running: Bench, pieces: list[bytes], cut: int) -> None:
    """Multipart put together from its own pieces, cut anywhere."""
    body = b"".join(pieces)
    content = body[: len(body) - cut] if cut < len(body) else body
    headers = {"content-type": "multipart/form-data; boundary=b"}
    check(await running.client.post("/v1/images/edits", content=content, headers=headers))


@pytest.mark.parametrize("seed", [2, 3])
async def test_our_own_grammar(running: Bench, seed: int) -> None:
    """C9, C10, C11: JSON and forms for every operation, near to good ones. `make fuzz` sends 100,000 of them."""
    findings = await fuzz(running, seed, 1_000)
    assert findings.faults == []
    assert sum(findings.statuses.values()) == 1_000
    assert findings.statuses[200] > 100
    assert set(findings.statuses) <= {200, 400, 404, 413, 415, 422}
