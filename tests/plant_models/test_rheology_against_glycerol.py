"""Flow laws against numbers from outside: glycerol-water, water, and the laws' own limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plant_models.feed import REFERENCE_FEED
from plant_models.glycerol import (
    glycerol_viscosity_pa_s,
    mixture_viscosity_pa_s,
    water_viscosity_pa_s,
)
from plant_models.rheology import (
    carreau_yasuda,
    cross,
    herschel_bulkley,
    local_power_law,
    zero_shear_viscosity,
)

SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SEGUR_OBERSTAR_20C_MPA_S = (6.00, 10.8, 22.5, 60.1, 219.0, 1410.0)  # Segur & Oberstar 1951
CHENG_20C_MPA_S = (6.002, 10.91, 23.09, 60.86, 223.7, 1414.0)
CHENG_25C_MPA_S = (5.004, 8.848, 18.06, 45.35, 156.3, 905.7)


@pytest.mark.parametrize(
    ("share", "table"), list(zip(SHARES, SEGUR_OBERSTAR_20C_MPA_S, strict=True))
)
def test_glycerol_water_agrees_with_the_1951_table_within_three_per_cent(
    share: float, table: float
) -> None:
    assert 1e3 * mixture_viscosity_pa_s(share, 20.0) == pytest.approx(table, rel=0.03)


@pytest.mark.parametrize(("temp", "numbers"), [(20.0, CHENG_20C_MPA_S), (25.0, CHENG_25C_MPA_S)])
def test_glycerol_water_is_chengs_formula_to_four_digits(
    temp: float, numbers: tuple[float, ...]
) -> None:
    ours = [1e3 * mixture_viscosity_pa_s(share, temp) for share in SHARES]
    assert ours == pytest.approx(numbers, rel=1e-3)


@pytest.mark.parametrize(("share", "error"), [(0.5, -0.28), (0.9, -0.62)])
def test_leaving_out_the_power_of_a_is_the_error_two_public_ports_make(
    share: float, error: float
) -> None:
    T = 20.0
    a = 0.705 - 0.0017 * T
    b = 4.9 + 0.036 * T  # without a**2.5
    mix = 1.0 - share + a * b * share * (1.0 - share) / (a * share + b * (1.0 - share))
    wrong = water_viscosity_pa_s(T) ** mix * glycerol_viscosity_pa_s(T) ** (1.0 - mix)
    assert wrong / mixture_viscosity_pa_s(share, T) - 1.0 == pytest.approx(error, abs=0.01)


@pytest.mark.parametrize(("temp", "mpa_s"), [(20.0, 1.0016), (25.0, 0.8900), (30.0, 0.7972)])
def test_water_viscosity(temp: float, mpa_s: float) -> None:
    # modern values (IAPWS 2008); the tables of 1929 stand within 1 % of them
    assert 1e3 * water_viscosity_pa_s(temp) == pytest.approx(mpa_s, rel=0.012)


@pytest.mark.parametrize(("temp", "mpa_s"), [(20.0, 1.0087), (25.0, 0.8949), (30.0, 0.8004)])
def test_water_viscosity_of_the_1929_tables(temp: float, mpa_s: float) -> None:
    assert 1e3 * water_viscosity_pa_s(temp) == pytest.approx(mpa_s, rel=0.01)


def test_cross_and_carreau_are_newtonian_at_rest_and_thin_under_shear() -> None:
    g = np.array([1e-6, 1.0, 100.0, 1e4])
    for law in (cross(g, 6.0, 0.02, 0.6), carreau_yasuda(g, 6.0, 0.0, 0.02, 0.6)):
        assert law[0] == pytest.approx(6.0, rel=0.01)
        assert np.all(np.diff(law) < 0.0)
    # far out both fall with the power n - 1
    far = cross(1e9, 6.0, 0.02, 0.6) / cross(1e8, 6.0, 0.02, 0.6)
    assert math.log10(far) == pytest.approx(-0.4, abs=0.005)


def test_local_power_law_touches_the_cross_curve() -> None:
    g = 600.0
    K, n = local_power_law(g, 6.0, 0.02, 0.6)
    assert K * g ** (n - 1.0) == pytest.approx(cross(g, 6.0, 0.02, 0.6), rel=1e-9)
    slope = math.log(cross(g * 1.001, 6.0, 0.02, 0.6) / cross(g, 6.0, 0.02, 0.6)) / math.log(1.001)
    assert n - 1.0 == pytest.approx(slope, abs=1e-4)


def test_herschel_bulkley_needs_its_yield_stress_before_it_flows() -> None:
    assert herschel_bulkley(1e-3, 100.0, 80.0, 0.4) * 1e-3 == pytest.approx(105.0, rel=0.01)


def test_zero_shear_law_has_the_design_sensitivities() -> None:
    def eta(temp_k: float = 298.15, solids: float = 0.42, mw: float = 1.0) -> float:
        return zero_shear_viscosity(
            temp_k,
            solids,
            mw,
            eta_ref_pa_s=6.0,
            solids_ref=0.42,
            activation_j_mol=35_000.0,
            alpha=6.0,
        )

    assert eta() == pytest.approx(6.0)
    assert eta(temp_k=299.15) / 6.0 - 1.0 == pytest.approx(-0.047, abs=0.002)  # -4.7 %/K
    assert 1.10 < eta(solids=0.43) / 6.0 < 1.19  # +1 wt% solids
    assert eta(mw=1.05) / 6.0 == pytest.approx(1.18, abs=0.005)  # Mw +5 %


def test_a_feed_thins_with_shear_and_heat() -> None:
    feed = REFERENCE_FEED
    assert feed.viscosity_pa_s(596.7) == pytest.approx(1.62, abs=0.01)
    assert feed.eta0_pa_s() == pytest.approx(6.0)
