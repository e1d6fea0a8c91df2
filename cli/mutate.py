"""`./rheostat mutate`: change gate, writer and audit chain in small ways, and see a test notice."""

from __future__ import annotations

import importlib.util
import json as words
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.places import ROOT
from cli.refusal import FINDINGS, OK, USAGE, RefusalError
from cli.words import Flag

RESULT = ROOT / "var" / "mutation.json"
_NEEDED = ("mutmut", "pytest", "coverage", "hypothesis")


def mutate(
    *names: str,
    workers: int = 2,
    patience: float = 60.0,
    fresh: Flag = False,
    out: Annotated[Path, Parameter(show_default=False)] = RESULT,
    json: Flag = False,
) -> int:
    """Test the tests: every mutant of gate, writer and audit chain must be killed.

    A mutant is the program with one operator, number, word or argument changed. Kills are kept in
    var/, so an interrupted run goes on where it was. Exit code 1 if a mutant lives that is not
    listed, with its reason, in tests/mutation/equivalent.toml.

    Parameters
    ----------
    names
        safety, writer, audit, or modules such as safety/vote.py; all of them when none is named.
    workers
        Mutants that are hunted at the same time.
    patience
        Seconds of tests spent on one mutant at most, the fastest tests first.
    fresh
        Begin anew and forget earlier kills.
    out
        File for the result as JSON. Default: var/mutation.json.
    json
        Print the result as JSON.
    """
    if workers < 1 or not patience > 0.0:
        raise RefusalError(
            "--workers counts from 1 and --patience is above zero",
            "no mutant would be hunted",
            "./rheostat mutate --help",
            USAGE,
        )
    if not all(importlib.util.find_spec(name) for name in _NEEDED):
        raise RefusalError(
            "the developers' tools are not installed here",
            "mutants are made by mutmut and hunted by pytest",
            "run ./rheostat test once, which installs them",
        )
    command = [sys.executable, "-m", "tests.mutation", *names, "--out", str(out.resolve())]
    command += ["--workers", str(workers), "--patience", str(patience)]
    command += ["--fresh"] if fresh else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    quiet = subprocess.DEVNULL if json else None
    code = subprocess.run(command, cwd=ROOT, env=environment, stdout=quiet, check=False).returncode
    if code not in (OK, FINDINGS):
        raise RefusalError(
            "the hunt could not be carried out (see above)",
            "without it nobody knows what the tests would miss",
            "put right what is named above, then run the same command again",
            USAGE if code == USAGE else 3,
        )
    if json:
        print(words.dumps(words.loads(out.read_text("utf-8")), indent=2))
    return code
