"""The family of plants that differ from their control models."""

from __future__ import annotations

import math

import pytest

from plant_models.coater_parameters import COATER_PARAMETERS
from plant_models.coating_parameters import COATING_PARAMETERS
from plant_models.line_plant import table_of
from plant_models.mismatch import SPREADS, mismatch
from plant_models.mixer_parameters import MIXER_PARAMETERS
from plant_models.mixer_plant import MixerPlant
from plant_models.mixing_parameters import MIXING_PARAMETERS
from plant_models.parameters import Parameters

ROWS = {
    row.path: row.value
    for row in COATER_PARAMETERS + COATING_PARAMETERS + MIXER_PARAMETERS + MIXING_PARAMETERS
}


def test_a_seed_is_a_plant() -> None:
    assert mismatch(4) == mismatch(4)
    assert mismatch(4) != mismatch(5)


@pytest.mark.requirement("HIL-04")
def test_every_draw_names_a_plant_parameter_and_stays_in_its_spread() -> None:
    drawn = [mismatch(seed) for seed in range(200)]
    for spread in SPREADS:
        assert table_of(spread.path) in ("coater", "mixer")
        centre = ROWS[spread.believed or spread.path]
        parts = [plant[spread.path] / centre - 1.0 for plant in drawn]
        assert max(abs(part) for part in parts) <= spread.part * (1.0 + 1e-9)
        assert max(parts) > 0.9 * spread.part  # the whole width is used
        assert min(parts) < -0.9 * spread.part


@pytest.mark.requirement("HIL-04")
def test_the_spreads_of_the_process_design_are_covered() -> None:
    parts = {spread.path: spread.part for spread in SPREADS}
    assert parts["coater.pump.displacement"] >= 0.10  # gain
    assert parts["coater.gauge.distance"] >= 0.20  # delay
    assert parts["mixer.anchor.power_constant"] >= 0.25
    assert parts["mixer.anchor.shear_constant"] >= 0.25
    assert parts["mixer.viscosity.solids_exponent"] >= 0.30
    assert parts["mixer.jacket.conductance"] >= 0.30


@pytest.mark.parametrize("seed", range(12))
def test_every_drawn_mixer_starts_above_target_with_a_roughly_right_viscometer(seed: int) -> None:
    drawn = {path: value for path, value in mismatch(seed).items() if path.startswith("mixer.")}
    plant = MixerPlant(Parameters(MIXER_PARAMETERS, drawn), seed)
    truth = plant.truth()["mixer.viscosity_25c_true"]
    assert 1.05 < truth / 6.0 < 1.13
    assert math.log(float(plant.sensors()["mixer.viscosity"]) / truth) == pytest.approx(0, abs=0.12)
