"""Which servers a provider's client believes."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

ASK = """
import asyncio, sys
from heliostat.adapters.sdk.transport import LargePieceTransport, Outgoing
async def ask():
    transport = LargePieceTransport(max_connections=1, keepalive_s=1)
    waits = {"connect": 20, "answer": 20, "idle": 20, "total": 20}
    try:
        print(*await transport.exchange(Outgoing("GET", sys.argv[1], {}, b""), waits, 100))
    except Exception as error:
        print(type(error).__name__)
    finally:
        await transport.aclose()
asyncio.run(ask())
"""


@asynccontextmanager
async def server(tls: ssl.SSLContext | None, heard: list[bytes]) -> AsyncIterator[str]:
    """The base URL of a server that answers everything with "hello"."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    finally:
        listening.close()


async def asked(url: str, authority: Path) -> str:
    """What a process of its own gets from `url`, which believes the certificates of a file."""
    sources = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": sources, "SSL_CERT_FILE": str(authority)}
    command = [sys.executable, "-c", ASK, url]
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return str(done.stdout).strip()


@pytest.fixture
def authorities(tmp_path: Path) -> tuple[Path, Path, ssl.SSLContext]:
    """The files of an authority that signed a server's certificate and of one that did not, and the server's TLS."""
    own, foreign = trustme.CA(), trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.issue_cert("127.0.0.1").configure_cert(tls)
    for name, authority in (("own", own), ("foreign", foreign)):
        authority.cert_pem.write_to_path(str(tmp_path / name))
    return tmp_path / "own", tmp_path / "foreign", tls


async def test_a_server_whose_certificate_is_trusted_is_asked(
    authorities: tuple[Path, Path, ssl.SSLContext],
) -> None:
    """SSL_CERT_FILE names the authorities."""
    own, _, tls = authorities
    heard: list[bytes] = []
    async with server(tls, heard) as url:
        assert (await asked(url, own)).startswith("200")
    assert len(heard) == 1


async def test_a_server_whose_certificate_is_not_trusted_hears_nothing(
    authorities: tuple[Path, Path, ssl.SSLContext],
) -> None:
    """The key would go to whoever stands in between."""
    _, foreign, tls = authorities
    heard: list[bytes] = []
    async with server(tls, heard) as url:
        assert await asked(url, foreign) == "ConnectError"
    assert heard == []


async def test_plain_http_reads_no_certificates(tmp_path: Path) -> None:
    """Emulated providers and engines of one's own start without: the file that is named is not even there."""
    async with server(None, []) as url:
        assert (await asked(url, tmp_path / "nowhere")).startswith("200")
