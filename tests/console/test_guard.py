"""Who gets in, what a change has to carry, and what every answer says to the browser."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from heliostat.chassis.errors import MeshError
from heliostat.console.guard import hosts_of
from heliostat.console.login import here_only
from heliostat.console.passwords import hashed, is_hash
from heliostat.console.sessions import COOKIE, Sessions
from tests.console.conftest import Bench, OpenBench
from tests.console.scripted_core import NOW, record
from tests.support.loopback import PLAIN

PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def password_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the hash of the password."""
    file = tmp_path_factory.mktemp("hash") / "hash"
    file.write_text(hashed(PASSWORD))
    return file


@pytest.mark.parametrize("path", ["/street", "/requests", "/requests/req_1", "/nothing", "/healthz", "/media/x.png"])
async def test_every_answer_says_what_a_browser_may_do_with_it(bench: Bench, path: str) -> None:
    """Scripts and styles are files of ours; nobody frames the page; nothing is guessed, kept or passed on."""
    bench.core.ledger.keep(record("req_1"))
    headers = (await bench.client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


async def test_no_page_has_script_or_style_of_its_own(bench: Bench) -> None:
    """The policy forbids both, so none may need them."""
    bench.core.ledger.keep(record("req_1"))
    for path in ("/street", "/requests", "/requests/req_1"):
        page = await bench.page(path)
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        assert page.count("<script") == page.count("<script src=")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"x-csrf-token": "guessed"}, 403),
        ({"x-csrf-token": "TOKEN", "origin": "http://elsewhere.example"}, 403),
        ({"x-csrf-token": "TOKEN", "sec-fetch-site": "cross-site"}, 403),
        ({"x-csrf-token": "TOKEN", "sec-fetch-site": "same-origin"}, 200),
        ({"x-csrf-token": "TOKEN"}, 200),
    ],
)
async def test_a_change_carries_the_token_of_its_session(bench: Bench, headers: dict[str, str], status: int) -> None:
    """And comes from a page of ours. What is refused changes nothing."""
    token = await bench.token()
    headers = {name: token if value == "TOKEN" else value for name, value in headers.items()}
    form = {"do": "reset", "target": "fal/fal-ai/sun", "route": "sunny"}
    answer = await bench.client.post("/street/target", data=form, headers=headers)
    assert answer.status_code == status
    assert len(bench.core.router.asked) == (status == 200)


async def test_a_plain_form_carries_the_token_as_a_field(bench: Bench) -> None:
    """Pages work without script, and the form arrives whole."""
    form = {"do": "reset", "target": "fal/fal-ai/sun", "route": "sunny", "csrf": await bench.token()}
    answer = await bench.client.post("/street/target", data=form)
    assert answer.status_code == 200
    assert bench.core.router.asked[0][1].name == "fal/fal-ai/sun"


async def test_a_token_of_another_session_is_worth_nothing(bench: Bench) -> None:
    """It is bound to its session's name."""
    async with httpx.AsyncClient(verify=PLAIN, base_url=bench.console.url) as other:
        await other.get("/street")
        answer = await other.post("/street/target", headers={"x-csrf-token": await bench.token()})
    assert answer.status_code == 403


async def test_the_cookie_is_out_of_reach(bench: Bench) -> None:
    """Of scripts, and of every other site."""
    cookie = (await bench.client.get("/street")).headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in cookie
    assert "set-cookie" not in (await bench.client.get("/street")).headers


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:8081", 200), ("evil.example", 421), ("127.0.0.1.evil", 421)],
)
async def test_on_loopback_only_loopbacks_names_are_known(bench: Bench, host: str, status: int) -> None:
    """A foreign name that was made to point here (DNS rebinding) gets nothing."""
    assert (await bench.client.get("/street", headers={"host": host})).status_code == status


