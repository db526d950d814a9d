"""Imports point inward, and each library is used in its own place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "app").rglob("*.py"))

LEAVES = {"caller", "clock", "cron", "crypto", "errors", "paths", "redact", "secret", "timer", "version"}
"""Modules of app that anyone may import, and that import nothing but one another."""

MAY_IMPORT = {
    **dict.fromkeys(LEAVES, LEAVES),
    "criteria": LEAVES | {"engine"},
    "logs": LEAVES,
    "options": LEAVES,
    "config": LEAVES | {"options"},
    "argument": LEAVES | {"config", "options"},
    "bpmn": LEAVES | {"expr"},
    "expr": {"errors", "timer"},
    "engine": LEAVES | {"bpmn", "expr"},
    "store": LEAVES | {"bpmn", "engine", "criteria", "config"},
    "commands": LEAVES | {"bpmn", "engine", "criteria", "config", "store"},
    "keys": LEAVES | {"commands", "store"},
    "leases": LEAVES | {"chores", "engine"},
    "chores": LEAVES,
    "memory": LEAVES | {"commands", "store"},
    "remembering": LEAVES | {"criteria", "engine", "commands", "memory", "service"},
    "finding": LEAVES | {"engine", "criteria", "store"},
    "nodes": LEAVES | {"config", "store"},
    "news": LEAVES | {"engine"},
    "waiting": LEAVES | {"news"},
    "waker": LEAVES | {"engine", "news", "nodes", "store", "waiting"},
    "metrics": LEAVES,
    "metrics_folder": LEAVES | {"config", "metrics"},
    "health": LEAVES | {"config", "store"},
    "examine": LEAVES | {"health", "service", "store"},
    "check": LEAVES | {"api", "config", "examine", "health", "service", "store"},
    "gauges": LEAVES | {"store", "metrics"},
    "notices": LEAVES | {"engine", "commands"},
    "sharing": LEAVES | {"commands", "engine", "memory", "metrics", "store"},
    "tasks": LEAVES | {"commands", "config", "engine", "leases", "memory", "metrics", "sharing"},
    "service": LEAVES
    | {"bpmn", "engine", "criteria", "config", "store", "commands", "chores", "finding", "keys", "leases", "logs"}
    | {"memory", "metrics", "news", "nodes", "notices", "sharing", "tasks", "waiting", "waker"},
    "executor": LEAVES | {"chores", "engine", "config", "commands", "service", "logs"},
    "api": LEAVES
    | {"bpmn", "engine", "criteria", "config", "commands", "gauges", "metrics", "news", "logs"}
    | {"examine", "health", "memory", "remembering", "service", "waiting"},
    "": LEAVES | {"config", "store", "service", "api", "logs"},
    "http_worker": LEAVES | {"config", "logs", "waiting"},
    "serve": LEAVES
    | {"", "config", "logs", "store", "service", "executor", "http_worker", "nodes"}
    | {"metrics", "metrics_folder"},
    "wsgi": {"config", "logs", "serve"},
    "demo": LEAVES | {"", "config", "logs", "store", "service", "executor", "serve", "commands", "engine", "options"},
    "testing": LEAVES | {"", "api", "config", "service", "store"},
    "cli": LEAVES | {"", "argument", "config", "criteria", "logs", "store", "service", "serve", "demo"} | {"check"},
}
"""What a part of app may import besides itself; the empty name is create_app."""

PURE = {"bpmn", "engine", "expr"}
OUTSIDE = {
    "asyncio", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil", "socket",
    "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
"""Modules of the standard library that reach out of a computation."""

LOCKS = {"grammar.py"}
"""Files of the core that may have locks: a grammar is built by one thread."""

ONLY_IN = {
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "flask": {"api", ""},
    "flask_smorest": {"api", ""},
    "marshmallow": {"api"},
    "webargs": {"api"},
    "apispec": {"api"},
    "werkzeug": {"api", ""},
    "swagger_ui_bundle": {"api"},
    "gunicorn": {"serve", "http_worker"},
    "defusedxml": {"bpmn"},
    "xml": {"bpmn"},
    "croniter": {"cron"},
    "isodate": {"timer"},
    "lark": {"expr"},
    "cryptography": {"crypto"},
    "prometheus_client": {"metrics"},
}


def part_of(path: Path) -> str:
    """The part of app that a file belongs to."""
    first = path.relative_to(ROOT / "app").parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(tree: ast.AST) -> Iterator[str]:
    """The dotted names of all imported modules, `from a import b` being both `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_parts(tree: ast.AST) -> set[str]:
    """The parts of app that are imported."""
    parts = {path.stem for path in (ROOT / "app").glob("*.py")} | {
        path.name for path in (ROOT / "app").iterdir() if path.is_dir()
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[2].partition(".")[0] for alias in node.names if is_ours(alias.name)}
        elif isinstance(node, ast.ImportFrom) and node.module == "app":
            found |= {alias.name if alias.name in parts else "" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and is_ours(node.module):
            found.add(node.module.split(".")[1])
    return found


def is_ours(name: str) -> bool:
    return name.partition(".")[0] == "app"


def without_type_checking(tree: ast.AST) -> ast.AST:
    """`tree` as it is at run time, without what is imported for annotations."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    return tree


def parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


each_file = pytest.mark.parametrize("path", FILES, ids=name_of)


@each_file
def test_imports_point_inward(path: Path):
    part = part_of(path)
    assert part in MAY_IMPORT, f"app/{part} has no line in MAY_IMPORT"
    refused = imported_parts(parsed(path)) - MAY_IMPORT[part] - {part}
    assert not refused, f"{part or 'create_app'} must not import {', '.join(sorted(refused))}"


@each_file
def test_a_library_is_used_in_its_own_place(path: Path):
    used = {name.partition(".")[0] for name in imports(without_type_checking(parsed(path)))}
    refused = {name for name in used if part_of(path) not in ONLY_IN.get(name, {part_of(path)})}
    assert not refused, f"{part_of(path) or 'create_app'} must not import {', '.join(sorted(refused))}"


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path) in PURE], ids=name_of)
def test_the_core_does_no_input_and_output(path: Path):
    tree = parsed(path)
    outside = OUTSIDE - {"threading"} if path.name in LOCKS else OUTSIDE
    assert not {name.partition(".")[0] for name in imports(tree)} & outside
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not calls & {"open", "print", "input", "datetime.now", "datetime.utcnow", "date.today"}


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path) == "expr"], ids=name_of)
def test_the_evaluation_of_expressions_stays_in_small_pieces(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 40, node.name


@each_file
def test_the_environment_is_read_by_the_configuration_only(path: Path):
    reads = {
        ast.unparse(node)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.environb", "os.getenv")
    }
    taken = {name for name in imports(parsed(path)) if name in ("os.environ", "os.environb", "os.getenv")}
    assert not reads | taken or part_of(path) == "config"


TOOLS = sorted((ROOT / "py_bpmn").rglob("*.py"))
LOADS_THE_SERVICE = {"testing/engine.py"}
SPEAKS_HTTP = {"client.py", "testing/engine.py"}
IS_A_PLUGIN = {"testing/covering.py", "testing/plugin.py"}
"""Files of py_bpmn that may do what no other one does."""


@pytest.mark.parametrize("path", TOOLS, ids=name_of)
def test_the_tools_speak_to_the_service_by_http_only(path: Path):
    own = str(path.relative_to(ROOT / "py_bpmn"))
    used = {name.partition(".")[0] for name in imports(parsed(path))}
    assert "app" not in used or own in LOADS_THE_SERVICE
    assert "httpx2" not in used or own in SPEAKS_HTTP
    assert "pytest" not in used or own in IS_A_PLUGIN


def test_every_rule_is_about_something_that_exists():
    parts = {part_of(path) for path in FILES}
    assert set(MAY_IMPORT) <= parts, f"no such part: {set(MAY_IMPORT) - parts}"


def test_the_migrations_are_no_package_that_would_hide_the_library():
    assert not (ROOT / "alembic" / "__init__.py").exists()


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("import app", {""}),
        ("import app.store.tables", {"store"}),
        ("from app import create_app", {""}),
        ("from app import errors, create_app", {"errors", ""}),
        ("from app.store import migrate", {"store"}),
        ("def f():\n    from app.store.tables import JobRow", {"store"}),
        ("import os", set()),
        ("import apple", set()),
    ],
)
def test_imported_parts_are_found(source: str, parts: set[str]):
    assert imported_parts(ast.parse(source)) == parts
