from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.factory import Guarded, build_controller
from controller.plan import SOLVED, LoopController, Plan
from controller.plan_json import plan_to_json
from controller.worker import as_text, nominal_request
from tests.controller.models import COAT, GAP, RATIO, SEALED, TARGET, TRIM, request
from tests.controller.test_coating_estimator import DelayPlant

LINE = {"coater.line_speed": 10.0 / 60.0, "coater.web_length": 1000.0, "coater.gauge_valid": True}
APPLIED = {RATIO: 2.6, GAP: 280e-6, TRIM: 0.0}
MIXING = {"mixer.anchor_sp": 0.5, "mixer.jacket_sp": 298.15, "mixer.solvent_sp": 0.0}


def changed(loop: str, **controller: Any) -> dict[str, Any]:
    sealed = copy.deepcopy(SEALED)
    sealed["loops"][loop]["controller"] |= controller
    return sealed


@pytest.fixture(scope="module")
def coating() -> LoopController:
    return build_controller("coating", SEALED)


@pytest.fixture(scope="module")
def mixing() -> LoopController:
    return build_controller("mixing", SEALED)


def solved(plan: Plan) -> dict[str, float]:
    assert plan.status == SOLVED, plan.status
    assert plan.proposal is not None
    assert plan.proposal.status == SOLVED
    return dict(plan.proposal.setpoints)


def test_the_loop_ends_on_target_with_a_plant_that_differs() -> None:
    controller, plant, ratio = build_controller("coating", SEALED), DelayPlant(gain=1.08), 2.5
    coats = []
    for _ in range(150):
        coats.append(plant.run(ratio))
        ratio = solved(controller.plan(plant.ask(ratio)))[RATIO]
    assert math.fsum(coats[-40:]) / 40 == pytest.approx(TARGET, rel=1e-3)


def test_a_plan_explains_itself(coating: LoopController) -> None:
    values = {**LINE, COAT: TARGET}
    plan = coating.plan(request("coating", 5000.0, values, APPLIED))
    assert set(solved(plan)) == {RATIO, GAP, TRIM}
    assert plan.targets == {COAT: TARGET}
    assert plan.cv_limits["coater.film_to_gap"] == (0.65, 0.95)
    assert plan.echo[RATIO] == pytest.approx((2.2, 3.1))
    assert "d_coat" in plan.estimate
    gauge = plan.predicted[COAT]
    # the gauge shows today's moves after 150 s: what is underway, then 20 steps
    assert len(gauge.times_s) == 19 + 20
    assert gauge.times_s[19] == pytest.approx(5000.0 + 8.0 + 150.0)
    assert list(gauge.times_s) == sorted(gauge.times_s)
    assert plan.predicted[RATIO].times_s[0] == 5000.0
    assert len(plan.predicted["coater.die_pressure"].values) == 20
    assert plan.solve_ms > 0.0


def test_a_move_to_the_limit_is_named(coating: LoopController) -> None:
    plan = coating.plan(request("coating", 9000.0, {**LINE, COAT: 0.7 * TARGET}, APPLIED))
    assert solved(plan)[RATIO] == pytest.approx(2.68, abs=1e-4)
    assert f"{RATIO} rate" in plan.binding


def test_a_limit_that_cannot_be_kept_is_given_up_by_name(coating: LoopController) -> None:
    values = {**LINE, COAT: TARGET, "coater.residual_solvent": 3000e-6}
    for cycle in range(3):
        now_s = 20_000.0 + 8.0 * cycle
        plan = coating.plan(request("coating", now_s, values, APPLIED))
    assert "coater.residual_solvent high" in plan.binding
    given_up = dict(plan.gave_up)
    assert given_up["coater.residual_solvent high"] > 500e-6


def test_a_standing_web_and_a_missing_read_back_are_waited_for(coating: LoopController) -> None:
    still = coating.plan(request("coating", 30_000.0, {**LINE, "coater.line_speed": 0.0}, APPLIED))
    assert still.proposal is None
    assert still.status == "waiting: the web stands"
    blind = coating.plan(request("coating", 30_100.0, LINE, {GAP: 280e-6, TRIM: 0.0}))
    assert blind.proposal is None
    assert RATIO in blind.status


def test_shadow_keeps_estimating(coating: LoopController) -> None:
    """Not closed, the plan still counts from what the PLC really uses."""
    plant = DelayPlant(gain=1.05)
    plant.now_s = 50_000.0
    for _ in range(40):
        plant.run(2.5)
        plan = coating.plan(request("coating", plant.now_s, plant.values(), APPLIED | {RATIO: 2.5}))
    gain = plan.estimate["d_coat"]
    assert math.exp(gain) == pytest.approx(1.05, rel=0.01)
    assert abs(solved(plan)[RATIO] - 2.5) <= 0.08 + 1e-9


