"""The mixer's control model: consistent, and near the plant within the stated mismatch."""

from __future__ import annotations

import math

import casadi as ca
import numpy as np
import pytest

from plant_models.control_model import ControlModel, Vector
from plant_models.mixer_parameters import MIXER_PARAMETERS
from plant_models.mixer_plant import MixerPlant
from plant_models.mixing_control import control_model, mixing_parameters
from plant_models.mixing_parameters import MIXING_PARAMETERS
from plant_models.parameters import Parameters

CALM = {
    "mixer.ambient.noise": 0.0,
    "mixer.ambient.swing": 0.0,
    "mixer.evaporation.spread": 0.0,
    "mixer.start.viscosity_excess": 0.0,
    "mixer.start.dissolved": 1.0,
    "mixer.start.temp": 298.15,
}


@pytest.fixture(scope="module")
def model() -> ControlModel:
    return control_model()


def vectors(model: ControlModel) -> tuple[Vector, Vector, Vector]:
    return (
        model.nominal_vector(model.states),
        model.nominal_vector(model.inputs),
        model.nominal_vector(model.disturbances),
    )


def simulated(model: ControlModel, u: Vector, seconds: float) -> tuple[Vector, dict[str, float]]:
    x, _, p = vectors(model)
    for _ in range(int(seconds / 5.0)):
        x = x + 5.0 * model.derivative(x, u, p)
    return x, model.observe(x, u, p)


def test_every_name_has_a_nominal_value_and_a_scale(model: ControlModel) -> None:
    for name in model.states + model.inputs + model.disturbances:
        assert math.isfinite(model.nominal[name])
        assert model.scales[name] > 0.0
    assert all(model.scales[name] > 0.0 for name in model.outputs)


def test_nominal_is_on_target_and_at_rest(model: ControlModel) -> None:
    x, u, p = vectors(model)
    y = model.observe(x, u, p)
    assert y["mixer.viscosity_25c"] == pytest.approx(6.0, rel=1e-4)
    assert y["mixer.viscosity"] == pytest.approx(6.0, rel=1e-4)
    assert y["mixer.temp"] == 298.15
    scaled = model.derivative(x, u, p) / model.scale_vector(model.states)
    assert float(np.max(np.abs(scaled))) < 1e-5  # a kelvin drifts by less than 0.4 an hour


def test_solvent_only_thins_and_takes_its_time_to_blend(model: ControlModel) -> None:
    x, u, p = vectors(model)
    dosing = u.copy()
    dosing[2] = 0.02
    early, y_early = simulated(model, dosing, 30.0)
    _, y_late = simulated(model, dosing, 600.0)
    before = model.observe(x, u, p)
    assert before["mixer.viscosity_25c"] > y_early["mixer.viscosity_25c"]
    assert y_early["mixer.viscosity_25c"] > y_late["mixer.viscosity_25c"]
    assert y_late["mixer.solids"] < 0.42
    assert early[model.states.index("mixer.unblended")] > 0.3
    lost = math.log(y_late["mixer.viscosity_25c"] / 6.0)
    net_kg = 600.0 * (0.02 - model.nominal["mixer.evaporation"])
    assert lost == pytest.approx(-6.0 * net_kg / 492.0, rel=0.25)  # part of it not blended yet


def test_mass_and_solids_balance(model: ControlModel) -> None:
    dosing = vectors(model)[1]
    dosing[2] = 0.02
    x, _ = simulated(model, dosing, 1800.0)
    state = dict(zip(model.states, x, strict=True))
    net_kg = 1800.0 * (0.02 - model.nominal["mixer.evaporation"])
    assert state["mixer.mass"] == pytest.approx(490.0 + net_kg, rel=1e-9)
    bulk_kg = state["mixer.mass"] - state["mixer.unblended"]
    first_kg = 490.0 - model.nominal["mixer.unblended"]
    assert state["mixer.solids"] * bulk_kg == pytest.approx(0.42 * first_kg, rel=1e-4)


def test_offsets_act_where_they_should(model: ControlModel) -> None:
    x, u, p = vectors(model)
    base = model.observe(x, u, p)

    def with_offset(name: str, value: float) -> dict[str, float]:
        moved = p.copy()
        moved[model.disturbances.index(name)] = value
        return model.observe(x, u, moved)

    lot = with_offset("d_visc", 0.1)
    assert lot["mixer.viscosity_25c"] / base["mixer.viscosity_25c"] == pytest.approx(math.exp(0.1))
    assert lot["mixer.torque"] > base["mixer.torque"]
    probe = with_offset("d_probe", -0.1)
    assert probe["mixer.viscosity"] / base["mixer.viscosity"] == pytest.approx(math.exp(-0.1))
    assert probe["mixer.viscosity_25c"] == base["mixer.viscosity_25c"]
    assert with_offset("d_torque", 5.0)["mixer.torque"] - base["mixer.torque"] == pytest.approx(5.0)


def test_smooth_and_differentiable_at_standstill(model: ControlModel) -> None:
    x, u, p = vectors(model)
    x[model.states.index("mixer.anchor_speed")] = 0.0
    symbol = ca.SX.sym("x", len(model.states))
    jacobian = ca.Function("j", [symbol], [ca.jacobian(model.rhs(symbol, u, p), symbol)])
    assert np.all(np.isfinite(np.asarray(jacobian(x), dtype=float)))
    assert np.all(np.isfinite(model.derivative(x, u, p)))


def test_own_table_shares_no_row_with_the_plant() -> None:
    assert not {row.path for row in MIXING_PARAMETERS} & {row.path for row in MIXER_PARAMETERS}
    stiffer = control_model(mixing_parameters({"mixing.viscosity.solids_exponent": 8.0}))
    assert stiffer.parameters["mixing.viscosity.solids_exponent"] == 8.0


@pytest.mark.parametrize(
    ("drive", "setpoint", "move", "seconds", "output", "truth", "within"),
    [
        ("solvent_flow_cmd", 2, 0.01, 1800, "mixer.solids", "mixer.solids_true", 0.10),
        ("solvent_flow_cmd", 2, 0.01, 1800, "mixer.viscosity_25c", "viscosity_25c_true", 0.20),
        ("jacket_temp_cmd", 1, 4.0, 1800, "mixer.temp", "mixer.temp_true", 0.20),
        ("anchor_speed_cmd", 0, 0.15, 300, "mixer.torque", "mixer.torque_true", 0.25),
    ],
)
def test_plant_responds_as_modelled_within_the_mismatch(
    model: ControlModel,
    drive: str,
    setpoint: int,
    move: float,
    seconds: int,
    output: str,
    truth: str,
    within: float,
) -> None:
    """Moves of model and plant agree in sign, and in size within what section 4 allows."""
    u = vectors(model)[1]
    moved = u.copy()
    moved[setpoint] += move
    expected = simulated(model, moved, seconds)[1][output] - simulated(model, u, seconds)[1][output]
    key = truth if truth.startswith("mixer.") else f"mixer.{truth}"
    drives = dict(
        zip(
            ("mixer.anchor_speed_cmd", "mixer.jacket_temp_cmd", "mixer.solvent_flow_cmd"),
            (float(value) for value in u),
            strict=True,
        )
    )
    responses = []
    for extra in (0.0, move):
        plant = MixerPlant(Parameters(MIXER_PARAMETERS, CALM), seed=1)
        for _ in range(seconds // 2):
            plant.step(2.0, {**drives, f"mixer.{drive}": drives[f"mixer.{drive}"] + extra})
        responses.append(plant.truth()[key])
    assert responses[1] - responses[0] == pytest.approx(expected, rel=within)
