"""Power, torque and mixing time against published numbers."""

from __future__ import annotations

import math

import pytest

from plant_models.mixing_power import (
    blending_time_constant_s,
    helical_ribbon_mixing_time_s,
    helical_ribbon_power_constant,
    laminar_power_w,
    reynolds,
    stirrer_power_w,
    stirrer_shear_rate_1_s,
    torque_n_m,
    transition_factor,
    viscosity_from_torque_pa_s,
)

KP, D, RHO, MU = 200.0, 0.88, 950.0, 5.0


def test_power_constant_of_rieger_helical_ribbon() -> None:
    """Rieger, Novak and Havelkova 1988, the worked example of the fluids library."""
    ribbon = helical_ribbon_power_constant(
        D=1.9, h=1.9, blades=2, pitch=1.9, blade_width=0.19, vessel_diameter=2.0
    )
    assert ribbon == pytest.approx(357.397, abs=1e-3)


def test_mixing_time_of_helical_ribbon() -> None:
    assert helical_ribbon_mixing_time_s(357.4, 4.0 / 60.0) == pytest.approx(650.98, abs=0.005)


@pytest.mark.parametrize(("rpm", "watts", "newton_metres"), [(30, 170, 54), (60, 681, 108)])
def test_anchor_power_and_torque_of_vessel_a(rpm: int, watts: int, newton_metres: int) -> None:
    N = rpm / 60.0
    power = laminar_power_w(KP, MU, N, D)
    assert power == pytest.approx(watts, abs=0.6)
    assert torque_n_m(power, N) == pytest.approx(newton_metres, abs=0.5)


def test_anchor_reynolds_number_and_transition_at_30_rpm() -> None:
    Re = reynolds(RHO, 0.5, D, MU)
    assert Re == pytest.approx(74.0, abs=0.5)
    assert 1.10 <= transition_factor(Re, KP, 0.54) <= 1.30
    assert transition_factor(5.0, KP, 0.54) < 1.02  # creeping flow keeps Np = Kp/Re


def test_metzner_otto_shear_rate_is_proportional_to_speed() -> None:
    assert stirrer_shear_rate_1_s(25.0, 0.5) == 12.5


def test_soft_sensor_inverts_the_torque_law() -> None:
    M = torque_n_m(laminar_power_w(KP, MU, 0.5, D), 0.5) + 9.0
    assert viscosity_from_torque_pa_s(M, 9.0, KP, 0.5, D) == pytest.approx(MU)


def test_one_percent_of_a_kilonewtonmetre_drive_is_18_percent_of_the_signal() -> None:
    N = 0.5
    torque = torque_n_m(laminar_power_w(KP, MU, N, D), N)
    read = viscosity_from_torque_pa_s(torque + 10.0, 0.0, KP, N, D)
    assert read / MU - 1.0 == pytest.approx(0.18, abs=0.01)


def test_a_standing_stirrer_takes_nothing() -> None:
    assert stirrer_power_w(KP, 0.54, RHO, MU, 0.0, D) == 0.0
    assert torque_n_m(0.0, 0.0) == 0.0


def test_blending_reaches_95_percent_after_the_stated_turns() -> None:
    tau = blending_time_constant_s(150.0, 0.5, 0.02)
    assert math.exp(-(150.0 / 0.5) / tau) == pytest.approx(0.05, abs=0.001)
    assert blending_time_constant_s(150.0, 0.0, 0.02) == 2500.0
