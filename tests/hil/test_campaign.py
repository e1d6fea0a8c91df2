"""Campaigns: strict plans, results kept whole, folders that do not mix, honest verdicts."""

from __future__ import annotations

import builtins
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from hil import campaign, campaign_store
from hil.campaign import play_campaign
from hil.campaign_page import page
from hil.campaign_plan import (
    CampaignError,
    CampaignPlan,
    Job,
    jobs_of,
    load_plan,
    plan_names,
    varied,
)
from hil.campaign_report import as_csv, as_text, report_of
from hil.campaign_store import CampaignStore, manifest_of
from hil.scenario import FOLDER, load_scenario
from tests.hil.sealed_line import sealed_line

TINY: dict[str, Any] = {
    "name": "tiny",
    "title": "A tiny campaign",
    "why": "a test",
    "kind": "scenarios",
    "seeds": 2,
    "controllers": ["mpc", "pi"],
    "scenarios": ["pump-slip"],
    "variations": [
        {"name": "as-published"},
        {"name": "fouled", "plant": {"coater.gauge.offset": 0.001}, "mismatch": 0.5,
         "events": [{"at_min": 70, "kind": "gauge_outage", "details": {"duration_s": 60}}]},
    ],
    "targets": [
        {"name": "less", "loop": "coating", "figure": "off_spec_transient_m", "rule": "less",
         "value": 0.3, "scenarios": ["pump-slip"]},
        {"name": "none more", "loop": "coating", "figure": "constraint_breaches",
         "rule": "no_more", "scenarios": ["pump-slip"]},
        {"name": "spread", "loop": "coating", "figure": "offset_percent", "rule": "spread",
         "value": 3.0, "scenarios": ["pump-slip"]},
    ],
}  # fmt: skip


def tiny(**changes: Any) -> CampaignPlan:
    return CampaignPlan.model_validate({**TINY, **changes})


def fake_result(job: Job, off_spec_m: float) -> dict[str, Any]:
    figures = {
        "off_spec_transient_m": off_spec_m, "constraint_breaches": 0, "recovery_s": [100.0],
        "offset_percent": 0.1 * job.seed, "sigma_percent": 1.0, "harris_index": None,
    }  # fmt: skip
    return {
        "scenario": job.subject, "variation": job.variation.name, "seed": job.seed,
        "kind": job.controller, "loops": {"coating": figures},
    }  # fmt: skip


@pytest.fixture(autouse=True)
def still_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may be editing while the tests run; a manifest would rightly notice."""
    monkeypatch.setattr(campaign_store, "hash_of_sources", lambda *_, **__: "f" * 64)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the playing of a job; the list holds what was played."""
    keys: list[str] = []

    def play(job: Job, sealed: object) -> dict[str, Any]:
        keys.append(job.key)
        return fake_result(job, (20.0 if job.controller == "mpc" else 50.0) + job.seed)

    monkeypatch.setattr(campaign, "play_job", play)
    return keys


def load_text(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text("utf-8")


def store_at(folder: Path, plan: CampaignPlan, *, resume: bool = False) -> CampaignStore:
    return CampaignStore(folder, manifest_of(plan, sealed_line()), resume=resume)


@pytest.mark.parametrize("name", plan_names())
def test_every_published_plan_can_be_read_and_says_why(name: str) -> None:
    plan = load_plan(name)
    assert plan.name == name
    assert len(plan.why) > 80
    jobs = list(jobs_of(plan))
    assert len({job.key for job in jobs}) == len(jobs)


def test_the_quality_plan_is_what_acceptance_asks() -> None:
    plan = load_plan("quality")
    assert len(plan.scenarios) >= 12
    assert plan.seeds >= 20
    assert plan.controllers == ["mpc", "pi"]
    assert {target.rule for target in plan.targets} == {"less", "spread", "no_more"}


def test_the_robustness_plan_is_a_hundred_thousand_cycles() -> None:
    assert sum(job.cycles for job in jobs_of(load_plan("robustness"))) >= 100_000


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scenarios": ["pump-slop"]}, "no scenario pump-slop"),
        ({"scenarios": []}, "at least one"),
        ({"colour": "blue"}, "colour"),
        ({"controllers": ["mpc"]}, "no baseline"),
        ({"controllers": ["lqr"]}, "controllers"),
        ({"scenarios": ["splice"]}, "pump-slip is not among"),
    ],
)
def test_a_wrong_plan_is_refused_with_its_place(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(json.dumps({**TINY, **change}), "utf-8")
    with pytest.raises(CampaignError, match=says):
        load_plan(path)


def test_scenarios_may_be_files_of_ones_own(tmp_path: Path, played: list[str]) -> None:
    own = tmp_path / "own-slip.yaml"
    text = load_text("pump-slip")
    own.write_text(text.replace("name: pump-slip", "name: own-slip"), "utf-8")
    plan = tmp_path / "mine.yaml"
    body = {**TINY, "scenarios": [str(own)], "targets": []}
    plan.write_text(json.dumps(body), "utf-8")
    chosen = load_plan(plan)
    play_campaign(chosen, store_at(tmp_path / "c", chosen), {}, 1)
    assert played[0] == "own-slip.as-published.0001.mpc"
    own.write_text(text, "utf-8")
    with pytest.raises(CampaignError, match="calls itself pump-slip"):
        load_plan(plan)


def test_an_unknown_plan_names_the_known_ones() -> None:
    with pytest.raises(CampaignError, match="quality, robustness"):
        load_plan("qualty")


def test_a_variation_changes_plant_and_events() -> None:
    scenario, (plain, fouled) = load_scenario("pump-slip"), tiny().variations
    assert varied(scenario, plain) == scenario
    bent = varied(scenario, fouled)
    assert bent.plant["coater.gauge.offset"] == 0.001
    assert [event.kind for event in bent.events] == ["scale", "gauge_outage"]


def test_a_campaign_goes_on_where_it_stopped(tmp_path: Path, played: list[str]) -> None:
    plan = tiny()
    seen: list[int] = []
    store = store_at(tmp_path / "c", plan)
    first = next(iter(jobs_of(plan)))
    store.put(first.key, fake_result(first, 7.0))
    results = play_campaign(plan, store, {}, 1, progress=lambda done, of, key: seen.append(done))
    assert len(played) == 7
    assert first.key not in played
    assert seen[-1] == len(results) == 8
    assert results[0]["loops"]["coating"]["off_spec_transient_m"] == 7.0
    again = play_campaign(plan, store_at(tmp_path / "c", plan, resume=True), {}, 1)
    assert again == results
    assert len(played) == 7


def test_more_seeds_extend_a_folder_and_anything_else_is_refused(
    tmp_path: Path, played: list[str]
) -> None:
    play_campaign(tiny(), store_at(tmp_path / "c", tiny()), {}, 1)
    more = tiny(seeds=3)
    assert len(play_campaign(more, store_at(tmp_path / "c", more, resume=True), {}, 1)) == 12
    assert len(played) == 12
    with pytest.raises(CampaignError, match="already holds the campaign tiny"):
        store_at(tmp_path / "c", more)
    with pytest.raises(CampaignError, match="another plan"):
        store_at(tmp_path / "c", tiny(scenarios=["pump-slip", "splice"]), resume=True)
    other = {**manifest_of(tiny(), sealed_line()), "sources": "0" * 64}
    with pytest.raises(CampaignError, match="another sources"):
        CampaignStore(tmp_path / "c", other, resume=True)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "letter.txt").write_text("mine", "utf-8")
    with pytest.raises(CampaignError, match="not empty"):
        store_at(tmp_path / "d", tiny())


