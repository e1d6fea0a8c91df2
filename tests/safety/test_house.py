"""What the house promises about this room, read from the source: who imports, who builds."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = (
    "plant_models", "controller", "safety", "fieldbus", "records", "service", "hil", "cli",
)  # fmt: skip
CARD = ("plant_models", "controller", "safety", "hil", "config", "tests")


def _sources(*rooms: str) -> Iterator[tuple[Path, ast.Module]]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.requirement("P7")
def test_safety_imports_the_standard_library_and_itself_only() -> None:
    for path, tree in _sources("safety"):
        for name in _imports(tree):
            top = name.partition(".")[0]
            assert top == "safety" or top in sys.stdlib_module_names, f"{path} imports {name}"


@pytest.mark.requirement("P4")
def test_safety_reads_no_clock_no_file_and_no_chance() -> None:
    outside = {
        "time", "datetime", "random", "secrets", "os", "io", "pathlib", "socket", "logging",
        "asyncio", "threading", "subprocess", "sqlite3", "uuid",
    }  # fmt: skip
    for path, tree in _sources("safety"):
        assert not outside & {name.partition(".")[0] for name in _imports(tree)}, path
        calls = {
            n.func.id
            for n in ast.walk(tree)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        assert not calls & {"open", "print", "input", "eval", "exec", "__import__"}, path


@pytest.mark.requirement("P8")
def test_only_the_gate_builds_a_command() -> None:
    for path, tree in _sources(*ROOMS):
        if path == Path("safety/gate.py"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func
                name = (
                    called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                )
                assert name != "Command", f"{path}:{node.lineno} builds a Command"
            named = getattr(node, "attr", getattr(node, "id", getattr(node, "name", "")))
            assert named != "_MINT", f"{path} reaches for the gate's mint"


@pytest.mark.requirement("P8")
def test_the_gate_builds_it_in_one_place() -> None:
    (tree,) = (tree for path, tree in _sources("safety") if path.name == "gate.py")
    made = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Command"
    ]
    assert len(made) == 1


@pytest.mark.requirement("P8")
def test_only_fieldbus_and_bench_speak_plc_protocols() -> None:
    for path, tree in _sources(*(room for room in ROOMS if room not in ("fieldbus", "hil"))):
        tops = {name.partition(".")[0] for name in _imports(tree)}
        assert not tops & {"asyncua", "pymodbus"}, path


def test_importing_the_gate_loads_nothing_foreign() -> None:
    script = (
        "import sys; before = set(sys.modules); import safety.gate, safety.readback; "
        "print(*{m.partition('.')[0] for m in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    foreign = [m for m in done.stdout.split() if m not in sys.stdlib_module_names and m != "safety"]
    assert foreign == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_no_package_of_the_lock_shadows_a_room_of_ours(lock: str) -> None:
    """PyPI has packages called 'safety' and 'config'; one in the lock would hide ours."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    names = {line.partition("==")[0].strip().lower() for line in lines if "==" in line}
    assert len(names) > 10
    shadows = {room.replace("_", "-") for room in (*ROOMS, "config", "tests")}
    assert not names & (shadows | {room.replace("-", "_") for room in shadows})


def test_the_rooms_of_the_card_are_siblings() -> None:
    for room in CARD:
        assert (ROOT / room).is_dir(), room
    for room in ROOMS:
        assert (ROOT / room / "__init__.py").is_file(), room
    assert not (ROOT / "config" / "__init__.py").exists(), "config is data, not code"


def test_no_module_of_this_room_outgrows_a_readers_patience() -> None:
    for path, tree in _sources("safety"):
        assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 300, path
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{path} {node.name}"
