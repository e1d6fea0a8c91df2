"""The gate on branches: what no test takes is named with file and line, and turns the run red."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.branches import MODULES, NO_JUDGES, Branches, judges
from tests.mutation.scope import ROOT

TINY = """\
def sign(number):
    if number < 0:
        return "below"
    for _ in range(number):
        pass
    return "not below"


if __name__ == "__main__":
    raise SystemExit
"""


def run_of(folder: Path, numbers: tuple[int, ...]) -> tuple[int, list[str]]:
    """What a run ends with, and what it says, when its tests call `sign` with these numbers."""
    (folder / "tiny.py").write_text(TINY, "utf-8")
    (folder / "notes").mkdir()
    plugin = Branches(folder / "notes", first=True, modules=("tiny.py", "other.py"), root=folder)
    sign = runpy.run_path(str(folder / "tiny.py"))["sign"]
    for number in numbers:
        sign(number)
    session: Any = SimpleNamespace(exitstatus=pytest.ExitCode.OK)
    plugin.pytest_sessionfinish(session)
    said: list[str] = []
    terminal: Any = SimpleNamespace(
        section=lambda _: None, write_line=lambda line, **_: said.append(line)
    )
    plugin.pytest_terminal_summary(terminal)
    return session.exitstatus, said


def test_a_branch_that_no_test_takes_turns_the_run_red_and_is_named(tmp_path: Path) -> None:
    code, said = run_of(tmp_path, (1,))
    assert code == 1
    assert said == [
        "tiny.py:3: never run",
        "tiny.py:2: never goes on to line 3",
        "other.py:1: no test imports it",
        "2 modules: 3 NOT TAKEN",
    ]


def test_all_of_a_module_taken_leaves_nothing_to_say_about_it(tmp_path: Path) -> None:
    _, said = run_of(tmp_path, (1, -1))
    assert said == ["other.py:1: no test imports it", "2 modules: 1 NOT TAKEN"]


def test_every_module_is_there_and_only_its_own_tests_judge() -> None:
    assert all((ROOT / path).is_file() for path in MODULES)
    assert judges(ROOT / "tests/safety/test_gate.py")
    assert not judges(ROOT / "tests/hil/test_judge.py")
    assert all(Path(path).is_file() and not judges(Path(path)) for path in NO_JUDGES)
