"""The house is a one-way street: who may import whom, and which room owns which library."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("services", "gateway_edge", "router", "adapters")
FILES = sorted(
    path
    for source in SOURCES
    for path in (ROOT / source / "heliostat").rglob("*.py")
    if "__pycache__" not in path.parts
)

# A room may import itself, what stands here, and heliostat.api.
MAY_IMPORT: dict[str, set[str]] = {
    "chassis": set(),
    "painting": {"chassis"},
    "emulators": {"chassis", "painting"},
    "edge": {"chassis"},
    "console": {"chassis"},
    "rehearsal": {"chassis"},
    "demo": {"chassis"},
    "ledger": {"chassis"},
    "router": {"chassis"},
    "launch": {"chassis", "emulators"},
    "conformance": {"chassis"},
    "adapters.sdk": {"chassis"},
    "adapters.studio": {"adapters.sdk", "chassis", "painting"},
    "adapters.mock": {"adapters.sdk", "chassis", "painting"},
}
ADAPTER = {"adapters.sdk", "chassis"}

# Library -> the files or folders (below heliostat/) that may import it.
OWNERS: dict[str, tuple[str, ...]] = {
    "httpx": ("adapters/sdk/", "emulators/", "rehearsal/stage.py", "demo/client.py"),
    "httpx_aiohttp": ("adapters/sdk/",),
    "aiohttp": ("adapters/sdk/",),
    "starlette": ("edge/", "console/", "emulators/"),
    "uvicorn": ("chassis/http_server.py", "edge/protocol.py", "emulators/"),
    "python_multipart": ("edge/", "emulators/"),
    "jinja2": ("console/views.py",),
    "markupsafe": ("console/",),
    "argon2": ("console/passwords.py",),
    "opentelemetry": ("chassis/spans.py",),
    "prometheus_client": ("chassis/telemetry.py",),
    "yaml": ("chassis/settings.py", "chassis/lines.py", "chassis/yaml_text.py", "launch/"),
    "obstore": ("chassis/blobs.py",),
    "alembic": ("chassis/database.py", "ledger/migrations/", "router/migrations/"),
    "psycopg": ("chassis/database.py",),
    "sqlalchemy": (
        *("chassis/database.py", "chassis/writer.py", "chassis/lifeline.py"),
        *("ledger/", "router/schema.py", "router/store.py", "router/migrations/"),
    ),
    "numpy": ("painting/",),
    "cv2": ("painting/",),
    "PIL": ("painting/", "adapters/sdk/", "conformance/", "console/thumbnails.py", "demo/"),
    "uvloop": ("launch/", "emulators/"),
    "cryptography": ("adapters/sdk/webhooks.py", "adapters/gemini/credentials.py", "emulators/"),
}
# Wire rooms: the only files that know generated stubs and servicers.
WIRE = (
    "service.py",
    "admin.py",
    "servicer.py",
    "peers.py",
    "module.py",
    "admin_cli.py",
    "routing_cli.py",
    "arms_cli.py",
    "unknowns_cli.py",
    "keys_cli.py",
    "usage_cli.py",
    "desk.py",
)


def room(path: Path) -> str:
    """The room that a file belongs to."""
    parts = below(path).split("/")
    return ".".join(parts[:2]) if parts[0] == "adapters" else parts[0]


def below(path: Path) -> str:
    """The path of a file inside `heliostat/`."""
    return path.relative_to(next(ROOT / s / "heliostat" for s in SOURCES if path.is_relative_to(ROOT / s))).as_posix()


@cache
def read_imports(path: Path) -> list[tuple[int, str]]:
    """Every import of a file with its line, late and type-only ones included."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative one keeps its dots; nothing of ours begins with one.
            module = "." * node.level + (node.module or "")
            found += ((node.lineno, f"{module}.{name.name}") for name in node.names)
    return found


@cache
def all_imports() -> list[tuple[Path, int, str]]:
    """The imports of every file, with file and line."""
    return [(path, line, name) for path in FILES for line, name in read_imports(path)]


def module_of(name: str) -> str | None:
    """The room behind an imported name of ours; None for the contract and for libraries."""
    parts = name.split(".")
    if parts[0] != "heliostat" or len(parts) < 2 or parts[1] == "api":
        return None
    return ".".join(parts[1:3]) if parts[1] == "adapters" and len(parts) > 2 else parts[1]


def test_there_is_something_to_look_at() -> None:
    """Every source root has files, and they import."""
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(SOURCES)
    assert len(all_imports()) > len(FILES)


def test_imports_are_absolute() -> None:
    """Whole paths only: a file's rooms can be read off it."""
    assert [f"{below(path)}:{line} imports {name}" for path, line, name in all_imports() if name.startswith(".")] == []


def test_rooms_import_down_the_street_only() -> None:
    """No room imports one that stands above or beside it."""
    wrong = []
    for path, line, name in all_imports():
        own, target = room(path), module_of(name)
        allowed = MAY_IMPORT.get(own, ADAPTER if own.startswith("adapters.") else set()) | {own}
        if target is not None and own != "launch" and target not in allowed:
            wrong.append(f"{below(path)}:{line} imports {name}: {own} may import {sorted(allowed)}")
    assert wrong == []


def test_each_library_has_one_owner() -> None:
    """A library is imported where it is owned, so that it can be swapped there."""
    wrong = []
    for path, line, name in all_imports():
        owners = OWNERS.get(name.split(".")[0])
        if owners is not None and not below(path).startswith(owners):
            wrong.append(f"{below(path)}:{line} imports {name}; its owners are {owners}")
    assert wrong == []


def test_stubs_and_servicers_live_in_wire_rooms() -> None:
    """Generated services are known to the rooms at the wire, and to nobody else."""
    wrong = [
        f"{below(path)}:{line} imports {name}; wire rooms are {WIRE}"
        for path, line, name in all_imports()
        if name.startswith("heliostat.api.") and name.endswith("_pb2_grpc") and path.name not in WIRE
    ]
    assert wrong == []


def test_no_circles() -> None:
    """No file of ours leads back to itself, type-only imports included."""
    names = {
        ".".join(
            path.relative_to(next(ROOT / s for s in SOURCES if path.is_relative_to(ROOT / s))).with_suffix("").parts
        ).removesuffix(".__init__"): path
        for path in FILES
    }
    arrows = {
        name: {
            target
            for _, imported in read_imports(path)
            for target in (imported, imported.rpartition(".")[0])
            if target in names and target != name
        }
        for name, path in names.items()
    }
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "a circle: " + " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for target in arrows[name]:
                walk(target, (*trail, name))
            done.add(name)

    for name in arrows:
        walk(name, ())
