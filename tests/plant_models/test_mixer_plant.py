"""The mixer as a plant: start states, balances, one-way trim, lots, faults, reproducibility."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import pytest

from plant_models.mixer_parameters import MIXER_PARAMETERS, RECIPE_B
from plant_models.mixer_plant import MixerPlant
from plant_models.parameters import Parameters

CALM = {
    "mixer.ambient.noise": 0.0,
    "mixer.ambient.swing": 0.0,
    "mixer.evaporation.spread": 0.0,
}
TIGHT = {**CALM, "mixer.evaporation.rate": 0.0, "mixer.start.dissolved": 1.0}
RUN = {"mixer.anchor_speed_cmd": 0.5, "mixer.jacket_temp_cmd": 298.15}
ETA = "mixer.viscosity_25c_true"


def mixer(overrides: Mapping[str, float] | None = None, seed: int = 1, **start: str) -> MixerPlant:
    return MixerPlant(Parameters(MIXER_PARAMETERS, overrides), seed, **start)


def run(plant: MixerPlant, seconds: float, **drives: float) -> dict[str, float]:
    named = {**RUN, **{f"mixer.{name}": value for name, value in drives.items()}}
    for _ in range(int(seconds / 2.0)):
        plant.step(2.0, named)
    return plant.truth()


def test_running_start_is_a_batch_above_its_viscosity() -> None:
    truth = mixer().truth()
    assert 1.08 < truth[ETA] / 6.0 < 1.15
    assert truth["mixer.dissolved_true"] > 0.99
    assert truth["mixer.temp_true"] == pytest.approx(298.15, abs=1.0)
    assert mixer().sensors()["mixer.lab_number"] == 1


def test_cold_start_is_an_empty_vessel_that_can_make_a_batch() -> None:
    plant = mixer(CALM, start="cold")
    assert plant.truth()["mixer.mass_true"] == 0.0
    run(plant, 154, charge_solvent=0.5)
    run(plant, 764, charge_adhesive=0.5)
    run(plant, 252, add_enhancer=5.0 / 60.0)
    early = run(plant, 400, add_api=0.025, disperser_speed_cmd=20.0)
    assert early["mixer.lumps_true"] > 0.1
    late = run(plant, 2.5 * 3600, disperser_speed_cmd=20.0)
    assert late["mixer.lumps_true"] < 0.001
    assert late["mixer.dissolved_true"] > 0.995
    assert 1.05 < late[ETA] / 6.0 < 1.35  # held back solvent: approach from above
    assert plant.sensors()["mixer.batch"] == 1


def test_an_unknown_start_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="'running' or 'cold'"):
        mixer(start="warm")


def test_mass_and_solids_balance_over_an_hour_of_everything() -> None:
    plant = mixer(seed=5)
    first = plant.truth()
    left = 0.0
    for i in range(1800):
        drives = {**RUN, "mixer.solvent_flow_cmd": 0.01 if i < 300 else 0.0}
        drives["mixer.transfer_flow"] = 0.1 if i > 1200 else 0.0
        left += plant.step(2.0, drives)
        if i == 1200:
            before_transfer = plant.truth()
    last = plant.truth()
    inflow = last["mixer.solvent_total_true"] - last["mixer.evaporated_true"]
    expected = first["mixer.mass_true"] + inflow - left
    assert last["mixer.mass_true"] == pytest.approx(expected, rel=1e-9)
    assert before_transfer["mixer.solids_mass_true"] == pytest.approx(
        first["mixer.solids_mass_true"], rel=1e-12
    )


def test_trim_is_one_way() -> None:
    """A negative command takes nothing back, and what was dosed stays."""
    plant = mixer(TIGHT)
    start = plant.truth()
    dosed = run(plant, 1200, solvent_flow_cmd=0.01)
    assert dosed[ETA] < start[ETA]
    assert dosed["mixer.solids_true"] < start["mixer.solids_true"]
    after = run(plant, 1800, solvent_flow_cmd=-0.05)
    assert after[ETA] <= dosed[ETA]
    assert after["mixer.mass_true"] == pytest.approx(dosed["mixer.mass_true"], abs=0.1)


def test_solvent_gain_and_blending_time() -> None:
    """d ln eta / dm = -alpha/m: 6.4/490 = 1.3 % per kg; half a batch of turns later it shows."""
    plant = mixer(TIGHT)
    start = plant.truth()
    run(plant, 60, solvent_flow_cmd=5.0 / 60.0)
    early = plant.truth()
    late = run(plant, 1200)
    kg = late["mixer.solvent_total_true"]
    assert kg == pytest.approx(5.0, rel=0.05)
    assert math.log(late[ETA] / start[ETA]) / kg == pytest.approx(-6.4 / 492.5, rel=0.01)
    assert early[ETA] - late[ETA] > 0.3 * (start[ETA] - late[ETA])  # blends late


def test_evaporation_thickens_slowly_and_a_hot_day_more() -> None:
    rise = {}
    for hot in (0.0, 8.0):
        plant = mixer({**CALM, "mixer.start.dissolved": 1.0, "mixer.ambient.hot_day": hot})
        start = plant.truth()[ETA]
        rise[hot] = run(plant, 3600, jacket_temp_cmd=298.15 + hot)[ETA] / start - 1.0
    assert 0.010 < rise[0.0] < 0.025
    assert rise[8.0] > 1.1 * rise[0.0]


def test_a_new_polymer_lot_comes_through_within_minutes() -> None:
    plant = mixer(TIGHT)
    before = plant.truth()[ETA]
    plant.event("viscosity_lot", mw_factor=1.05)
    assert run(plant, 2)[ETA] < 1.02 * before
    assert run(plant, 600)[ETA] / before == pytest.approx(1.18, abs=0.002)


def test_an_unknown_event_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="viscosity_lot"):
        mixer().event("earthquake")


def test_torque_exceeds_the_laminar_law_by_10_to_30_percent_at_re_74() -> None:
    plant = mixer({**TIGHT, "mixer.start.viscosity_excess": 0.30})
    truth = run(plant, 60)
    assert truth["mixer.reynolds_true"] == pytest.approx(74.0, abs=4.0)
    shear = 25.0 * 0.5
    fill = truth["mixer.mass_true"] / 500.0
    mu = plant.vessel.viscosity_pa_s(shear)
    laminar = fill * 215.0 * mu * 0.5 * 0.88**3 / (2.0 * math.pi)
    assert 1.10 < truth["mixer.torque_true"] / laminar < 1.30


def test_content_follows_its_jacket_in_about_an_hour() -> None:
    plant = mixer({**TIGHT, "mixer.vessel.ambient_conductance": 0.0})
    start = plant.truth()["mixer.temp_true"]
    rest = run(plant, 8 * 3600)["mixer.temp_true"]  # viscous heat lifts it above the jacket
    assert rest - 298.15 == pytest.approx(0.7, abs=0.2)
    plant = mixer({**TIGHT, "mixer.vessel.ambient_conductance": 0.0})
    one_tau = run(plant, 3868 + 300, jacket_temp_cmd=start + 10.0)["mixer.temp_true"]
    assert (one_tau - start) / 10.4 == pytest.approx(0.632, abs=0.03)


def test_a_stuck_jacket_no_longer_follows() -> None:
    plant = mixer(TIGHT)
    plant.set_parameter("mixer.jacket.stuck", 1.0)
    run(plant, 1200, jacket_temp_cmd=310.0)
    assert plant.sensors()["mixer.jacket_temp"] == pytest.approx(298.4, abs=0.1)


def test_deaeration_clears_bubbles_and_costs_solvent() -> None:
    calm, vacuum = mixer(CALM), mixer(CALM)
    start = calm.truth()["mixer.air_true"]
    still = run(calm, 1800)
    thin = run(vacuum, 1800, vacuum=25_000.0)
    assert start - thin["mixer.air_true"] > 2.0 * (start - still["mixer.air_true"]) > 0.0
    assert thin["mixer.evaporated_true"] > 2.0 * still["mixer.evaporated_true"]


def test_a_transfer_empties_the_vessel_and_the_next_charge_is_the_next_batch() -> None:
    plant = mixer(CALM)
    run(plant, 1200, transfer_flow=0.5)
    assert plant.truth()["mixer.mass_true"] < 1.0
    run(plant, 10, charge_solvent=0.5)
    assert plant.sensors()["mixer.batch"] == 2
    assert plant.sensors()["mixer.solvent_total"] == 0.0


def test_the_feed_carries_the_mass_as_it_is() -> None:
    plant = mixer(TIGHT)
    truth = run(plant, 60)
    feed = plant.feed()
    assert feed.solids == truth["mixer.solids_true"]
    assert feed.eta0_ref_pa_s == truth[ETA]
    shear = 600.0
    assert feed.viscosity_pa_s(shear) == pytest.approx(plant.vessel.viscosity_pa_s(shear))


def test_equal_seeds_give_equal_bits_and_others_do_not() -> None:
    def history(seed: int) -> list[dict[str, float | bool | int]]:
        plant = mixer(seed=seed)
        shown = []
        for i in range(200):
            plant.step(1.0, {**RUN, "mixer.solvent_flow_cmd": 0.001 * (i % 7)})
            shown.append(plant.sensors())
        return shown

    assert history(11) == history(11)
    assert history(11) != history(12)


def test_noise_does_not_depend_on_what_the_controller_does() -> None:
    """Two controllers on one seed meet the same room, sweep and friction."""
    lazy, busy = mixer(seed=4), mixer(seed=4)
    for _ in range(300):
        lazy.step(2.0, RUN)
        busy.step(2.0, {**RUN, "mixer.solvent_flow_cmd": 0.02, "mixer.anchor_speed_cmd": 0.6})
    assert lazy.vessel.ambient_k == busy.vessel.ambient_k
    assert lazy.panel.friction_n_m(0.5) == busy.panel.friction_n_m(0.5)


def test_the_length_of_a_step_hardly_matters() -> None:
    fine, coarse = mixer(CALM), mixer(CALM)
    drives = {**RUN, "mixer.solvent_flow_cmd": 0.005, "mixer.jacket_temp_cmd": 303.15}
    for _ in range(1800):
        fine.step(0.5, drives)
    for _ in range(90):
        coarse.step(10.0, drives)
    for key in (ETA, "mixer.temp_true", "mixer.mass_true"):
        assert coarse.truth()[key] == pytest.approx(fine.truth()[key], rel=1e-3)


@pytest.mark.parametrize("overrides", [{}, RECIPE_B])
@pytest.mark.parametrize("start", ["running", "cold"])
def test_any_drives_leave_finite_readings_and_no_negative_mass(
    overrides: Mapping[str, float], start: str
) -> None:
    draw = random.Random(9)
    largest = {
        "anchor_speed_cmd": 1.2,
        "disperser_speed_cmd": 30.0,
        "solvent_flow_cmd": 0.05,
        "charge_solvent": 1.0,
        "charge_adhesive": 1.0,
        "add_enhancer": 0.2,
        "add_api": 0.1,
        "transfer_flow": 2.0,
        "lab_sample": 1.0,
    }
    plant = mixer(overrides, seed=9, start=start)
    for _ in range(600):
        drives = {f"mixer.{k}": v * draw.choice((-1, 0, 0, 1)) for k, v in largest.items()}
        drives["mixer.jacket_temp_cmd"] = draw.uniform(273.15, 343.15)
        drives["mixer.vacuum"] = draw.choice((101_325.0, 3_000.0, 25_000.0))
        plant.step(draw.choice((0.1, 1.0, 7.0, 20.0)), drives)
        readings = {**plant.sensors(), **plant.truth()}
        assert all(math.isfinite(value) for value in readings.values())
        assert readings["mixer.mass_true"] >= 0.0
        assert 0.0 <= readings["mixer.solids_true"] <= 1.0
        assert 250.0 < readings["mixer.temp_true"] < 360.0


def test_every_parameter_says_where_it_comes_from() -> None:
    for row in MIXER_PARAMETERS:
        assert row.path.startswith("mixer.")
        assert row.source
        assert row.unit
