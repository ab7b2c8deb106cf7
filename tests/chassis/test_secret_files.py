"""Secrets in files: taken up while the process runs, and kept where the new file is no good."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from heliostat.chassis.clock import FakeClock
from heliostat.chassis.secret_files import MAX_BYTES, REST_S, SecretFile
from heliostat.chassis.settings import Secret


def renamed(path: Path, data: bytes) -> None:
    """Another file in its place, as careful tools write one."""
    fresh = path.with_name("fresh")
    fresh.write_bytes(data)
    fresh.replace(path)


def mounted(folder: Path, version: str, secret: str) -> Path:
    """A Secret as Kubernetes mounts it: key -> ..data/key, and ..data -> a folder that is swapped by a rename."""
    own = folder / f"..{version}"
    own.mkdir()
    (own / "key").write_text(secret)
    link = folder / "..data_tmp"
    link.symlink_to(own.name)
    old = (folder / "..data").resolve() if (folder / "..data").exists() else None
    link.replace(folder / "..data")
    if old is not None:
        (old / "key").unlink()
        old.rmdir()
    key = folder / "key"
    if not key.is_symlink():
        key.symlink_to("..data/key")
    return key


def test_a_file_in_its_place_is_taken_at_the_next_use(tmp_path: Path) -> None:
    """Nobody waits for anything: the clock stands."""
    path = tmp_path / "key"
    path.write_text("one\n")
    secret = Secret(f"file:{path}")
    assert secret.reveal() == "one"
    renamed(path, b"two\n")
    assert secret.reveal() == "two"


def test_a_mounted_secret_of_kubernetes_is_taken_at_the_next_use(tmp_path: Path) -> None:
    """The path that is configured stays the same link all the time."""
    path = mounted(tmp_path, "2026_11_22", "one")
    secret = Secret(f"file:{path}")
    assert secret.reveal() == "one"
    mounted(tmp_path, "2026_11_23", "two")
    assert secret.reveal() == "two"


def test_a_file_that_is_written_in_place_is_taken_once_it_rests(tmp_path: Path) -> None:
    """Half a key, seen between two writes, is never used."""
    path, clock = tmp_path / "key", FakeClock()
    path.write_text("one")
    file = SecretFile(str(path), clock)
    assert file.read() == "one"
    path.write_text("tw")
    assert file.read() == "one"
    clock.advance(0.9 * REST_S)
    path.write_text("two-two")
    clock.advance(0.2 * REST_S)
    assert file.read() == "one"
    clock.advance(REST_S)
    assert file.read() == "two-two"


def gone(path: Path) -> None:
    """No file at all."""
    path.unlink()


def folder(path: Path) -> None:
    """A folder of its name."""
    path.unlink()
    path.mkdir()


BAD: dict[str, Callable[[Path], None]] = {
    "empty": lambda path: renamed(path, b""),
    "white": lambda path: renamed(path, b" \n\n"),
    "no text": lambda path: renamed(path, b"\xff\xfe\x00"),
    "lines": lambda path: renamed(path, b"<html>\n<body>not found"),
    "large": lambda path: renamed(path, b"x" * (MAX_BYTES + 1)),
    "gone": gone,
    "folder": folder,
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD.keys())
def test_what_is_no_good_keeps_the_old_secret_and_is_told_once(
    tmp_path: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the file and what is wrong, and nothing of what is in it; a good one is taken up afterwards."""
    path = tmp_path / "key"
    path.write_text("sk-old-secret")
    file = SecretFile(str(path))
    assert file.read() == "sk-old-secret"
    with caplog.at_level(logging.INFO, "heliostat.chassis"):
        spoil(path)
        assert [file.read() for _ in range(3)] == ["sk-old-secret"] * 3
        told = [(record.levelno, record.getMessage()) for record in caplog.records]
        assert [level for level, _ in told] == [logging.WARNING]
        if path.is_dir():
            path.rmdir()
        renamed(path, b"sk-new-secret")
        assert file.read() == "sk-new-secret"
    everything = json.dumps([[record.getMessage(), str(vars(record))] for record in caplog.records])
    assert len(caplog.records) == 2
    assert str(path) in everything
    assert not any(word in everything for word in ("sk-old", "sk-new", "html"))


def test_what_never_was_good_is_no_secret(tmp_path: Path) -> None:
    """Whoever needs it is told that there is none; it is found as soon as it is there."""
    path = tmp_path / "key"
    secret = Secret(f"file:{path}")
    assert not secret.present()
    renamed(path, b"")
    assert not secret.present()
    renamed(path, b"one")
    assert secret.present()


@pytest.mark.parametrize("text", ['{"client_email": "x",\n "private_key": "y"}', "-----BEGIN KEY-----\nAAAA\n"])
def test_key_files_may_have_lines(tmp_path: Path, text: str) -> None:
    """A token may be replaced by a service account's file."""
    path = tmp_path / "key"
    path.write_text("ya29.token")
    file = SecretFile(str(path))
    file.read()
    renamed(path, text.encode())
    assert file.read() == text.strip()


def test_a_use_without_a_change_reads_nothing(tmp_path: Path) -> None:
    """Only the stamp is looked at: what cannot be opened any more is not missed."""
    path = tmp_path / "key"
    path.write_text("one")
    file = SecretFile(str(path))
    file.read()
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.read() == "one"
