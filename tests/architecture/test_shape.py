"""The shape of the source: what keeps it readable, held by figures."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

# Each module is read once for all of them.
pytestmark = pytest.mark.xdist_group("shape")

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "kubernaut"
MODULES = sorted(SOURCE.rglob("*.py"))
VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "base", "core", "manager", "service", "processor"}
VAGUE |= {"handler", "handlers", "data", "info"}


@cache
def nodes(path: Path) -> list[ast.AST]:
    """All that is written in the module; its first is the module."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def test_no_file_is_longer_than_600_lines() -> None:
    long = {name(path): lines for path in MODULES if (lines := len(path.read_text().splitlines())) > 600}
    assert long == {}


def test_no_function_is_longer_than_80_lines_and_few_are_longer_than_50() -> None:
    lengths = {f"{name(path)}:{node.name}": length(node) for path in MODULES for node in functions(path)}
    assert {place: lines for place, lines in lengths.items() if lines > 80} == {}
    assert sum(lines > 50 for lines in lengths.values()) <= 0.01 * len(lengths)


def test_no_module_and_no_class_has_a_name_that_says_nothing() -> None:
    vague = [name(path) for path in MODULES if path.stem in VAGUE]
    endings = tuple(word.capitalize() for word in VAGUE)
    for path in MODULES:
        vague += [
            f"{name(path)}:{node.name}"
            for node in nodes(path)
            if isinstance(node, ast.ClassDef) and node.name != "Service" and node.name.endswith(endings)
        ]
    assert vague == []


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        name(path)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }
    assert readers <= {"settings/environment.py"}


def test_everything_is_caught_only_in_the_engine_at_the_http_edge_and_in_the_command_line() -> None:
    allowed = {"engine", "entrypoints/http", "entrypoints/cli/main.py", "sandbox/rest/app.py"}
    catchers = {
        name(path)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name) and node.type.id == "Exception"
    }
    assert {path for path in catchers if not path.startswith(tuple(allowed))} == set()


def test_every_function_has_its_types() -> None:
    untyped = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in MODULES
        for node in functions(path)
        if node.returns is None and not (path.name == "main.py" and "cli" in path.parts)
    ]
    assert untyped == []


def test_the_import_contracts_are_kept() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    if not tool.exists():
        pytest.skip("lint-imports is not installed")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_module_is_part_of_an_import_cycle() -> None:
    imports = {module_of(path): imported(path) for path in MODULES}
    assert cycle(imports) == []


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def known() -> frozenset[str]:
    """All modules of ours."""
    return frozenset(module_of(path) for path in MODULES)


def imported(path: Path) -> set[str]:
    """The modules of ours that are imported when this one is, those for type checkers left out."""
    found = set()
    for node in ast.iter_child_nodes(nodes(path)[0]):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kubernaut"):
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            # `from package import module` needs the module; the package only for a name of its own.
            found |= named if named <= known() else {node.module} | named
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return (found & known()) - {module_of(path)}


def cycle(imports: dict[str, set[str]]) -> list[str]:
    """Some cycle, as the modules on it; empty where there is none. A package is no part of its own modules' cycles."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return way[way.index(module) :]
        if module in done:
            return []
        for further in sorted(imports.get(module, ())):
            found = walk(further, [*way, module])
            if found:
                return found
        done.add(module)
        return []

    for module in sorted(imports):
        found = walk(module, [])
        if found:
            return found
    return []
