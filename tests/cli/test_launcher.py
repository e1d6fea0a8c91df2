"""The launcher in plain sh: which of the two locks a verb needs, without installing anything."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.places import ROOT

LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}


@pytest.mark.parametrize(
    ("have", "words", "builds"),
    [
        ("run", "demo --headless", False),
        ("run", "evidence verify pack", False),
        ("run", "", False),
        ("run", "evidence", True),
        ("run", "evidence --quick", True),
        ("run", "test", True),
        ("run", "mutate audit", True),
        ("dev", "evidence", False),
        ("dev", "demo", False),
        ("old", "demo", True),
    ],
)
def test_a_verb_that_runs_tests_has_the_developers_tools(
    tmp_path: Path, have: str, words: str, builds: bool
) -> None:
    """In the place of .venv stands a python that says what it is asked for."""
    for name in ("rheostat", *LOCKS.values()):
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n', "ascii")
    python.chmod(0o755)
    lock = tmp_path / LOCKS.get(have, "requirements.lock")
    digest = hashlib.sha256(lock.read_bytes()).hexdigest() if have in LOCKS else "0" * 64
    (tmp_path / ".venv" / ".lock").write_text(f"{have} {digest}\n", "ascii")
    nobody = {**os.environ, "PATH": "/usr/bin:/bin", "RHEOSTAT_PYTHON": "no-such-python"}
    ran = subprocess.run(
        ["sh", str(tmp_path / "rheostat"), *words.split()],
        env=nobody, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    asked_to_build = "setting up .venv" in ran.stderr or "needs Python 3.11" in ran.stderr
    assert asked_to_build is builds, ran.stderr
    if not builds:
        assert ran.stdout.split() == ["-m", "cli", *words.split()]
