"""`./rheostat test`: what continuous integration runs, in one command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.places import ROOT
from cli.refusal import FINDINGS, INTERRUPTED, OK, RefusalError, say
from cli.words import Flag

_PYTEST_INTERRUPTED = 2
RESULTS = ROOT / "var" / "test-results.xml"
"""Where a whole run writes its results down, for the trace matrix."""


def test(
    *arguments: Annotated[str, Parameter(allow_leading_hyphen=True)],
    quick: Flag = False,
) -> int:
    """Run ruff, mypy, the layer rules and all tests; ends with pytest's own summary.

    The whole run also fails when a branch of the gate, the writer or the audit chain is not taken.

    Parameters
    ----------
    arguments
        Passed on to pytest, for instance a folder, or -k and a word. With arguments only pytest
        runs.
    quick
        Leave out mypy and the tests marked slow.
    """
    bin_ = Path(sys.executable).parent
    if not (bin_ / "pytest").exists():
        raise RefusalError(
            "the developers' tools are not installed here",
            "the tests need pytest, mypy, ruff and import-linter",
            "run it as ./rheostat test, which installs them once",
        )
    steps = [] if arguments else _checks(bin_, quick=quick)
    failed = [what for what, command in steps if not _ran_well(what, command)]
    pytest = [sys.executable, "-m", "pytest", *_parallel(arguments), *arguments]
    if quick:
        pytest += ["-m", "not slow"]
    elif not arguments:
        pytest += [f"--junitxml={RESULTS}", "-p", "tests.branches"]
    if failed:
        say(f"--- not in order: {', '.join(failed)} (see above); running the tests all the same")
    code = _call("pytest", pytest)
    if code == _PYTEST_INTERRUPTED:
        return INTERRUPTED
    return FINDINGS if failed or code else OK


def _checks(bin_: Path, *, quick: bool) -> list[tuple[str, list[str]]]:
    steps = [
        ("ruff check", [str(bin_ / "ruff"), "check", "."]),
        ("ruff format", [str(bin_ / "ruff"), "format", "--check", "."]),
        ("layers", [str(bin_ / "lint-imports")]),
    ]
    return steps if quick else [*steps, ("mypy", [str(bin_ / "mypy")])]


def _parallel(arguments: tuple[str, ...]) -> list[str]:
    """Return pytest-xdist's options: two workers for the whole suite, none for a part of it.

    Files go out in the order of `tests/conftest.py`: those with slow tests first.
    """
    return [] if arguments else ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]


def _ran_well(what: str, command: list[str]) -> bool:
    return _call(what, command) == OK


def _call(what: str, command: list[str]) -> int:
    shown = " ".join([Path(command[0]).name, *command[1:]])
    say(f"--- {what}: {shown}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # The tests start some hundreds of interpreters; each would compile the house anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
