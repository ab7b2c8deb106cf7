"""The API's description as one page for people, rendered here: no script, nothing loaded from elsewhere. Pure."""

import base64
import hashlib
import shlex
from collections.abc import Mapping
from html import escape
from typing import Any

import orjson

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2433;--soft:#5b6478;--paper:#fbfaf7;--card:#fff;--line:#e4e1d8;--sun:#b4540a}
@media(prefers-color-scheme:dark){:root{--ink:#e8e6e0;--soft:#9aa3b5;--paper:#14171f;--card:#1b1f2a;--line:#2d3342;
--sun:#f0a04b}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main,header{max-width:60rem;margin:0 auto;padding:0 1.25rem}header{padding-top:3rem}h1{font-size:2.2rem;margin:0}
h1::before{content:"\\2600";color:var(--sun);margin-right:.5rem}p{margin:.6rem 0}.soft{color:var(--soft)}
nav a{display:inline-block;margin:.2rem .9rem .2rem 0;color:var(--sun);text-decoration:none;font:.85rem ui-monospace,
monospace}nav a:hover{text-decoration:underline}section{background:var(--card);border:1px solid var(--line);
border-radius:.75rem;padding:1rem 1.25rem;margin:1.25rem 0}h2{font:600 1.05rem ui-monospace,monospace;margin:0;
overflow-wrap:anywhere}.method{color:var(--card);background:var(--sun);border-radius:.35rem;padding:.1rem .5rem;
margin-right:.6rem;font-size:.8rem;text-transform:uppercase}pre{background:var(--paper);border:1px solid var(--line);
border-radius:.5rem;padding:.75rem 1rem;overflow:auto;font:.85rem/1.5 ui-monospace,monospace}table{width:100%;
border-collapse:collapse;font-size:.9rem}td{border-top:1px solid var(--line);padding:.35rem .6rem .35rem 0;
vertical-align:top}td:first-child{font-family:ui-monospace,monospace;white-space:nowrap}summary{cursor:pointer;
color:var(--soft)}code{font-family:ui-monospace,monospace}
"""

_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Mapping[str, str] = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def page(described: Mapping[str, Any], base: str) -> bytes:
    """The page for an OpenAPI document. `base` is where this gateway is reached, without a slash at its end."""
    sections = [
        _section(method, path, operation, described, base)
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    ]
    links = "".join(
        f'<a href="#{_anchor(method, path)}">{method.upper()} {escape(path)}</a>'
        for path, operations in described["paths"].items()
        for method in operations
    )
    info = described["info"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body><header>"
        f"<h1>{escape(info['title'])}</h1><p class=soft>Version {escape(info['version'])} · "
        f'<a href="/openapi.json">openapi.json</a></p><p>{_words(info["description"])}</p><nav>{links}</nav></header>'
        f"<main>{''.join(sections)}</main></body></html>"
    ).encode()


def _section(method: str, path: str, operation: Mapping[str, Any], described: Mapping[str, Any], base: str) -> str:
    statuses = ", ".join(status for status in operation["responses"] if status != "default")
    return (
        f'<section id="{_anchor(method, path)}"><h2><span class=method>{method}</span>{escape(path)}</h2>'
        f"<p><strong>{escape(operation['summary'])}.</strong> {_words(operation['description'])} "
        f"<span class=soft>Answers {statuses}.</span></p>"
        f"<pre>{escape(_curl(method, path, operation, base))}</pre>{_fields(operation, described)}</section>"
    )


def _anchor(method: str, path: str) -> str:
    return escape(method + path.replace("/", "-").replace("{", "").replace("}", ""))


def _words(text: str) -> str:
    """Escaped text, with what stands between backquotes as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _curl(method: str, path: str, operation: Mapping[str, Any], base: str) -> str:
    words = [f"curl {base}{path}"]
    if method != "get":
        words.append(f"-X {method.upper()}")
    if operation.get("security") != []:
        words.append('-H "Authorization: Bearer $KEY"')
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        example = content.get("example")
        if example is not None and kind == "application/json":
            words.append("-d " + shlex.quote(orjson.dumps(example).decode()))
        elif example is not None:
            words.extend(f"-F {shlex.quote(f'{name}={value}')}" for name, value in example.items())
    return " \\\n  ".join(words)


def _fields(operation: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    rows: dict[str, str] = {}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        for part in content["schema"].get("allOf", [content["schema"]]):
            for name, field in _resolved(part, described).get("properties", {}).items():
                rows.setdefault(name, _words(field.get("description", "")))
    if not rows:
        return ""
    cells = "".join(f"<tr><td>{escape(name)}</td><td>{words}</td></tr>" for name, words in rows.items())
    return f"<details><summary>{len(rows)} fields</summary><table>{cells}</table></details>"


def _resolved(schema: Mapping[str, Any], described: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = described["components"]["schemas"][name] if name else schema
    return found
