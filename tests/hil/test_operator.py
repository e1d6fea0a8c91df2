"""What the operator of a scenario does is what they would do on the line."""

from __future__ import annotations

from typing import Any

import pytest

from hil.operator import changed_recipe
from hil.plc_coater import CoaterPlc
from hil.scenario import Scenario
from hil.scenario_run import ScenarioRun
from hil.simulate import with_kind
from tests.hil.sealed_line import sealed_line
from tests.hil.test_simulate import short


def played(scenario: Scenario, kind: str = "pi") -> ScenarioRun:
    run = ScenarioRun(scenario, 1, kind, with_kind(sealed_line(), kind))
    run.play()
    return run


def coating(**changes: Any) -> Scenario:
    return short(loops=["coating"], mismatch=False, **changes)


def test_a_cold_line_stands_until_it_is_started_and_is_closed_when_it_coats() -> None:
    start = {"at_min": 2, "kind": "start", "details": {"m_min": 6}}
    run = played(coating(start="cold", duration_min=24, settle_min=1, events=[start]))
    speed, t = run.trace["coater.line_speed"], run.trace["time_s"]
    assert max(v for v, at in zip(speed, t, strict=True) if at <= 120.0) == 0.0
    assert speed[-1] == pytest.approx(0.1, rel=0.02)
    bodies = [body for _, body in run.recorders["coating"].rows]
    modes = [body["mode"] for body in bodies if "mode" in body]
    assert modes[0] == "SHADOW"
    assert modes[-1] == "AUTO"
    assert run.line.truth()["coater.dry_coat_weight_at_die"] > 0.06


def test_a_recipe_changes_target_plcs_and_limits_at_once_and_old_product_keeps_its_target() -> None:
    event = {"at_min": 4, "kind": "recipe", "details": {"coat_weight_g_m2": 90.0, "gap_um": 294}}
    run = played(coating(events=[event]))
    target, t = run.trace["coating.target"], run.trace["time_s"]
    assert isinstance(run.line.coater.program, CoaterPlc)
    assert run.line.coater.program.recipe.coat_weight_kg_m2 == pytest.approx(0.090)
    last_old = max(at for at, wanted in zip(t, target, strict=True) if wanted < 0.088)
    assert last_old == pytest.approx(240.0 + 150.0, abs=6.0)  # 25 m at 10 m/min later
    plans = [body["plan"] for _, body in run.recorders["coating"].rows[-3:] if "plan" in body]
    assert {plan["targets"]["coater.dry_coat_weight"] for plan in plans} == {0.090}


def test_a_recipe_event_that_says_something_strange_is_refused() -> None:
    with pytest.raises(ValueError, match="known are coat_weight_g_m2"):
        changed_recipe(sealed_line(), {"colour": 1.0})


def test_a_recipe_change_leaves_the_old_configuration_alone() -> None:
    old = sealed_line()
    before = old["recipe"]["targets"]["coater.dry_coat_weight"]
    changed_recipe(old, {"coat_weight_g_m2": 90.0})
    assert old["recipe"]["targets"]["coater.dry_coat_weight"] == before
