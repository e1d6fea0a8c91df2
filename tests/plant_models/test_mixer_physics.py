"""The mixer's balances and flow laws against numbers worked out elsewhere."""

from __future__ import annotations

import math

import pytest

from plant_models.dissolution import (
    bubble_diameter_m,
    bubble_rise_m_s,
    dissolution_rate_1_s,
    lump_rate_kg_s,
)
from plant_models.mixer_content import Charge, Content
from plant_models.mixer_heat import (
    evaporation_kg_s,
    heating_rate_k_s,
    thermal_time_constant_s,
    vapour_pressure_pa,
)
from plant_models.mixer_mass import (
    apparent_viscosity_pa_s,
    density_kg_m3,
    viscosity_25c_pa_s,
)
from plant_models.mixer_parameters import MIXER_PARAMETERS
from plant_models.parameters import Parameters

DESIGN = {
    "mixer.viscosity.activation": 35_000.0,
    "mixer.viscosity.cross_time": 0.02,
    "mixer.viscosity.cross_exponent": 0.6,
}
ETHYL_ACETATE = (9_700.0, 293.15, 33_500.0)


@pytest.fixture
def mass() -> Parameters:
    return Parameters(MIXER_PARAMETERS, DESIGN)


def test_thermal_time_constant_of_vessel_a_is_57_minutes() -> None:
    assert thermal_time_constant_s(500.0, 2000.0, 290.0) / 60.0 == pytest.approx(57.0, abs=0.6)


def test_heat_balance_rests_where_stirring_and_jacket_balance() -> None:
    assert heating_rate_k_s(
        500.0, 2000.0, 170.0, 290.0, 298.15, 298.15 + 170.0 / 290.0, 0.0, 0.0
    ) == pytest.approx(0.0, abs=1e-12)
    cooling = heating_rate_k_s(500.0, 2000.0, 0.0, 290.0, 298.15, 298.15, 1e-3, 0.38e6)
    assert cooling == pytest.approx(-0.38e3 / 1e6)


def test_35_kj_per_mol_is_minus_4_7_percent_per_kelvin(mass: Parameters) -> None:
    cold, warm = (apparent_viscosity_pa_s(mass, 6.0, 1.0, t, 0.05) for t in (297.65, 298.65))
    assert math.log(warm / cold) == pytest.approx(-0.047, abs=0.0005)


def test_five_percent_molar_mass_is_18_percent_viscosity(mass: Parameters) -> None:
    ratio = viscosity_25c_pa_s(mass, 0.42, 1.05) / viscosity_25c_pa_s(mass, 0.42, 1.0)
    assert ratio == pytest.approx(1.18, abs=0.001)


def test_one_percent_more_solids_thickens_by_10_to_19_percent(mass: Parameters) -> None:
    for alpha in (4.0, 8.0):
        mass.set("mixer.viscosity.solids_exponent", alpha)
        rise = viscosity_25c_pa_s(mass, 0.43, 1.0) / viscosity_25c_pa_s(mass, 0.42, 1.0) - 1.0
        assert 0.098 <= rise <= 0.21


def test_reference_mass_at_the_die_is_1_6_pa_s(mass: Parameters) -> None:
    at_die = apparent_viscosity_pa_s(mass, 6.0, 1.0, 298.15, 595.0)
    assert at_die == pytest.approx(1.6, abs=0.05)


def test_density_follows_temperature_and_solids(mass: Parameters) -> None:
    assert density_kg_m3(mass, 0.42, 298.15, 0.0) == 950.0
    assert density_kg_m3(mass, 0.42, 299.15, 0.0) == pytest.approx(948.8)
    assert density_kg_m3(mass, 0.43, 298.15, 0.0) == pytest.approx(951.3)
    # no solids at all is ethyl acetate, 894-902 kg/m3 at 20-25 C
    assert 890.0 < density_kg_m3(mass, 0.0, 298.15, 0.0) < 902.0


def test_losing_11_6_kg_raises_solids_from_42_to_43_percent() -> None:
    content = Content(solvent_kg=290.0, dissolved_kg=210.0)
    assert content.solids == 0.42
    assert content.evaporate(11.6, 1.0) == pytest.approx(11.6)
    assert content.solids == pytest.approx(0.43, abs=2e-4)


def test_bubbles_rise_as_stokes_says() -> None:
    millimetre = bubble_rise_m_s(950.0, 1e-3, 5.0)
    assert millimetre == pytest.approx(0.10e-3, abs=0.005e-3)
    assert 0.8 / millimetre / 3600.0 == pytest.approx(2.1, abs=0.1)
    assert 0.8 / bubble_rise_m_s(950.0, 0.2e-3, 5.0) / 3600.0 == pytest.approx(54.0, abs=1.5)
    assert bubble_diameter_m(1e-3, 8.0, 1.0) == pytest.approx(2e-3)


def test_ethyl_acetate_flashes_below_130_mbar() -> None:
    assert vapour_pressure_pa(293.15, *ETHYL_ACETATE) == 9_700.0
    at_25 = vapour_pressure_pa(298.15, *ETHYL_ACETATE)
    assert 11_500.0 < at_25 < 13_000.0  # handbook 12.4 kPa at 25 C
    calm = evaporation_kg_s(3e-4, at_25, at_25, 13_000.0, 1e-6)
    flash = evaporation_kg_s(3e-4, at_25, at_25, 8_000.0, 1e-6)
    assert calm == pytest.approx(3.0 * 3e-4)
    assert flash > 4.0 * calm


def test_dissolution_is_faster_when_stirred_and_warm() -> None:
    base = dissolution_rate_1_s(1.0 / 1200.0, 0.5, 0.5, 298.15, 298.15, 25_000.0)
    assert base == pytest.approx(1.0 / 1200.0)
    assert dissolution_rate_1_s(1.0 / 1200.0, 1.0, 0.5, 298.15, 298.15, 25_000.0) > 1.3 * base
    assert dissolution_rate_1_s(1.0 / 1200.0, 0.5, 0.5, 308.15, 298.15, 25_000.0) > 1.3 * base
    assert dissolution_rate_1_s(1.0 / 1200.0, 0.0, 0.5, 298.15, 298.15, 25_000.0) > 0.0


def test_lumps_form_from_dry_powder_and_break_under_the_disperser() -> None:
    assert lump_rate_kg_s(0.0, 0.1, 0.85, 1e-5, 0.0) == pytest.approx(0.015)
    assert lump_rate_kg_s(1.0, 0.0, 0.85, 1e-5, 20.0) == pytest.approx(-0.004)


def test_content_balances_through_charge_blend_dissolve_evaporate_withdraw() -> None:
    content = Content()
    flows = Charge(trim_solvent=0.1, solvent=0.5, adhesive=0.5, enhancer=0.1, powder=0.05)
    for _ in range(100):
        content.charge(flows, 0.47, 0.85, 1.0)
        content.blend(100.0, 1.0)
        content.dissolve(1e-3, 1e-5, 20.0, 1.0)
    charged = 100.0 * flows.total_kg_s()
    solids = 100.0 * (0.5 * 0.47 + 0.1 + 0.05)
    assert content.mass_kg == pytest.approx(charged, rel=1e-12)
    assert content.solids_kg == pytest.approx(solids, rel=1e-12)
    lost = content.evaporate(0.01, 10.0)
    taken = content.withdraw(20.0)
    assert content.mass_kg == pytest.approx(charged - lost - taken, rel=1e-12)
    assert 0.0 < content.dissolved < 1.0
    assert content.withdraw(1e9) == pytest.approx(charged - lost - taken, rel=1e-9)
    assert content.empty
