"""True answers with one lie in them: other addresses, or expired ones, missing pictures, odd base64. Pure.

A picture in an answer is base64 of some length, or an address below the provider's own files.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import orjson

Spoil = Literal[
    "addresses",
    "expired",
    "no_pictures",
    "one_picture",
    "cut_base64",
    "wrapped_base64",
    "url_base64",
    "data_address",
]

EXPIRED = "expired"
"""The query of a picture's address that holds no more."""

SHORTEST = 200
_BASE64 = re.compile(rf"(?:data:[\w/+.-]+;base64,)?[A-Za-z0-9+/]{{{SHORTEST},}}={{0,2}}")
_ADDRESS = re.compile(r"https?://\S+")
_FILES = re.compile(r"https?://[^/]+/[\w-]+/files/\S+")


def spoiled(body: bytes, how: Spoil, address: str = "") -> bytes | None:
    """The JSON body with that one thing wrong; None where it holds nothing of the kind, or is no JSON.

    `address` stands in the place of every address for "addresses".
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    changed = _changed(content, how, address)
    return None if changed == content else orjson.dumps(changed)


def _changed(content: Any, how: Spoil, address: str) -> Any:
    if how == "addresses":
        return _leaves(content, lambda text: f"{address}/x" if _ADDRESS.fullmatch(text) else text)
    if how == "expired":
        return _leaves(content, lambda text: f"{text}?{EXPIRED}" if _FILES.fullmatch(text) else text)
    if how == "no_pictures":
        return _lists(content, 0)
    if how == "one_picture":
        return _lists(content, 1)
    return _leaves(content, lambda text: _WORDS[how](text) if _BASE64.fullmatch(text) else text)


def _leaves(content: Any, change: Callable[[str], str]) -> Any:
    """Every text of the content, changed."""
    if isinstance(content, dict):
        return {name: _leaves(value, change) for name, value in content.items()}
    if isinstance(content, list):
        return [_leaves(value, change) for value in content]
    return change(content) if isinstance(content, str) else content


def _lists(content: Any, kept: int) -> Any:
    """Lists of pictures with so many left; a picture that is in no list is kept, or becomes empty text."""
    if isinstance(content, list) and content and all(map(_holds_picture, content)):
        return content[:kept]
    if isinstance(content, dict):
        return {name: _lists(value, kept) for name, value in content.items()}
    if isinstance(content, list):
        return [_lists(value, kept) for value in content]
    return "" if not kept and _is_picture(content) else content


def _holds_picture(content: Any) -> bool:
    if isinstance(content, dict):
        return any(map(_holds_picture, content.values()))
    if isinstance(content, list):
        return any(map(_holds_picture, content))
    return _is_picture(content)


def _is_picture(content: Any) -> bool:
    return isinstance(content, str) and bool(_BASE64.fullmatch(content) or _FILES.fullmatch(content))


def _split(text: str) -> tuple[str, str]:
    head, comma, data = text.rpartition(",")
    return head + comma, data


def _cut(text: str) -> str:
    """Two thirds of it, still well-formed: only the file lacks its end."""
    head, data = _split(text)
    return head + data[: len(data) * 2 // 3 // 4 * 4]


def _wrapped(text: str) -> str:
    head, data = _split(text)
    return head + "\n".join(data[start : start + 76] for start in range(0, len(data), 76))


def _url_alphabet(text: str) -> str:
    head, data = _split(text)
    return head + data.replace("+", "-").replace("/", "_").rstrip("=")


def _data_address(text: str) -> str:
    head, data = _split(text)
    return (head or "data:image/png;base64,") + data


_WORDS: dict[str, Callable[[str], str]] = {
    "cut_base64": _cut,
    "wrapped_base64": _wrapped,
    "url_base64": _url_alphabet,
    "data_address": _data_address,
}
