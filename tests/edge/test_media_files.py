"""GET /v1/media/{id} on a real socket."""

import hashlib

import httpx
import pytest

from heliostat.chassis.http_server import listening_url
from heliostat.edge.links import Signer, expiry, link_base
from heliostat.edge.media_files import blob_key
from tests.edge.conftest import Bench
from tests.edge.scripted_ledger import MEDIA_ID

PICTURE = bytes(range(256)) * 40
SIGNER = Signer(b"media".ljust(32, b"."))


async def kept(
    bench: Bench, picture: bytes = PICTURE, media_id: str = MEDIA_ID, for_s: int = 60, hashed: bytes | None = None
) -> str:
    """Keeps a picture and gives the path and query of a link to it, which tells the hash of `hashed`, if given."""
    await bench.blobs.put(blob_key(media_id), picture)
    sha256 = hashlib.sha256(hashed).digest() if hashed is not None else b""
    return SIGNER.link("", media_id, int(bench.clock.time()) + for_s, sha256)


async def test_a_link_opens_its_picture(bench: Bench) -> None:
    """The whole picture with its type, as something that a browser shows and does not guess about."""
    link = await kept(bench)
    answer = await bench.client.get(link, headers={"authorization": ""})
    assert (answer.status_code, answer.content) == (200, PICTURE)
    headers = answer.headers
    assert headers["content-type"] == "image/png"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == f'inline; filename="{MEDIA_ID}"'
    assert headers["cache-control"] == "private, max-age=60, immutable"
    assert headers["etag"] == f'"{MEDIA_ID}"'


async def test_a_large_picture_is_streamed(bench: Bench) -> None:
    """A picture over 4 MiB arrives whole."""
    large = PICTURE * 500
    link = await kept(bench, large, "f" * 32 + ".webp")
    answer = await bench.client.get(link)
    assert answer.content == large
    assert answer.headers["content-type"] == "image/webp"


async def test_head_tells_without_sending(bench: Bench) -> None:
    """HEAD has the headers of GET and no body."""
    answer = await bench.client.head(await kept(bench))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(PICTURE))


@pytest.mark.parametrize(
    ("header", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, 10_240),
        ("bytes=-5", 206, 10_235, 10_240),
        ("bytes=-99999", 200, 0, 10_240),
        ("bytes=10230-99999", 206, 10_230, 10_240),
        ("bytes=9-3", 200, 0, 10_240),
        ("bytes=0-1,5-6", 200, 0, 10_240),
        ("bytes=-", 200, 0, 10_240),
        ("lines=0-1", 200, 0, 10_240),
        ("bytes=10240-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
    ],
)
async def test_ranges(bench: Bench, header: str, status: int, start: int, end: int) -> None:
    """One range is honoured, what makes no sense is not looked at, what lies outside is 416."""
    answer = await bench.client.get(await kept(bench), headers={"range": header})
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["content-range"] == "bytes */10240"
        assert answer.json()["error"]["code"] == "range_not_satisfiable"
        return
    assert answer.content == PICTURE[start:end]
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/10240"


async def test_a_known_picture_is_not_sent_again(bench: Bench) -> None:
    """If-None-Match gives 304; If-Range with another tag gives the whole."""
    link = await kept(bench)
    for tag in (f'"{MEDIA_ID}"', f'W/"{MEDIA_ID}"', "*", f'"x", "{MEDIA_ID}"'):
        answer = await bench.client.get(link, headers={"if-none-match": tag})
        assert (answer.status_code, answer.content) == (304, b"")
    assert (await bench.client.get(link, headers={"if-none-match": '"x"'})).status_code == 200
    ranged = {"range": "bytes=0-9"}
    assert (await bench.client.get(link, headers={**ranged, "if-range": '"x"'})).status_code == 200
    assert (await bench.client.get(link, headers={**ranged, "if-range": f'"{MEDIA_ID}"'})).status_code == 206


