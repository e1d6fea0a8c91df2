"""The scorecard: figures by hand, ratios to the PI, and a worse one that is named."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from hil.scenario import FOLDER
from hil.score import compared, leaderboard, rows_of

SHORT = {"duration_min": 9, "settle_min": 4, "loops": "[coating]"}


def run(kind: str, seed: int, sigma: float, back: list[float | None]) -> dict[str, Any]:
    figures = {"sigma_percent": sigma, "off_spec_m": 10.0 * sigma, "travel a": 1.0, "travel b": 3.0,
               "recovery_s": back, "constraint_min": 0.0}  # fmt: skip
    return {"scenario": "s", "seed": seed, "kind": kind, "loops": {"coating": figures},
            "plans": {"coating": {"solve_ms_p50": 80.0}}}  # fmt: skip


def card(*runs: dict[str, Any]) -> dict[str, Any]:
    rows = rows_of(runs, {"coating": 8.0})
    return {"format": "f", "scenarios": "x", "seeds": 2, "rows": rows}


def test_figures_are_the_means_over_the_plants() -> None:
    (row,) = card(run("mpc", 1, 1.0, [100.0]), run("mpc", 2, 3.0, [300.0]))["rows"]
    assert row["plants"] == 2
    assert row["sigma"] == 2.0
    assert row["off_spec"] == 20.0
    assert row["travel"] == 2.0
    assert row["recovery"] == 200.0
    assert row["compute"] == pytest.approx(0.01)


def test_a_plant_that_never_recovered_has_no_recovery_time() -> None:
    (row,) = card(run("mpc", 1, 1.0, [100.0, None]), run("mpc", 2, 1.0, [100.0, 100.0]))["rows"]
    assert row["recovery"] is None


def test_the_leaderboard_is_ours_over_the_pi() -> None:
    board = leaderboard(card(run("mpc", 1, 1.0, [50.0]), run("pi", 1, 2.0, [200.0])))
    ratios = {row["figure"]: row["ours_over_pi"] for row in board}
    assert ratios["sigma"] == pytest.approx(0.5)
    assert ratios["recovery"] == pytest.approx(0.25)
    assert "constraint" not in ratios, "nothing over nothing is no ratio"
    assert "compute" not in ratios


def test_what_got_worse_comes_first_and_other_plants_do_not_compare() -> None:
    old = card(run("mpc", 1, 1.0, [100.0]), run("pi", 1, 1.0, [100.0]))
    new = card(run("mpc", 1, 1.5, [None]), run("pi", 1, 9.0, [900.0]))
    found = compared(new, old)
    assert {(row["figure"], row["verdict"]) for row in found} == {
        ("sigma", "worse"), ("off_spec", "worse"), ("recovery", "worse")
    }  # fmt: skip
    assert {row["verdict"] for row in compared(old, new)} == {"better"}
    with pytest.raises(ValueError, match="seeds"):
        compared({**new, "seeds": 3}, old)


def test_the_command_plays_both_and_names_what_got_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (FOLDER / "nominal.yaml").read_text("utf-8").splitlines()
    kept = [line for line in text if line.partition(":")[0] not in SHORT]
    short = tmp_path / "short.yaml"
    short.write_text("\n".join([*kept, *(f"{k}: {v}" for k, v in SHORT.items())]), "utf-8")
    first = tmp_path / "first.json"
    words = ["hil", "score", str(short), "--workers", "1"]
    assert answer([*words, "--out", str(first), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert {row["controller"] for row in made["rows"]} == {"mpc", "pi"}
    better = copy.deepcopy(made)
    for row in better["rows"]:
        row["sigma"] = 0.5 * row["sigma"]
    (tmp_path / "better.json").write_text(json.dumps(better), "utf-8")
    assert answer([*words, "--against", str(tmp_path / "better.json")]) == 1
    assert "worse  " in capsys.readouterr().err
    assert answer([*words, "--against", str(tmp_path / "none.json")]) == 2
    assert answer(["hil", "score", "no-such-scenario"]) == 2
