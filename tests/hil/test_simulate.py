from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hil.scenario import FOLDER, Scenario, ScenarioError, load_scenario, scenario_names
from hil.simulate import run_scenario, simulate
from plant_models.line_plant import all_parameters
from tests.hil.sealed_line import sealed_line

SHORT: dict[str, Any] = {
    "name": "short",
    "title": "A short run",
    "why": "quick enough for a test",
    "duration_min": 9,
    "settle_min": 3,
    "loops": ["coating", "mixing"],
    "mismatch": True,
    "seeds": [1],
    "line_speed_m_min": 10,
    "band_percent": {"coating": 1.0, "mixing": 5.0},
    "band_reason": "a test",
    "events": [{"at_min": 5, "kind": "gauge_outage", "details": {"duration_s": 30}}],
}


def short(**changes: Any) -> Scenario:
    return Scenario.model_validate({**SHORT, **changes})


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_file_can_be_played_and_says_why(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert len(scenario.why) > 80
    assert len(set(scenario.seeds)) >= 20
    assert scenario.mismatch
    known = {row.path for row in all_parameters()}
    assert set(scenario.plant) <= known
    touched = [str(e.details["path"]) for e in scenario.events if e.kind in ("scale", "set")]
    assert set(touched) <= known


def test_the_published_family_is_whole() -> None:
    asked = (
        "batch-solids-step solids-drift viscosity-lot speed-ramp splice gauge-outage pump-slip"
        " filter-clogging start-up recipe-change mixing-end-point hot-day"
    )
    assert set(asked.split()) <= set(scenario_names())


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match="batch-solids-step"):
        load_scenario("batch-solid-step")


def test_a_scenario_with_an_unknown_key_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    text = (FOLDER / "nominal.yaml").read_text("utf-8")
    path.write_text(text + "colour: blue\n", "utf-8")
    with pytest.raises(ScenarioError, match=r"odd\.yaml: colour"):
        load_scenario(path)


def test_an_unknown_event_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    text = (FOLDER / "gauge-outage.yaml").read_text("utf-8")
    path.write_text(text.replace("kind: gauge_outage", "kind: gauge_outrage"), "utf-8")
    with pytest.raises(ScenarioError, match=r"gauge_outrage; known are batch_change, .*recipe"):
        load_scenario(path)


def test_events_out_of_order_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    text = (FOLDER / "gauge-outage.yaml").read_text("utf-8")
    path.write_text(text.replace("at_min: 62", "at_min: 50"), "utf-8")
    with pytest.raises(ScenarioError, match="order of their times"):
        load_scenario(path)


def test_an_event_after_the_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "late.yaml"
    text = (FOLDER / "gauge-outage.yaml").read_text("utf-8")
    path.write_text(text.replace("at_min: 62", "at_min: 620"), "utf-8")
    with pytest.raises(ScenarioError, match="after the end"):
        load_scenario(path)


def test_a_run_is_in_auto_breaches_nothing_and_repeats_bit_for_bit() -> None:
    first = run_scenario(short(), 1, "pi", sealed_line())
    for loop in ("coating", "mixing"):
        figures = first["loops"][loop]
        assert set(first["modes"][loop]) == {"AUTO"}
        assert figures["limit_breaches"] == 0
        assert figures["setpoint_frames"] > 0
        assert 0.0 < figures["sigma_percent"] < 20.0
    again = run_scenario(short(), 1, "pi", sealed_line())
    for volatile in ("wall_s", "cpu_s", "plans"):
        first.pop(volatile)
        again.pop(volatile)
    assert first == again


def test_local_leaves_the_loops_to_the_plc_and_writes_nothing() -> None:
    run = run_scenario(short(loops=["coating"], duration_min=5), 1, "local", sealed_line())
    assert run["loops"]["coating"]["setpoint_frames"] == 0
    assert not any(event["event"].startswith("remote") for event in run["plc_events"])


def test_overrides_reach_the_plant() -> None:
    scenario = short(loops=["coating"], duration_min=5, settle_min=1, events=[])
    plain = run_scenario(scenario, 1, "hold", sealed_line())
    bent = run_scenario(scenario, 1, "hold", sealed_line(), {"coater.gauge.offset": 0.01})
    seen = "offset_seen_percent"
    shift = bent["loops"]["coating"][seen] - plain["loops"]["coating"][seen]
    assert shift == pytest.approx(100.0 * 0.01 / 85.7e-3, abs=1.5)


def test_the_table_has_a_row_for_each_scenario_loop_and_kind() -> None:
    scenario = short(loops=["coating"], duration_min=4, settle_min=2, events=[])
    found = simulate([scenario], [1, 2], ("pi", "hold"), sealed=sealed_line(), workers=1)
    assert [(run["seed"], run["kind"]) for run in found["runs"]] == [
        (1, "pi"), (1, "hold"), (2, "pi"), (2, "hold"),
    ]  # fmt: skip
    assert [(row["loop"], row["kind"], row["seeds"]) for row in found["table"]] == [
        ("coating", "pi", 2),
        ("coating", "hold", 2),
    ]
    sigma = found["table"][0]["sigma_percent"]
    values = [run["loops"]["coating"]["sigma_percent"] for run in found["runs"][::2]]
    assert sigma["mean"] == pytest.approx(sum(values) / 2)
    assert sigma["ci95"] > 0.0
    hold_mean = found["table"][1]["sigma_percent"]["mean"]
    (pair,) = [row for row in found["paired"]["hold"] if row["figure"] == "sigma_percent"]
    assert pair["plants"] == 2
    assert pair["difference"] == pytest.approx(sigma["mean"] - hold_mean)
    json.dumps(found, allow_nan=False)


def test_one_run_has_no_interval_and_says_so() -> None:
    scenario = short(loops=["coating"], duration_min=3, settle_min=2, events=[])
    found = simulate([scenario], [1], ("local",), sealed=sealed_line(), workers=1)
    assert found["table"][0]["sigma_percent"]["ci95"] is None


def test_an_unknown_controller_is_refused() -> None:
    with pytest.raises(ValueError, match="known are mpc, pi, hold, local"):
        run_scenario(short(), 1, "lqr", sealed_line())
