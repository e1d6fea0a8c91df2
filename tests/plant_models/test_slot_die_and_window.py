"""Reference A of the process design, slot pressure, knife films and the coating window."""

from __future__ import annotations

import pytest

from plant_models.coating_window import (
    PLATEAU_T_OVER_H,
    capillary_number,
    low_flow_capillary_number,
    low_flow_limit,
    low_flow_limit_in_practice,
    viscous_limits,
)
from plant_models.knife import (
    PRANDTL_HOPKINS,
    SWIFT_STIEBER,
    comma_thickness_m,
    knife_thickness_m,
)
from plant_models.rheology import cross
from plant_models.slot_die import (
    compliance_m3_pa,
    cross_pressure_pa,
    dry_coat_weight_kg_m2,
    local_lip_gain,
    newtonian_pressure_pa,
    newtonian_wall_shear_1_s,
    pipe_pressure_pa,
    power_law_pressure_pa,
    slip_m3_s,
    wet_thickness_m,
)

WIDTH_M, SPEED_M_S, SOLIDS, DENSITY = 0.60, 10.0 / 60.0, 0.42, 950.0
FLOW_M3_S = 1.289e-3 / 60.0
PER_WIDTH = FLOW_M3_S / WIDTH_M
H_SLOT, LAND = 600e-6, 0.060


def test_reference_a_closes_its_mass_balance() -> None:
    assert wet_thickness_m(FLOW_M3_S, WIDTH_M, SPEED_M_S) == pytest.approx(215e-6, rel=0.005)
    coat = dry_coat_weight_kg_m2(FLOW_M3_S, WIDTH_M, SPEED_M_S, SOLIDS, DENSITY)
    assert coat == pytest.approx(85.7e-3, rel=0.002)
    assert FLOW_M3_S * DENSITY * 3600.0 == pytest.approx(73.5, abs=0.1)  # kg/h
    assert FLOW_M3_S / 50e-6 * 60.0 == pytest.approx(25.8, abs=0.05)  # rpm at 50 mL/rev


def test_reference_slot_has_600_per_second_at_its_wall_and_1_9_bar() -> None:
    shear = newtonian_wall_shear_1_s(PER_WIDTH, H_SLOT)
    assert shear == pytest.approx(600.0, rel=0.01)
    mu = cross(shear, 6.0, 0.02, 0.6)
    assert newtonian_pressure_pa(PER_WIDTH, H_SLOT, LAND, mu) == pytest.approx(1.9e5, rel=0.03)


def test_shear_thinning_slot_pressure_is_between_its_newtonian_bounds() -> None:
    pressure, n = cross_pressure_pa(PER_WIDTH, H_SLOT, LAND, 6.0, 0.02, 0.6)
    assert 0.6 < n < 0.8
    assert 1.9e5 < pressure < 2.3e5
    newtonian = newtonian_pressure_pa(PER_WIDTH, H_SLOT, LAND, 1.6)
    assert power_law_pressure_pa(PER_WIDTH, H_SLOT, LAND, 1.6, 1.0) == pytest.approx(newtonian)


def test_hose_takes_0_4_bar() -> None:
    assert pipe_pressure_pa(FLOW_M3_S, 0.025, 5.0, 6.0, 0.02, 0.6) == pytest.approx(4e4, rel=0.1)


def test_slip_grows_faster_than_pressure_and_air_softens_the_line() -> None:
    low = slip_m3_s(2e5, 1.0, 1e-12, 8e5)
    assert slip_m3_s(4e5, 1.0, 1e-12, 8e5) > 2.0 * low
    assert slip_m3_s(2e5, 2.0, 1e-12, 8e5) == pytest.approx(0.5 * low)
    assert compliance_m3_pa(1e-11, 50e-6, 2e5) > compliance_m3_pa(1e-11, 50e-6, 4e5) > 1e-11


@pytest.mark.parametrize(("n", "per_cent"), [(1.0, 0.50), (0.6, 0.61)])
def test_one_micrometre_of_lip_moves_the_local_coat(n: float, per_cent: float) -> None:
    assert 100.0 * local_lip_gain(n) * 1e-6 / H_SLOT == pytest.approx(per_cent, abs=0.005)


@pytest.mark.parametrize(("Ca", "ratio"), [(0.01, 0.03), (0.1, 0.126), (1.0, 0.40), (10.0, 0.76)])
def test_low_flow_limit(Ca: float, ratio: float) -> None:
    assert low_flow_limit(Ca) == pytest.approx(ratio, abs=0.005)
    # 1.49 is the rounded inverse of 0.65 and 2 in the published form
    assert low_flow_capillary_number(low_flow_limit(Ca)) == pytest.approx(Ca, rel=0.015)
    assert low_flow_limit_in_practice(Ca) <= PLATEAU_T_OVER_H


def test_reference_bead_stands_at_ca_10_and_0_77() -> None:
    assert capillary_number(1.6, SPEED_M_S, 0.026) == pytest.approx(10.0, rel=0.03)
    assert SPEED_M_S / 280e-6 == pytest.approx(595.0, rel=0.002)
    assert 215e-6 / 280e-6 == pytest.approx(0.77, abs=0.005)
    # the formula asks for 213 um, the plateau seen in experiments for 182 um
    assert low_flow_limit(10.0) * 280e-6 == pytest.approx(213e-6, rel=0.005)
    assert low_flow_limit_in_practice(10.0) * 280e-6 == pytest.approx(182e-6, rel=0.005)
    assert viscous_limits(1e-3, 1e-3) == (0.5, 1.0)


def test_knife_without_pressure_lays_half_its_gap() -> None:
    assert knife_thickness_m(400e-6, 0.01, 0.0, 1.6, 0.17) == pytest.approx(200e-6)
    more = knife_thickness_m(400e-6, 0.01, 5e3, 1.6, 0.17) - 200e-6
    assert more == pytest.approx(5e3 * 400e-6**3 / (12.0 * 1.6 * 0.01 * 0.17))


def test_comma_roll_lays_between_its_two_theories() -> None:
    for factor in (SWIFT_STIEBER, PRANDTL_HOPKINS):
        assert comma_thickness_m(1.0, factor, 1.0, 1.0) == pytest.approx(factor)
    # 3 um of runout is 1.8 to 2 um of wet film, 0.9 % of 215 um
    assert 1.8e-6 < 3e-6 * SWIFT_STIEBER < 3e-6 * PRANDTL_HOPKINS < 2.0e-6
    assert comma_thickness_m(1.0, 0.63, 0.6, 1.0) < 0.63 < comma_thickness_m(1.0, 0.63, 1.0, 1.5)
