"""The search for a tuning, on a made-up plant whose optimum is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from cli.tune import report
from hil.tune import KNOBS, present, tune, turned
from tests.controller.models import SEALED

GAIN = "estimator: gauge.gain"


def plant_of(best: float, *, breaches: bool = False) -> Any:
    """Runs are the better, the nearer gauge.gain is to `best`; other knobs do nothing."""

    def play(scenario: str, seed: int, sealed: Mapping[str, Any]) -> Mapping[str, Any]:
        gain = present("coating", sealed)[GAIN]
        off = abs(math.log(gain / best))
        figures = {
            "sigma_percent": 0.2 + off + 0.01 * seed,
            "off_spec_m": 10.0 * off,
            "travel coater.pump_ratio_sp": 1.0,
            "limit_breaches": int(breaches and gain != present("coating", SEALED)[GAIN]),
        }
        return {"loops": {"coating": figures}}

    return play


def test_the_search_goes_where_it_is_better_and_proves_it_on_other_plants() -> None:
    found = tune("coating", SEALED, ["a", "b"], 3, 40, 1, plant_of(0.25))
    assert found.best.settings[GAIN] == pytest.approx(0.25, rel=0.1)
    assert found.best.price < 0.8
    assert found.evidence["sigma_percent"].verdict == "better"
    assert found.evidence["sigma_percent"].plants == 6
    assert GAIN in found.changes


def test_the_same_seed_proposes_the_same() -> None:
    first, second = (tune("coating", SEALED, ["a"], 2, 8, 5, plant_of(0.3)) for _ in range(2))
    assert first == second


def test_a_tuning_that_breaks_a_limit_is_never_proposed() -> None:
    found = tune("coating", SEALED, ["a"], 2, 10, 1, plant_of(0.3, breaches=True))
    assert found.best.number == 0
    assert found.changes == {}
    assert "Nothing was better" in report(found, ("a",), 2, 1)


def test_turning_changes_nothing_but_the_knobs() -> None:
    before = present("coating", SEALED)
    changed = turned("coating", SEALED, {name: 2.0 * value for name, value in before.items()})
    assert present("coating", changed) == {name: 2.0 * value for name, value in before.items()}
    assert present("coating", SEALED) == before
    assert changed["limits"] == SEALED["limits"]
    assert turned("coating", SEALED, before)["loops"]["mixing"] == SEALED["loops"]["mixing"]


def test_no_knob_is_a_limit_a_rank_or_a_target() -> None:
    for knobs in KNOBS.values():
        assert all(knob.path[0] in ("estimator", "mvs") and knob.factor > 1.0 for knob in knobs)
        assert not any(knob.path[-1] in ("low", "high", "rank", "target") for knob in knobs)


def test_a_proposal_replaces_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "line.yaml"
    kept.write_text("mine", "utf-8")
    assert answer(["tune", "--out", str(kept)]) == 2
    assert "never replaces a file" in capsys.readouterr().err
    assert kept.read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--trials", "0"], "count from 1"),
        (["--scenario", "no-such"], "there is no scenario"),
        (["--loop", "mixing", "--scenario", "pump-slip"], "does not play the mixing loop"),
    ],
)
def test_what_cannot_be_tuned_is_refused(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["tune", *words]) == 2
    assert why in capsys.readouterr().err
