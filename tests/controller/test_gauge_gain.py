"""What may be believed of the gauge: own steps, ramps and outages are no news of the plant."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from controller.factory import build_controller
from controller.innovations import surprise_of
from controller.plan import Plan
from controller.readings import number
from controller.web_memory import WebMemory
from plant_models.coating_control import control_model
from safety.watch import misfit_after
from safety.watch_rules import ModelRule
from tests.controller.models import COAT, RATIO, SEALED, TARGET
from tests.controller.test_coating_estimator import SPEED, DelayPlant, estimator, settle
from tests.hil.sealed_line import sealed_line

GEAR_LAG_S = 1.3
D_COAT = control_model().disturbances.index("d_coat")


@pytest.mark.parametrize("metres", [20.0, 23.0, 27.0, 30.0])
def test_a_step_of_our_own_is_no_surprise_wherever_the_gauge_stands(metres: float) -> None:
    plant, seen = DelayPlant(metres=metres), estimator()
    settle(plant, seen, cycles=100)
    learnt = seen.gain
    worst = 0.0
    for _ in range(40):  # 5 % more, and 53 m for it to come by the gauge
        plant.run(1.05 * 2.6)
        seen.update(plant.ask(1.05 * 2.6), 1)
        worst = max(worst, abs(seen.gain - learnt))
    assert worst < 0.003
    assert seen.gain == pytest.approx(learnt, abs=0.001)


def test_a_step_of_the_plant_is_still_believed_while_an_own_one_comes_by() -> None:
    plant, seen = DelayPlant(), estimator()
    settle(plant, seen, cycles=100)
    learnt = seen.gain
    plant.per *= 0.9
    for _ in range(60):
        plant.run(1.02 * 2.6)
        seen.update(plant.ask(1.02 * 2.6), 1)
    assert seen.gain == pytest.approx(learnt + math.log(0.9), abs=0.002)


def test_the_spread_of_web_counts_metres_and_forgets_bare_ones() -> None:
    web = WebMemory()
    web.fill(100.0, 1.0, 1)
    web.lay(102.0, 1.1, 1)
    web.lay(104.0, math.nan, 1)
    low, high, scatter = web.spread(96.0, 104.0, 1.0)
    assert [low, high] == pytest.approx([0.0, math.log(1.1)])
    assert scatter == pytest.approx(math.log(1.1) * math.sqrt(2.0 / 6.0))
    assert web.spread(102.0, 104.0, 1.0) == (0.0, 0.0, 0.0)


def test_what_a_pump_behind_the_web_lays_in_a_ramp_is_expected() -> None:
    plant, seen = DelayPlant(), estimator()
    settle(plant, seen, cycles=100)
    learnt, per = seen.gain, plant.per
    worst = ahead = 0.0
    for cycle in range(60):
        gained = 0.005 if 5 <= cycle < 20 else 0.0  # m/s a cycle
        plant.speed += gained
        behind = GEAR_LAG_S * gained / 8.0 / plant.speed
        plant.per = per * (1.0 - behind)
        plant.run(2.6)
        now = seen.update(plant.ask(2.6), 5)
        worst = max(worst, abs(seen.gain - learnt))
        if cycle == 10:
            ahead = float(now.disturbances[1][D_COAT] - now.disturbances[2][D_COAT])
    assert plant.speed > 1.4 * SPEED
    assert worst < 0.0012, "what the ramp takes is not learnt as a loss of the pump"
    assert ahead == pytest.approx(-GEAR_LAG_S * 0.005 / 8.0 / (SPEED + 0.03), rel=0.02)


def ratio_of(plan: Plan) -> float:
    assert plan.proposal is not None, plan.status
    return plan.proposal.setpoints[RATIO]


def test_without_a_gauge_the_model_goes_on_with_what_is_fed_forward() -> None:
    controller, plant, ratio = build_controller("coating", SEALED), DelayPlant(), 2.5
    for _ in range(100):
        plant.run(ratio)
        ratio = ratio_of(controller.plan(plant.ask(ratio)))
    before = plant.run(ratio)
    plant.gauge_valid = False
    plan = controller.plan(plant.ask(ratio))
    for _ in range(60):
        plant.solids = 0.43  # 2.4 % more, a hose before the die
        plant.run(ratio)
        plan = controller.plan(plant.ask(ratio))
        ratio = ratio_of(plan)
    assert any("steered by what is fed forward" in note for note in plan.notes)
    assert before == pytest.approx(TARGET, rel=1e-3)
    assert plant.per * ratio * 0.43 == pytest.approx(TARGET, rel=0.008), "80 % of it is believed"


def test_before_the_first_reading_the_pump_is_left_alone() -> None:
    seen, plant = estimator(), DelayPlant()
    plant.gauge_valid = False
    for _ in range(20):
        plant.run(2.6)
        now = seen.update(plant.ask(2.6), 1)
    assert COAT in now.dropped
    assert not now.steered


@pytest.mark.requirement("IL-12")
@pytest.mark.requirement("GMP-07")
@pytest.mark.parametrize("factor", [1.5, 1.1, 0.9])
def test_a_gain_that_jumps_is_another_plant_within_ten_readings(factor: float) -> None:
    rule = ModelRule(**sealed_line()["limits"]["models"]["coating"])
    plant, seen = DelayPlant(), estimator()
    settle(plant, seen, cycles=100)
    plant.run(2.6)
    assert (surprise_of(seen.update(plant.ask(2.6), 1).shown) or 9.0) < 0.3
    plant.per *= factor
    misfit, since = 0, None
    for cycle in range(60):
        plant.run(2.6)
        shown = surprise_of(seen.update(plant.ask(2.6), 1).shown)
        if since is None and abs(number(plant.ask(2.6).values, COAT, 0.0) / TARGET - 1.0) > 0.05:
            since = cycle
        misfit = misfit_after(rule, misfit, shown)
        if misfit >= rule.cycles:
            break
    assert since is not None
    assert cycle - since < 10


@pytest.mark.requirement("IL-12")
def test_one_odd_reading_is_no_other_plant() -> None:
    plant, seen = DelayPlant(), estimator()
    settle(plant, seen, cycles=100)
    for share in (1.0, 1.4, 1.0, 1.0):
        plant.run(2.6)
        asked = plant.ask(2.6)
        shown = share * number(asked.values, COAT, 0.0)
        odd = replace(asked, values={**asked.values, COAT: shown})
        assert (surprise_of(seen.update(odd, 1).shown) or 9.0) < 0.3
