"""The gelation clock: induction, divergence, pot life, and what cannot be undone."""

from __future__ import annotations

import pytest

from plant_models.gelation import LARGEST_FACTOR, Gelation, GelationKinetics
from plant_models.mixer_mass import gel_kinetics
from plant_models.mixer_parameters import MIXER_PARAMETERS, RECIPE_B
from plant_models.mixer_plant import MixerPlant
from plant_models.parameters import Parameters

ROOM_K = 298.15


@pytest.fixture
def kinetics() -> GelationKinetics:
    return gel_kinetics(Parameters(MIXER_PARAMETERS, RECIPE_B))


def test_nothing_links_during_induction(kinetics: GelationKinetics) -> None:
    clock = Gelation()
    for _ in range(89):
        clock = kinetics.advance(clock, ROOM_K, 10.0)
    assert clock.age_s == 890.0
    assert clock.bound < 0.8  # aluminium is being released all the while
    assert clock.conversion == 0.0


def test_conversion_only_rises_and_never_passes_one(kinetics: GelationKinetics) -> None:
    clock, last = Gelation(), 0.0
    for _ in range(2000):
        clock = kinetics.advance(clock, ROOM_K, 60.0)
        assert last <= clock.conversion <= 1.0
        last = clock.conversion
    assert last > kinetics.gel_point


def test_viscosity_diverges_at_the_gel_point(kinetics: GelationKinetics) -> None:
    factors = [kinetics.viscosity_factor(kinetics.gel_point * (1.0 - 10.0**-k)) for k in (1, 2, 3)]
    assert kinetics.viscosity_factor(0.0) == 1.0
    # p = 2: every tenth of the distance to the gel point is a hundredfold
    assert factors[0] == pytest.approx(100.0, rel=1e-6)
    assert factors[1] == pytest.approx(10_000.0, rel=1e-6)
    assert factors[2] == LARGEST_FACTOR
    assert kinetics.viscosity_factor(0.99) == LARGEST_FACTOR


def test_pot_life_is_two_and_a_half_hours_and_shortens_with_warmth(
    kinetics: GelationKinetics,
) -> None:
    hours = [kinetics.pot_life_s(t + 273.15) / 3600.0 for t in (15.0, 25.0, 35.0)]
    assert hours[1] == pytest.approx(2.5, abs=0.05)
    assert 1.0 < hours[2] < hours[1] < hours[0]
    # E of 50-70 kJ/mol: ten kelvin are a factor of 1.9 to 2.6
    assert 1.9 < hours[0] / hours[1] < 2.6


def test_the_step_does_not_matter_much(kinetics: GelationKinetics) -> None:
    fine, coarse = Gelation(), Gelation()
    for _ in range(7200):
        fine = kinetics.advance(fine, ROOM_K, 1.0)
    for _ in range(360):
        coarse = kinetics.advance(coarse, ROOM_K, 20.0)
    assert coarse.conversion == pytest.approx(fine.conversion, rel=0.01)


def test_dilution_thins_the_sol_but_cannot_undo_the_gel() -> None:
    """Solvent lowers the viscosity for a while; the clock runs on and wins."""
    drives = {"mixer.anchor_speed_cmd": 0.2, "mixer.jacket_temp_cmd": ROOM_K}
    plant = MixerPlant(Parameters(MIXER_PARAMETERS, RECIPE_B), seed=3)
    for _ in range(5400):
        plant.step(2.0, drives)
    before = plant.truth()
    for _ in range(300):
        plant.step(2.0, {**drives, "mixer.solvent_flow_cmd": 0.02})
    diluted = plant.truth()
    assert diluted["mixer.solids_true"] < before["mixer.solids_true"]
    assert diluted["mixer.viscosity_25c_true"] < before["mixer.viscosity_25c_true"]
    assert diluted["mixer.gel_conversion_true"] > before["mixer.gel_conversion_true"]
    for _ in range(5400):
        plant.step(2.0, drives)
    assert plant.truth()["mixer.viscosity_25c_true"] > 3.0 * before["mixer.viscosity_25c_true"]


def test_recipe_a_has_no_gel_clock() -> None:
    plant = MixerPlant(Parameters(MIXER_PARAMETERS), seed=3)
    plant.step(60.0, {"mixer.anchor_speed_cmd": 0.5})
    assert plant.truth()["mixer.gel_age_true"] == 0.0