def test_the_batch_gets_no_more_solvent_than_registered(mixing: LoopController) -> None:
    values = {"mixer.viscosity": 9.0, "mixer.temp": 298.15, "mixer.mass": 490.0}
    spent = mixing.plan(request("mixing", 1000.0, {**values, "mixer.solvent_total": 25.0}, MIXING))
    assert solved(spent)["mixer.solvent_sp"] == pytest.approx(0.0, abs=1e-9)
    free = mixing.plan(request("mixing", 1020.0, {**values, "mixer.solvent_total": 5.0}, MIXING))
    assert solved(free)["mixer.solvent_sp"] > 1e-3


def test_thin_mass_gets_no_solvent(mixing: LoopController) -> None:
    values = {"mixer.viscosity": 5.0, "mixer.temp": 298.15, "mixer.mass": 490.0}
    plan = mixing.plan(request("mixing", 5000.0, values, MIXING))
    assert solved(plan)["mixer.solvent_sp"] == pytest.approx(0.0, abs=1e-6)


ANY = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(max_size=5),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
TAGS = [
    COAT, "coater.gauge_valid", "coater.line_speed", "coater.web_length", "coater.feed_solids",
    "coater.feed_batch", "coater.feed_temp", "coater.die_pressure", "coater.residual_solvent",
    "coater.gap", "coater.oven_zone4_temp", "coater.oven_zone5_temp",
]  # fmt: skip
MIXER_TAGS = [
    "mixer.viscosity", "mixer.temp", "mixer.mass", "mixer.torque", "mixer.batch",
    "mixer.jacket_temp", "mixer.anchor_speed", "mixer.ambient_temp", "mixer.lab_viscosity",
    "mixer.lab_age", "mixer.lab_number", "mixer.solvent_total",
]  # fmt: skip


def check_total(loop: str, controller: LoopController, plan: Plan, applied: Any) -> None:
    told = json.loads(as_text(plan_to_json(plan)))
    assert told["status"] == plan.status  # every number in it is one
    if plan.proposal is None:
        assert plan.status != SOLVED
        return
    mvs = SEALED["limits"]["setpoints"]
    for tag, value in plan.proposal.setpoints.items():
        low, high = mvs[tag]["operating"]
        step = mvs[tag]["rate"] * SEALED["loops"][loop]["period"]
        room = 1e-9 * max(1.0, abs(high))
        assert min(low, applied[tag]) - room <= value <= max(high, applied[tag]) + room
        assert abs(value - applied[tag]) <= step + room


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(TAGS), ANY), st.floats(0.0, 1e6))
def test_any_coating_request_gets_a_plan(
    coating: LoopController, values: dict[str, Any], now_s: float
) -> None:
    plan = coating.plan(request("coating", now_s, values, APPLIED))
    check_total("coating", coating, plan, APPLIED)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(MIXER_TAGS), ANY), st.floats(0.0, 1e6))
def test_any_mixing_request_gets_a_plan(
    mixing: LoopController, values: dict[str, Any], now_s: float
) -> None:
    plan = mixing.plan(request("mixing", now_s, values, MIXING))
    check_total("mixing", mixing, plan, MIXING)


def test_same_requests_same_bits() -> None:
    def answers() -> list[str]:
        controller, plant, ratio = build_controller("coating", SEALED), DelayPlant(noise=0.002), 2.6
        told = []
        for _ in range(25):
            plant.run(ratio)
            plan = controller.plan(plant.ask(ratio))
            ratio = solved(plan)[RATIO]
            told.append(repr((plan.proposal, plan.predicted, plan.estimate)))
        return told

    assert answers() == answers()


def test_what_the_configuration_cannot_mean_is_refused() -> None:
    with pytest.raises(ValueError, match="no controller is of kind"):
        build_controller("coating", changed("coating", kind="fuzzy"))
    with pytest.raises(ValueError, match="no solver is called"):
        build_controller("coating", changed("coating", solver="magic"))
    with pytest.raises(KeyError, match=r"gauge\.gain"):
        build_controller("coating", changed("coating", estimator={"gauge.gian": 0.1}))
    broken = copy.deepcopy(SEALED)
    broken["loops"]["curing"] = broken["loops"]["coating"]
    with pytest.raises(ValueError, match="coating, profile or mixing"):
        build_controller("curing", broken)


@pytest.mark.parametrize("loop", ["coating", "mixing"])
@pytest.mark.parametrize("kind", ["mpc", "pi", "hold"])
def test_every_controller_answers_the_nominal_request(loop: str, kind: str) -> None:
    sealed = changed(loop, kind=kind)
    plan = build_controller(loop, sealed).plan(nominal_request(loop, sealed))
    assert plan.proposal is not None, plan.status


@pytest.mark.parametrize("kind", ["mpc", "pi", "hold"])
def test_a_controller_that_forgot_is_a_new_one(kind: str) -> None:
    def course(controller: Guarded) -> list[object]:
        plant, told = DelayPlant(gain=1.03), list[object]()
        for _ in range(6):
            plant.run(2.6)
            told.append(controller.plan(plant.ask(2.6)).proposal)
        return told

    controller = build_controller("coating", changed("coating", kind=kind))
    first = course(controller)
    controller.forget()
    assert course(controller) == first
