"""The mixer's instruments: late, noisy, biased, each in its own documented way."""

from __future__ import annotations

import statistics

import pytest

from plant_models.lab import Laboratory
from plant_models.mixer_instruments import SlowDrift, lagged, quantised
from plant_models.mixer_parameters import MIXER_PARAMETERS
from plant_models.mixer_plant import MixerPlant
from plant_models.parameters import Parameters
from plant_models.viscometer import InlineViscometer

RUN = {"mixer.anchor_speed_cmd": 0.5, "mixer.jacket_temp_cmd": 298.15}


def test_lab_results_come_15_to_40_minutes_late_in_order_and_within_their_error() -> None:
    p = Parameters(MIXER_PARAMETERS, {"mixer.lab.interval": 600.0})
    lab = Laboratory(p, seed=2)
    late: dict[int, float] = {}
    errors: list[float] = []
    for now in range(0, 400_000, 10):
        lab.step(float(now), 6.0, asked=False, present=True)
        if lab.shown is not None and lab.shown.number not in late:
            late[lab.shown.number] = now - lab.shown.taken_s
            errors.append(lab.shown.viscosity_25c_pa_s / 6.0 - 1.0)
    assert len(late) > 600
    assert list(late) == sorted(late)
    assert min(late.values()) >= 900.0
    assert statistics.median(late.values()) < 2400.0
    assert statistics.stdev(errors) == pytest.approx(0.015, rel=0.1)
    assert abs(statistics.mean(errors)) < 0.002


def test_a_lone_sample_is_never_later_than_40_minutes() -> None:
    for seed in range(50):
        lab = Laboratory(Parameters(MIXER_PARAMETERS), seed)
        lab.take(0.0, 6.0)
        lab.step(899.0, 6.0, asked=False, present=True)
        assert lab.shown is None
        lab.step(2400.0, 6.0, asked=False, present=True)
        assert lab.shown is not None


def test_a_sample_is_taken_once_per_edge_and_never_from_an_empty_vessel() -> None:
    lab = Laboratory(Parameters(MIXER_PARAMETERS, {"mixer.lab.interval": 0.0}), seed=2)
    for now in range(0, 100, 10):
        lab.step(float(now), 6.0, asked=True, present=True)
    lab.step(100.0, 6.0, asked=False, present=True)
    lab.step(110.0, 6.0, asked=True, present=False)
    lab.step(1e5, 6.0, asked=False, present=True)
    assert lab.shown is not None
    assert lab.shown.number == 1


def test_the_plant_shows_the_age_of_the_sample() -> None:
    plant = MixerPlant(Parameters(MIXER_PARAMETERS, {"mixer.lab.interval": 0.0}), seed=6)
    truth = plant.truth()["mixer.viscosity_25c_true"]
    plant.step(10.0, {**RUN, "mixer.lab_sample": 1.0})
    seen = plant.sensors()
    while seen["mixer.lab_number"] == 1:
        plant.step(10.0, RUN)
        seen = plant.sensors()
    assert seen["mixer.lab_number"] == 2
    assert 900.0 <= seen["mixer.lab_age"] <= 2410.0
    assert seen["mixer.lab_age"] == pytest.approx(plant.vessel.time_s - 10.0)
    assert seen["mixer.lab_viscosity"] == pytest.approx(truth, rel=0.06)


def test_viscometer_agrees_on_the_reference_mass_and_underrates_a_new_lot() -> None:
    """Commissioned on the reference; its own shear rate sees less of a longer polymer."""
    quiet = {
        "mixer.viscometer.noise": 0.0,
        "mixer.viscometer.air_noise": 0.0,
        "mixer.viscometer.fouling": 0.0,
        "mixer.start.temp": 298.15,
        "mixer.start.dissolved": 1.0,
        "mixer.start.viscosity_excess": 0.0,
        "mixer.evaporation.rate": 0.0,
    }
    shown = {}
    for mw in (1.0, 1.05):
        excess = mw**3.4 - 1.0
        lot = {"mixer.lot.mw_ratio": mw, "mixer.start.viscosity_excess": excess}
        plant = MixerPlant(Parameters(MIXER_PARAMETERS, {**quiet, **lot}), seed=1)
        truth = plant.truth()["mixer.viscosity_25c_true"]
        assert truth == pytest.approx(6.0 * mw**3.4, rel=1e-6)
        shown[mw] = float(plant.sensors()["mixer.viscosity"]) / truth
    assert shown[1.0] == pytest.approx(1.0, abs=0.005)
    assert shown[1.05] == pytest.approx(0.966, abs=0.01)