def test_a_result_cut_off_in_the_middle_of_writing_does_not_count(tmp_path: Path) -> None:
    store = store_at(tmp_path / "c", tiny())
    (tmp_path / "c" / "runs" / "a.1234.tmp").write_text('{"half":', "utf-8")
    assert not store.has("a")
    store.put("a", {"whole": 1})
    assert store.get("a") == {"whole": 1}
    assert [p.name for p in (tmp_path / "c" / "runs").glob("a.json")] == ["a.json"]


def test_a_run_that_fails_ends_the_campaign_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(job: Job, sealed: object) -> dict[str, Any]:
        raise ArithmeticError("no")

    monkeypatch.setattr(campaign, "play_job", broken)
    with pytest.raises(CampaignError, match=r"pump-slip\.as-published\.0001\.mpc failed"):
        play_campaign(tiny(), store_at(tmp_path / "c", tiny()), {}, 1)


def test_a_scheduler_without_its_package_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "distributed":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CampaignError, match=r"dask\.distributed"):
        play_campaign(tiny(), store_at(tmp_path / "c", tiny()), {}, 1, "tcp://127.0.0.1:1")


def test_the_report_judges_targets_and_says_tie_when_it_cannot_tell(
    tmp_path: Path, played: list[str]
) -> None:
    plan = tiny(seeds=5)
    runs = play_campaign(plan, store_at(tmp_path / "c", plan), {}, 1)
    report = report_of(plan, runs)
    assert [row["verdict"] for row in report["targets"]] == ["met", "met", "met"]
    assert report["targets"][0]["plants"] == 5
    rows = {(row["scenario"], row["figure"]): row for row in report["paired"]["pi"]}
    assert rows["pump-slip", "off_spec_transient_m"]["verdict"] == "better"
    assert rows["pump-slip + fouled", "sigma_percent"]["verdict"] == "tie"
    html = page(plan, report, {"plan": "abc"})
    assert "<svg" in html
    assert "http-equiv" not in html
    assert "src=" not in html
    lines = list(csv.DictReader(io.StringIO(as_csv(report))))
    assert {line["controller"] for line in lines} == {"mpc", "pi"}
    assert "better" in as_text(report)
    json.dumps(report, allow_nan=False)


def test_targets_are_missed_or_open_where_they_should_be() -> None:
    plan = tiny(variations=[{"name": "as-published"}], seeds=4)

    def runs(ours: list[float]) -> list[dict[str, Any]]:
        made = []
        for job in jobs_of(plan):
            base = 50.0 + job.seed
            made.append(fake_result(job, ours[job.seed - 1] if job.controller == "mpc" else base))
        return made

    assert report_of(plan, runs([60, 61, 62, 63]))["targets"][0]["verdict"] == "missed"
    assert report_of(plan, runs([10, 60, 5, 62]))["targets"][0]["verdict"] == "open"
    worse = runs([1, 1, 1, 1])
    worse[0]["loops"]["coating"]["constraint_breaches"] = 1
    assert report_of(plan, worse)["targets"][1]["verdict"] == "missed"
    nothing = report_of(plan, [])["targets"]
    assert [row["verdict"] for row in nothing] == ["open", "open", "open"]
