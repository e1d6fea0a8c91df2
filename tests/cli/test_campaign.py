"""The campaign verb: refusals, reports on the disk, going on, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from hil import campaign, campaign_store
from hil.campaign_plan import Job

PLAN = {
    "name": "tiny",
    "title": "A tiny campaign",
    "why": "a test",
    "kind": "scenarios",
    "seeds": 2,
    "controllers": ["mpc", "pi"],
    "scenarios": ["pump-slip"],
    "targets": [
        {"name": "less", "loop": "coating", "figure": "off_spec_m", "rule": "less",
         "value": 0.3, "scenarios": ["pump-slip"]}
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def still_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may be editing while the tests run; a manifest would rightly notice."""
    monkeypatch.setattr(campaign_store, "hash_of_sources", lambda *_, **__: "f" * 64)


@pytest.fixture
def plan(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(json.dumps(PLAN), "utf-8")
    return str(path)


def play_with(monkeypatch: pytest.MonkeyPatch, ours: float) -> None:
    def play(job: Job, sealed: object) -> dict[str, Any]:
        off = ours if job.controller == "mpc" else 50.0
        figures = {"off_spec_m": off + 0.1 * job.seed, "recovery_s": []}
        return {
            "scenario": job.subject, "seed": job.seed, "kind": job.controller,
            "loops": {"coating": figures},
        }  # fmt: skip

    monkeypatch.setattr(campaign, "play_job", play)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["campaign"], "name of a plan"),
        (["campaign", "qualty"], "Known are: quality, robustness"),
        (["campaign", "quality", "--workers", "0"], "count from 1"),
        (["campaign", "quality", "--resum"], "--resume"),
    ],
)
def test_what_cannot_be_played_is_refused(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(words) == 2
    said = capsys.readouterr().err
    assert hint in said
    assert "next:" in said


def test_plans_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["campaign", "--list"]) == 0
    assert "100 runs" in capsys.readouterr().out
    assert answer(["campaign", "--list", "--json"]) == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} >= {"quality", "robustness"}


def test_reports_lie_beside_the_results_and_a_folder_is_not_played_over(
    plan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play_with(monkeypatch, ours=10.0)
    out = tmp_path / "results"
    words = ["campaign", plan, "--out", str(out), "--workers", "1"]
    assert answer(words) == 0
    assert "met" in capsys.readouterr().out
    names = {path.name for path in out.iterdir()}
    assert names == {
        "manifest.json", "runs", "report.txt", "report.json", "report.csv", "report.html",
    }  # fmt: skip
    assert answer(words) == 2
    assert "already holds" in capsys.readouterr().err
    assert answer([*words, "--resume", "--seeds", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == 6


def test_a_missed_target_is_a_finding(
    plan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_with(monkeypatch, ours=49.0)
    out = str(tmp_path / "results")
    assert answer(["campaign", plan, "--out", out, "--workers", "1"]) == 1
