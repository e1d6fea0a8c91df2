"""The campaign's Python: whichever is quicker, the stories are the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hil import gate_interpreter
from hil.gate_campaign import fuzz
from hil.gate_fuzz import tell

ROOT = Path(__file__).parents[2]


def test_the_one_that_runs_this_is_a_candidate_and_a_candidate_is_chosen() -> None:
    found = gate_interpreter.candidates()
    assert found[0] == sys.executable
    assert gate_interpreter.fastest() in found


def test_one_that_cannot_play_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_interpreter, "_ELSEWHERE", ("/bin/false",))
    assert gate_interpreter.candidates() == (sys.executable, "/bin/false")
    assert gate_interpreter.fastest() == sys.executable


@pytest.mark.parametrize("python", gate_interpreter.candidates())
def test_every_candidate_tells_the_same_story_without_any_package(python: str) -> None:
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); from hil.gate_fuzz import tell\n"
        "print(json.dumps(tell(5, 3, 300).to_json()))"
    )
    told = subprocess.run(
        [python, "-I", "-S", "-c", code, str(ROOT)], capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout) == tell(5, 3, 300).to_json()


def test_workers_run_under_the_python_they_are_given() -> None:
    python = gate_interpreter.candidates()[-1]
    campaign = fuzz(20_000, 9, 2, gate="raises", python=python)
    assert campaign.python == python
    assert campaign.segments == 2
    assert len(campaign.escapes) == 2
