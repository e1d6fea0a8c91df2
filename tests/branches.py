"""Every branch of the gate, the writer and the audit chain is taken by a test, or the run fails.

`./rheostat test` loads this as a pytest plugin (`-p tests.branches`). Each of pytest's processes
measures while it runs the tests that judge these modules (`tests/mutation/scope.py`) without those
that try at random for long, and leaves its notes in var/branches. At the end the first process puts
the notes together, names every line and branch that nobody took, and turns the run red.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.mutation.scope import AREAS, ROOT

NOTES = ROOT / "var" / "branches"
MODULES = tuple(path for area in AREAS.values() for path in area.modules)
JUDGES = tuple(str(ROOT / path) for area in AREAS.values() for path in area.tests)
NO_JUDGES = tuple(
    str(ROOT / path)
    for path in (
        "tests/safety/test_attack.py",  # long random worlds: what only chance takes is not judged
        "tests/safety/test_gate_properties.py",
        "tests/records/test_stand_alone_verifier.py",  # runs another program
    )
)


def judges(test_file: Path) -> bool:
    """Say whether what this test file takes counts."""
    return str(test_file).startswith(JUDGES) and str(test_file) not in NO_JUDGES


def a_watch(notes: Path, modules: tuple[str, ...], root: Path) -> coverage.Coverage:
    """Return coverage.py's watch on branches of `modules`, and of nothing else."""
    watch = coverage.Coverage(
        data_file=notes / "note", data_suffix=str(os.getpid()), branch=True, config_file=False,
        include=[str(root / path) for path in modules],
    )  # fmt: skip
    watch.exclude("if __name__ == .__main__.:")
    return watch


class Branches:
    """The plugin: the watch is on from the first import, and then for the judges only."""

    def __init__(
        self, notes: Path, *, first: bool, alone: bool = True,
        modules: tuple[str, ...] = MODULES, root: Path = ROOT,
    ) -> None:  # fmt: skip
        self._place = (notes, modules, root)
        self._first = first
        self._measures = alone or not first  # the head of several processes runs no test itself
        self._on = self._measures
        self._missing: list[str] = []
        self._watch = a_watch(notes, modules, root)
        if self._measures:
            self._watch.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Switch the watch where judges begin or end."""
        wanted = judges(item.path)
        if wanted != self._on:
            (self._watch.start if wanted else self._watch.stop)()
            self._on = wanted

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Leave the note of this process; the first one waits for all and judges them."""
        if self._measures:
            self._watch.stop()
            self._watch.save()
        if self._first:
            self._missing = untaken(*self._place)
            if self._missing and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name what was not taken."""
        say = terminalreporter.write_line
        terminalreporter.section("branches of the gate, the writer and the audit chain")
        for line in self._missing:
            say(line, red=True)
        verdict = f"{len(self._missing)} NOT TAKEN" if self._missing else "all taken"
        say(f"{len(self._place[1])} modules: {verdict}", red=bool(self._missing))


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin before any conftest is loaded, because it may import what is judged."""
    first = "PYTEST_XDIST_WORKER" not in os.environ
    if first:  # it clears the folder, the others add to it
        shutil.rmtree(NOTES, ignore_errors=True)
        NOTES.mkdir(parents=True)
    alone = not getattr(early_config.known_args_namespace, "numprocesses", None)
    early_config.pluginmanager.register(Branches(NOTES, first=first, alone=alone))


def untaken(notes: Path, modules: tuple[str, ...], root: Path) -> list[str]:
    """Return what no test took, each as file:line and what is missing there."""
    watch = a_watch(notes, modules, root)
    watch.combine([str(one) for one in notes.glob("note.*")], keep=True)
    report = notes / "report.json"
    watch.json_report(outfile=str(report))
    files = json.loads(report.read_text("utf-8"))["files"]
    measured = {(root / path).resolve(): found for path, found in files.items()}
    return [line for path in modules for line in _missing(path, measured.get(root / path))]


def _missing(path: str, found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return [f"{path}:1: no test imports it"]
    lines = found["missing_lines"]
    arcs = [(line, to) for line, to in found["missing_branches"] if line not in lines]
    return [f"{path}:{line}: never run" for line in lines] + [
        f"{path}:{line}: never goes on to " + (f"line {to}" if to > 0 else "the end")
        for line, to in arcs
    ]
