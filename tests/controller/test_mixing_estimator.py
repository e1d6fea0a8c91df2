"""The mixing estimator against the control model itself with other disturbances."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from controller.mixing_channels import WALKERS
from controller.mixing_estimator import MixingEstimator
from controller.mixing_settings import MIXING_SETTINGS
from controller.plan import PlanRequest
from controller.transcription import discrete_map
from plant_models.mixing_control import control_model
from plant_models.parameters import Parameters
from tests.controller.models import request

PERIOD = 20.0
ANCHOR, JACKET, SOLVENT = "mixer.anchor_sp", "mixer.jacket_sp", "mixer.solvent_sp"


class ModelMixer:
    """The control model as plant, with disturbances the estimator must find."""

    def __init__(self, *, visc: float = 0.0, probe: float = 0.0, torque: float = 0.0) -> None:
        self.model = control_model()
        known = dict(self.model.nominal)
        self.p = np.array([known[name] for name in self.model.disturbances])
        for name, value in (("d_visc", visc), ("d_probe", probe), ("d_torque", torque)):
            self.p[self.model.disturbances.index(name)] = value
        self.x = self.model.nominal_vector(self.model.states)
        self.x[self.model.states.index("mixer.unblended")] = 0.0
        self.u = {ANCHOR: 0.5, JACKET: 298.15, SOLVENT: 0.0}
        self.advance = discrete_map(self.model, PERIOD)
        self.now_s = 0.0
        self.random = random.Random(11)
        self.lab: dict[str, float] = {}
        self.past: list[tuple[float, float]] = []

    @property
    def eta25(self) -> float:
        return self.seen()["mixer.viscosity_25c"]

    def seen(self) -> dict[str, float]:
        return self.model.observe(self.x, np.array(list(self.u.values())), self.p)

    def run(self, cycles: int = 1) -> None:
        for _ in range(cycles):
            self.past.append((self.now_s, self.eta25))
            ahead = self.advance(self.x, np.array(list(self.u.values())), self.p)
            self.x = np.asarray(ahead, dtype=float).ravel()
            self.now_s += PERIOD

    def report(self, number: int, age_s: float, error: float = 0.0) -> None:
        """A lab result arrives now about a sample taken `age_s` ago."""
        taken = self.now_s - age_s
        then = min(self.past, key=lambda row: abs(row[0] - taken))[1]
        self.lab = {
            "mixer.lab_viscosity": then * (1.0 + error),
            "mixer.lab_number": number,
            "mixer.lab_age": age_s,
        }

    def ask(self, *leave_out: str, noise: float = 1.0) -> PlanRequest:
        gauss = self.random.gauss
        seen = self.seen()
        state = dict(zip(self.model.states, self.x, strict=True))
        values: dict[str, float] = {
            "mixer.batch": 1,
            "mixer.mass": seen["mixer.mass"] + noise * gauss(0.0, 0.15),
            "mixer.temp": seen["mixer.temp"] + noise * gauss(0.0, 0.02),
            "mixer.jacket_temp": float(state["mixer.jacket_temp"]),
            "mixer.anchor_speed": float(state["mixer.anchor_speed"]),
            "mixer.torque": seen["mixer.torque"] + noise * gauss(0.0, 2.5),
            "mixer.viscosity": seen["mixer.viscosity"] * (1.0 + noise * gauss(0.0, 0.0075)),
            "mixer.ambient_temp": 295.15,
            **self.lab,
        }
        kept = {tag: value for tag, value in values.items() if tag not in leave_out}
        return request("mixing", self.now_s, kept, self.u)


def estimator(**settings: float) -> MixingEstimator:
    overrides = {name.replace("__", "."): value for name, value in settings.items()}
    return MixingEstimator(
        control_model(), Parameters(MIXING_SETTINGS, overrides), PERIOD, bad_cycles=12
    )


def test_a_new_lot_is_found_by_the_viscometer() -> None:
    mixer, seen = ModelMixer(), estimator()
    for _ in range(30):
        mixer.run()
        seen.update(mixer.ask(), 2)
    mixer.p[mixer.model.disturbances.index("d_visc")] = 0.10
    mixer.p[mixer.model.disturbances.index("d_probe")] = -0.02  # it misses a fifth of a lot
    shown = 0.0
    for _ in range(60):
        mixer.run()
        shown = seen.update(mixer.ask(), 2).shown["mixer.viscosity_25c"]
    assert shown == pytest.approx(mixer.eta25, rel=0.015)


def test_the_lab_makes_the_estimate_free_of_offset() -> None:
    mixer, seen = ModelMixer(probe=-0.05, visc=0.08, torque=12.0), estimator()
    shown = 0.0
    for cycle in range(1, 400):
        mixer.run()
        if cycle % 60 == 0:
            mixer.report(cycle // 60, age_s=1500.0 if cycle > 75 else 600.0)
        shown = seen.update(mixer.ask(noise=0.3), 2).shown["mixer.viscosity_25c"]
    assert shown == pytest.approx(mixer.eta25, rel=4e-3)
    assert seen.value("d_probe") == pytest.approx(-0.05, abs=0.01)


def test_a_late_sample_counts_for_the_time_it_was_taken() -> None:
    """The same result is good news or bad news depending on when its sample was taken."""
    mixer, on_time, as_if_now = ModelMixer(), estimator(), estimator()
    for cycle in range(140):
        mixer.u[SOLVENT] = 0.012 if 60 <= cycle < 100 else 0.0  # thinned after the sample
        mixer.run()
        before = on_time.update(mixer.ask(noise=0.0), 2).shown["mixer.viscosity_25c"]
        as_if_now.update(mixer.ask(noise=0.0), 2)
    mixer.run()
    mixer.report(1, age_s=100 * PERIOD)
    told = mixer.lab["mixer.lab_viscosity"]
    assert told > 1.1 * mixer.eta25  # it was thicker then
    right = on_time.update(mixer.ask(noise=0.0), 2)
    mixer.lab["mixer.lab_age"] = 0.0
    wrong = as_if_now.update(mixer.ask(noise=0.0), 2)
    assert right.shown["mixer.viscosity_25c"] == pytest.approx(before, rel=2e-3)
    assert wrong.shown["mixer.viscosity_25c"] > 1.02 * before
    assert any("lab sample 1" in note for note in right.notes)


def test_running_again_from_a_sample_is_what_would_have_been_had_it_come_at_once() -> None:
    mixer, late, at_once = ModelMixer(probe=-0.04), estimator(), estimator()
    requests: list[PlanRequest] = []
    for _ in range(80):
        mixer.run()
        requests.append(mixer.ask())
    sample: dict[str, float | int | bool | str] = {
        "mixer.lab_viscosity": 6.3,
        "mixer.lab_number": 3,
    }
    for i, plain in enumerate(requests):
        with_lab = dict(plain.values) | sample
        with_lab["mixer.lab_age"] = plain.now_s - requests[40].now_s
        late.update(_with(plain, with_lab) if i >= 70 else plain, 2)
        at_once.update(_with(plain, with_lab) if i >= 40 else plain, 2)
    assert np.allclose(late.belief.z, at_once.belief.z, rtol=1e-9, atol=1e-9)


def test_a_sample_is_used_once() -> None:
    mixer, seen = ModelMixer(), estimator()
    for _ in range(60):
        mixer.run()
        seen.update(mixer.ask(noise=0.0), 2)
    mixer.report(1, age_s=600.0, error=0.05)
    first = seen.update(mixer.ask(noise=0.0), 2)
    again = seen.update(_later(mixer.ask(noise=0.0)), 2)
    assert any("lab sample" in note for note in first.notes)
    assert not any("lab sample" in note for note in again.notes)


def test_samples_out_of_order_each_count_once_at_their_own_time() -> None:
    """A younger sample may be reported first; told in either order the estimate is the same."""
    mixer = ModelMixer(probe=-0.04)
    plain: list[PlanRequest] = []
    for _ in range(60):
        mixer.run()
        plain.append(mixer.ask())

    def estimated(order: tuple[tuple[int, int], ...]) -> MixingEstimator:
        seen = estimator()
        arrivals = dict(zip((50, 52, 54, 56), (*order, *order), strict=True))  # each told twice
        for i, one in enumerate(plain):
            values = dict(one.values)
            if i in arrivals:
                number, taken = arrivals[i]
                values |= {
                    "mixer.lab_viscosity": 6.2 + 0.1 * number,
                    "mixer.lab_number": number,
                    "mixer.lab_age": one.now_s - plain[taken].now_s,
                }
            seen.update(_with(one, values), 2)
        return seen

    forward, backward = estimated(((1, 10), (2, 30))), estimated(((2, 30), (1, 10)))
    assert np.allclose(forward.belief.z, backward.belief.z, rtol=1e-9, atol=1e-9)
    once = estimator()
    for i, one in enumerate(plain):
        values = dict(one.values)
        if i in (10, 30):
            number = 1 if i == 10 else 2
            values |= {
                "mixer.lab_viscosity": 6.2 + 0.1 * number,
                "mixer.lab_number": number,
                "mixer.lab_age": 0.0,
            }
        once.update(_with(one, values), 2)
    assert np.allclose(forward.belief.z, once.belief.z, rtol=1e-9, atol=1e-9)


def test_a_reading_of_uncertain_quality_weighs_less() -> None:
    moved = {}
    for quality in (2, 1):
        mixer, seen = ModelMixer(), estimator()
        for cycle in range(60):
            if cycle == 40:
                mixer.p[mixer.model.disturbances.index("d_visc")] = 0.05
            mixer.run()
            asked = replace(mixer.ask(noise=0.0), quality={"mixer.viscosity": quality})
            seen.update(asked, 2)
            if cycle == 42:
                moved[quality] = seen.value("d_visc")
    assert moved[1] < 0.6 * moved[2]


def test_the_models_parameters_are_frozen_only_states_and_offsets_are_estimated() -> None:
    mixer, seen = ModelMixer(visc=0.1), estimator()
    before = dict(mixer.model.parameters)
    for _ in range(30):
        mixer.run()
        seen.update(mixer.ask(), 2)
    assert dict(seen._model.parameters) == before
    assert len(seen.belief.z) == len(mixer.model.states) + len(WALKERS)


def test_innovations_are_shown() -> None:
    mixer, seen = ModelMixer(), estimator()
    shown: Mapping[str, float] = {}
    for _ in range(120):
        mixer.run()
        shown = seen.update(mixer.ask(), 2).shown
    assert 0.05 < shown["innovation.nis"] < 2.0
    assert abs(shown["innovation.whiteness"]) < 1.0


def test_a_sample_from_before_the_beginning_still_tells_something() -> None:
    mixer, seen, blind = ModelMixer(probe=-0.05), estimator(), estimator()
    mixer.run(90)
    without = blind.update(mixer.ask(noise=0.0), 2).shown["mixer.viscosity_25c"]
    mixer.report(1, age_s=1500.0)
    with_lab = seen.update(mixer.ask(noise=0.0), 2).shown["mixer.viscosity_25c"]
    assert abs(with_lab - mixer.eta25) < 0.6 * abs(without - mixer.eta25)


def test_missing_readings_are_predicted_and_then_dropped() -> None:
    mixer, seen = ModelMixer(), estimator()
    for _ in range(40):
        mixer.run()
        seen.update(mixer.ask(), 2)
    learnt = seen.value("d_visc")
    for cycle in range(1, 20):
        mixer.run()
        now = seen.update(mixer.ask("mixer.viscosity", "mixer.torque"), 2)
        assert seen.value("d_visc") == pytest.approx(learnt, abs=2e-3)
        assert ("mixer.viscosity_25c" in now.dropped) == (cycle > 12)


def test_one_wild_reading_is_not_believed() -> None:
    mixer, seen = ModelMixer(), estimator()
    for _ in range(40):
        mixer.run()
        seen.update(mixer.ask(), 2)
    learnt = seen.value("d_visc")
    mixer.run()
    odd = mixer.ask()
    seen.update(_with(odd, dict(odd.values) | {"mixer.viscosity": 12.0}), 2)
    assert seen.value("d_visc") == pytest.approx(learnt, abs=5e-3)


def test_evaporation_shows_in_the_mass() -> None:
    mixer, seen = ModelMixer(), estimator()
    mixer.p[mixer.model.disturbances.index("mixer.evaporation")] = 2.5 / 3600.0
    for _ in range(400):
        mixer.run()
        seen.update(mixer.ask(), 2)
    assert seen.value("mixer.evaporation") == pytest.approx(2.5 / 3600.0, rel=0.25)


def test_another_batch_begins_anew() -> None:
    mixer, seen = ModelMixer(visc=0.2), estimator()
    for _ in range(40):
        mixer.run()
        seen.update(mixer.ask(), 2)
    mixer.p[mixer.model.disturbances.index("d_visc")] = -0.1
    fresh = mixer.ask(noise=0.0)
    now = seen.update(_with(fresh, dict(fresh.values) | {"mixer.batch": 2}), 2)
    assert now.shown["mixer.viscosity_25c"] == pytest.approx(mixer.eta25, rel=0.01)


def test_absurd_readings_leave_the_estimate_inside_its_bounds() -> None:
    mixer, seen = ModelMixer(), estimator()
    for _ in range(30):
        mixer.run()
        odd = mixer.ask()
        values = dict(odd.values)
        values |= {"mixer.viscosity": 1e9, "mixer.torque": -1e7, "mixer.temp": 900.0}
        now = seen.update(_with(odd, values), 2)
    assert np.all(np.isfinite(now.state))
    assert abs(seen.value("d_visc")) <= 1.5
    assert now.shown["mixer.viscosity_25c"] < math.inf


def _with(plain: PlanRequest, values: dict[str, float | int | bool | str]) -> PlanRequest:
    return request("mixing", plain.now_s, values, plain.applied)


def _later(plain: PlanRequest) -> PlanRequest:
    return request("mixing", plain.now_s + PERIOD, plain.values, plain.applied)