async def test_nothing_else_opens_it(bench: Bench) -> None:
    """Each byte of the link changed, another picture's signature, parameters twice, swapped or missing: one 404."""
    link = await kept(bench)
    told = await kept(bench, hashed=PICTURE)
    other = await kept(bench, media_id="0" * 32 + ".png")
    path, query = link.split("?")
    expires, signature = query.split("&")
    changed = [
        link[:place] + ("0" if link[place] != "0" else "1") + link[place + 1 :] for place in range(11, len(link))
    ]
    changed += [
        told[:place] + ("0" if told[place] != "0" else "1") + told[place + 1 :] for place in range(11, len(told))
    ]
    tried = [
        *changed,
        told.replace(told.split("&")[1], "sha="),
        "&".join((told.split("&")[0], told.split("&")[2])),
        path,
        f"{path}?{expires}",
        f"{path}?{signature}&{expires}",
        f"{link}&{signature}",
        f"{link}&exp=99999999999",
        f"{link}&x=1",
        f"{path}?{other.split('?')[1]}",
        f"{path}?{query.upper()}",
        f"{path}?exp=+{expires[4:]}&{signature}",
        SIGNER.link("", "1" * 32 + ".png", int(bench.clock.time()) + 60),
        SIGNER.link("", "../" + MEDIA_ID, int(bench.clock.time()) + 60),
        SIGNER.link("", "%2e%2e%2f" + MEDIA_ID, int(bench.clock.time()) + 60),
        SIGNER.link("", MEDIA_ID + "%00", int(bench.clock.time()) + 60),
        SIGNER.link("", "a" * 4096, int(bench.clock.time()) + 60),
        SIGNER.link("", "1" * 32 + ".svg", int(bench.clock.time()) + 60),
    ]
    bodies = set()
    for attempt in tried:
        answer = await bench.client.get(attempt)
        assert answer.status_code == 404, attempt
        bodies.add(answer.json()["error"]["code"])
    assert bodies <= {"resource_not_found", "unknown_url"}


async def test_a_link_ends(bench: Bench) -> None:
    """At its moment the link is over."""
    link = await kept(bench, for_s=5)
    bench.clock.advance(4.9)
    assert (await bench.client.get(link)).status_code == 200
    bench.clock.advance(0.1)
    assert (await bench.client.get(link)).status_code == 404


def test_a_link_never_outlives_its_picture() -> None:
    """A link ends after its time or with the picture, whichever is first."""
    assert expiry(1000.7, 60, 0) == 1060
    assert expiry(1000.7, 60, 1030) == 1030
    assert expiry(1000.7, 60, 5000) == 1060


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("localhost:8080", "http://localhost:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("127.0.0.1.evil.example", "http://here:1"),
        ("localhost:8080/x", "http://here:1"),
        ("", "http://here:1"),
    ],
)
def test_a_host_header_is_believed_only_where_it_is_loopback(host: str, base: str) -> None:
    """And only in a sandbox without a public address."""
    assert link_base("", "http://here:1", host, sandbox=True) == base
    assert link_base("", "http://here:1", host, sandbox=False) == "http://here:1"
    assert link_base("https://p.example/", "http://here:1", host, sandbox=True) == "https://p.example"


def test_wildcard_listeners_are_reached_on_loopback() -> None:
    """0.0.0.0 is no address to call."""
    assert listening_url("0.0.0.0", 80) == "http://127.0.0.1:80"
    assert listening_url("::", 80) == "http://[::1]:80"
    assert listening_url("::1", 80) == "http://[::1]:80"
    assert listening_url("10.0.0.1", 80) == "http://10.0.0.1:80"


LARGE = PICTURE * 500


@pytest.mark.parametrize(
    ("picture", "ranged"), [(PICTURE, ""), (PICTURE, "bytes=0-9"), (LARGE, ""), (LARGE, "bytes=5-9")]
)
async def test_a_sound_picture_passes_its_check(bench: Bench, picture: bytes, ranged: str) -> None:
    """A link that tells the hash opens the picture, whole and in parts, small and large."""
    answer = await bench.client.get(await kept(bench, picture, hashed=picture), headers={"range": ranged})
    assert answer.content == (picture if not ranged else picture[int(ranged[6]) : 10])


@pytest.mark.parametrize("ranged", ["", "bytes=0-9"])
async def test_m15_a_damaged_picture_is_refused(bench: Bench, ranged: str) -> None:
    """One bit is wrong in the store: 410 with an error object, also for a part that is sound itself."""
    link = await kept(bench, PICTURE[:-1] + b"!", hashed=PICTURE)
    answer = await bench.client.get(link, headers={"range": ranged})
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "resource_gone")


async def test_m15_a_damaged_large_picture_never_arrives_whole(bench: Bench) -> None:
    """It is looked at while it is sent: the answer breaks off; a part of it is refused before it begins."""
    link = await kept(bench, LARGE[:-1] + b"!", hashed=LARGE)
    with pytest.raises(httpx.RemoteProtocolError):
        await bench.client.get(link)
    answer = await bench.client.get(link, headers={"range": "bytes=0-9"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "resource_gone")


async def test_m15_a_missing_picture_is_not_found(bench: Bench) -> None:
    """The link is good, the file is not there: 404 with an error object."""
    link = await kept(bench, hashed=PICTURE)
    await bench.blobs.delete(blob_key(MEDIA_ID))
    answer = await bench.client.get(link)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_not_found")