def test_viscometer_lags_and_fouls() -> None:
    p = Parameters(
        MIXER_PARAMETERS,
        {
            "mixer.viscometer.noise": 0.0,
            "mixer.viscometer.calibration": 1.0,
            "mixer.viscometer.fouling": 0.0,
            "mixer.viscometer.fouling_per_hour": 0.0,
        },
    )
    probe = InlineViscometer(p, seed=1)
    probe.step(0.0, 3.0, 0.0)
    probe.step(3.0, 6.0, 0.0)
    assert probe.shown_pa_s == pytest.approx(6.0 - 3.0 * 0.368, abs=0.01)
    for _ in range(20):
        probe.step(3.0, 6.0, 0.0)
    assert probe.shown_pa_s == pytest.approx(6.0, abs=0.005)
    p.set("mixer.viscometer.fouling", 0.10)
    probe.step(3.0, 6.0, 0.0)
    assert probe.shown_pa_s == pytest.approx(5.4, abs=0.005)


def test_cleaning_takes_the_film_off() -> None:
    p = Parameters(
        MIXER_PARAMETERS,
        {"mixer.viscometer.noise": 0.0, "mixer.viscometer.fouling_per_hour": 0.1},
    )
    probe = InlineViscometer(p, seed=1)
    probe.step(0.0, 3.0, 0.0)
    clean = probe.shown_pa_s
    probe.step(7200.0, 3.0, 0.0)
    assert probe.shown_pa_s == pytest.approx(clean * 0.79 / 0.99, abs=0.01)
    probe.clean()
    probe.step(1.0, 3.0, 0.0)
    assert probe.shown_pa_s == pytest.approx(clean, abs=0.01)


def test_torque_noise_and_friction_are_as_stated() -> None:
    plant = MixerPlant(Parameters(MIXER_PARAMETERS), seed=8)
    errors = []
    for _ in range(600):
        plant.step(1.0, RUN)
        truth = plant.truth()
        whole = truth["mixer.torque_true"] + truth["mixer.friction_true"]
        errors.append(float(plant.sensors()["mixer.torque"]) - whole)
    assert 5.0 <= plant.truth()["mixer.friction_true"] <= 18.0
    assert statistics.stdev(errors) == pytest.approx(2.5, rel=0.15)
    plant.set_parameter("mixer.torque.bias", 10.0)
    plant.step(1.0, RUN)
    truth = plant.truth()
    whole = truth["mixer.torque_true"] + truth["mixer.friction_true"] + 10.0
    assert float(plant.sensors()["mixer.torque"]) == pytest.approx(whole, abs=10.0)


def test_totaliser_follows_delivery_within_its_gain() -> None:
    plant = MixerPlant(Parameters(MIXER_PARAMETERS), seed=8)
    for _ in range(600):
        plant.step(1.0, {**RUN, "mixer.solvent_flow_cmd": 0.01})
    delivered = plant.truth()["mixer.solvent_total_true"]
    assert delivered == pytest.approx(6.06, abs=0.05)
    assert plant.sensors()["mixer.solvent_total"] == pytest.approx(0.995 * delivered, rel=1e-6)


def test_a_leaking_valve_escapes_the_totaliser() -> None:
    plant = MixerPlant(Parameters(MIXER_PARAMETERS, {"mixer.solvent.leak": 0.002}), seed=8)
    plant.step(1000.0, RUN)
    assert plant.truth()["mixer.solvent_total_true"] == pytest.approx(2.0, rel=1e-6)
    assert plant.sensors()["mixer.solvent_total"] == 0.0


def test_slow_drift_has_unit_spread_and_remembers() -> None:
    values = [SlowDrift(seed, "x", 100.0).step(50.0) for seed in range(2000)]
    assert statistics.stdev(values) == pytest.approx(1.0, rel=0.06)
    drift = SlowDrift(1, "x", 1e6)
    before = drift.value
    assert drift.step(1.0) == pytest.approx(before, abs=0.01)


def test_lag_is_exact_and_quantising_rounds() -> None:
    assert lagged(0.0, 1.0, 10.0, 10.0) == pytest.approx(0.632, abs=0.001)
    twice = lagged(lagged(0.0, 1.0, 10.0, 5.0), 1.0, 10.0, 5.0)
    assert twice == pytest.approx(lagged(0.0, 1.0, 10.0, 10.0))
    assert lagged(0.0, 1.0, 0.0, 1.0) == 1.0
    assert quantised(1.234, 0.05) == pytest.approx(1.25)
