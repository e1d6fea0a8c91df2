from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cli.app import VERBS, app
from tests.cli.ask import ROOT

SNAPSHOTS = Path(__file__).parent / "help"
HEAVY = (
    "numpy", "casadi", "do_mpc", "scipy", "matplotlib", "pandas", "pydantic", "asyncua",
    "pymodbus", "pint", "ruamel", "fastapi", "uvicorn", "apsw", "apscheduler", "asyncio",
)  # fmt: skip

_ASK = """
import sys
from cli.app import answer
code = answer({words!r})
loaded = sorted({{name.partition(".")[0] for name in sys.modules}} & set({heavy!r}))
sys.stderr.write("LOADED " + " ".join(loaded))
sys.exit(code)
"""


def help_of(verb: str) -> str:
    words = [verb, "--help"] if verb else ["--help"]
    page = StringIO()
    console = Console(file=page, width=80, force_terminal=False, color_system=None)
    app(words, console=console, exit_on_error=False, result_action="return_value")
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_says_what_was_agreed(verb: str) -> None:
    """To agree to a change: RHEOSTAT_WRITE_SNAPSHOTS=1 ./rheostat test tests/cli."""
    snapshot = SNAPSHOTS / f"{verb or 'rheostat'}.txt"
    said = help_of(verb)
    if os.environ.get("RHEOSTAT_WRITE_SNAPSHOTS"):
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(said, "utf-8")
    assert said == snapshot.read_text("utf-8")


def test_there_is_one_snapshot_for_each_verb() -> None:
    assert {path.stem for path in SNAPSHOTS.iterdir()} == {"rheostat", *VERBS}


@pytest.mark.parametrize("words", [["--help"], ["simulate", "--help"], ["demo", "--sed", "3"]])
def test_help_and_typing_errors_load_nothing_heavy(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ASK.format(words=words, heavy=HEAVY)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == (2 if "--sed" in words else 0)
    assert done.stderr.rpartition("LOADED ")[2].strip() == ""


def test_every_verb_is_listed_and_nothing_else() -> None:
    listed = {str(name) for name in app if not str(name).startswith("-")}
    assert listed == set(VERBS)


def test_no_help_page_names_this_machine() -> None:
    for path in SNAPSHOTS.iterdir():
        assert str(ROOT) not in path.read_text("utf-8")