async def test_probes_ask_by_any_name(bench: Bench) -> None:
    """A kubelet names the pod's address; what it is told is known to everybody, and changes nothing."""
    headers = {"host": "10.1.2.3:8081"}
    assert (await bench.client.get("/healthz", headers=headers)).text == "ok\n"
    assert (await bench.client.post("/healthz", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    ("host", "public_url", "expected"),
    [
        ("0.0.0.0", "", ()),
        ("0.0.0.0", "https://console.example.com", ("console.example.com",)),
        ("127.0.0.1", "https://console.example.com:8443", ("localhost", "127.0.0.1", "[::1]", "console.example.com")),
    ],
)
def test_names_of_the_console(host: str, public_url: str, expected: tuple[str, ...]) -> None:
    """Beyond loopback the public address says which; without one any will do, and a login is needed anyway."""
    assert hosts_of(host, public_url) == expected


@pytest.mark.parametrize(("sandbox", "host"), [(False, "127.0.0.1"), (True, "0.0.0.0"), (False, "0.0.0.0")], ids=str)
async def test_without_a_login_it_stands_open_to_a_sandboxs_own_machine_only(
    console_with: OpenBench, sandbox: bool, host: str
) -> None:
    """Anything else does not start, and says what to set."""
    with pytest.raises(MeshError, match=r"console\.password_hash"):
        async with console_with(sandbox=sandbox, host=host):
            pass


async def test_a_hash_that_is_none_is_refused(console_with: OpenBench, tmp_path: Path) -> None:
    """A password written where its hash belongs would lock everybody out."""
    file = tmp_path / "hash"
    file.write_text(PASSWORD)
    with pytest.raises(MeshError, match="console-password"):
        async with console_with(sandbox=False, password_hash=f"file:{file}"):
            pass


async def test_who_has_not_logged_in_sees_the_form_and_nothing_else(
    console_with: OpenBench, password_file: Path
) -> None:
    """Pages lead to the form; pieces, streams, pictures and changes are refused; the form's own files are served."""
    async with console_with(sandbox=False, password_hash=f"file:{password_file}") as bench:
        answer = await bench.client.get("/requests?model=x")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Frequests%3Fmodel%3Dx")
        for path in ("/events", "/street/roads"):
            assert (await bench.client.get(path, headers={"hx-request": "true"})).status_code == 401
        assert (await bench.client.get("/media/0123456789abcdef.png")).status_code == 303
        assert (await bench.client.post("/street/target")).status_code == 401
        assert (await bench.client.get("/static/console.css")).status_code == 200
        assert not bench.core.router.asked


async def test_a_login_gives_a_session_of_a_new_name(console_with: OpenBench, password_file: Path) -> None:
    """What was known before it is worth nothing; it leads back to where one wanted to go; it can be ended."""
    async with console_with(sandbox=False, password_hash=f"file:{password_file}") as bench:
        client = bench.client
        assert (await _log_in(bench, "not the password")).status_code == 401
        before = client.cookies[COOKIE]
        answer = await _log_in(bench, PASSWORD, there="/requests")
        assert (answer.status_code, answer.headers["location"]) == (303, "/requests")
        assert client.cookies[COOKIE].partition(".")[0] != before.partition(".")[0]
        assert (await client.get("/street")).status_code == 200
        await bench.send("/street/target", do="reset", target="fal/fal-ai/sun", route="sunny")
        assert bench.core.router.asked[0][2] == "console: operator"
        out = await client.post("/logout", data={"csrf": await bench.token()})
        assert out.headers["location"] == "/login"
        assert (await client.get("/street")).status_code == 303


async def test_a_session_ends(console_with: OpenBench, password_file: Path) -> None:
    """After the hours of the setting."""
    async with console_with(sandbox=False, password_hash=f"file:{password_file}", session_hours=1) as bench:
        await _log_in(bench, PASSWORD)
        bench.clock.advance(3599)
        assert (await bench.client.get("/street")).status_code == 200
        bench.clock.advance(2)
        assert (await bench.client.get("/street")).status_code == 303


async def test_guessing_is_held_back(console_with: OpenBench, password_file: Path) -> None:
    """Ten wrong passwords in a minute, then even the right one waits."""
    async with console_with(sandbox=False, password_hash=f"file:{password_file}") as bench:
        for _ in range(10):
            assert (await _log_in(bench, "x" * 2000)).status_code == 401
        answer = await _log_in(bench, PASSWORD)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "61")
        bench.clock.advance(61)
        assert (await _log_in(bench, PASSWORD)).status_code == 303


async def _log_in(bench: Bench, password: str, there: str = "") -> httpx.Response:
    page = await bench.client.get("/login")
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    return await bench.client.post("/login", data={"csrf": token, "password": password, "next": there})


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/\tx", "evil", "/é"],
)
def test_a_login_leads_nowhere_else(address: str) -> None:
    """An address that is not a path of this console becomes the first page."""
    assert here_only(address) == "/"


def test_sessions_are_signed_with_the_password_in_the_key() -> None:
    """Cookies of another installation, of another password, and forged ones are not ours."""
    sessions = Sessions(b"s" * 32, "hash", 3600)
    session = sessions.begin("operator", NOW)
    cookie = sessions.cookie(session)
    assert sessions.read(cookie, NOW) == session
    assert sessions.read(cookie, NOW + 3601) is None
    for stranger in (Sessions(b"t" * 32, "hash", 3600), Sessions(b"s" * 32, "other", 3600)):
        assert stranger.read(cookie, NOW) is None
    for forged in (cookie[:-2], cookie.replace(session.name, "other"), "", "...", "a.b", "é.é.é.é"):
        assert sessions.read(forged, NOW) is None


async def test_a_body_has_an_end(console_with: OpenBench) -> None:
    """What is longer than the setting is refused, however it is declared."""
    async with console_with(max_body_bytes=65_536) as bench:
        headers = {"x-csrf-token": await bench.token(), "content-type": "application/x-www-form-urlencoded"}
        answer = await bench.client.post("/street/target", content=b"a=" + b"x" * 70_000, headers=headers)
        assert answer.status_code == 413
        assert (await bench.client.get("/street")).status_code == 200


async def test_cookies_travel_encrypted_where_the_console_is_reached_by_https(console_with: OpenBench) -> None:
    """As its public address says."""
    async with console_with(public_url="https://console.example.com") as bench:
        answer = await bench.client.get("/street", headers={"host": "console.example.com"})
        assert answer.headers["set-cookie"].endswith("; Secure")


def test_a_hash_is_argon2id() -> None:
    """And short passwords are refused."""
    assert hashed(PASSWORD).startswith("$argon2id$")
    assert is_hash(hashed(PASSWORD))
    with pytest.raises(MeshError, match="10 to 1024"):
        hashed("short")


async def test_nothing_of_the_secrets_is_in_a_page(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the installation's secret nor what the environment holds."""
    monkeypatch.setitem(os.environ, "FAL_KEY", "canary-of-a-key")
    pages: list[Any] = [await bench.page(path) for path in ("/street", "/requests")]
    assert all("canary" not in page and "console....." not in page for page in pages)
