"""The coater's control model: smooth, its own numbers, near the plant but not the same."""

from __future__ import annotations

import casadi as ca
import numpy as np
import pytest

from plant_models.coater_parameters import COATER_PARAMETERS
from plant_models.coater_plant import CoaterPlant, coater_parameters
from plant_models.coating_control import (
    DISTURBANCES,
    INPUTS,
    OUTPUTS,
    STATES,
    coating_parameters,
    control_model,
)
from plant_models.coating_parameters import COATING_PARAMETERS, HYDROGEL_BELIEFS
from plant_models.control_model import ControlModel, Vector
from plant_models.feed import REFERENCE_FEED

COAT, RATIO, GAP = "coater.dry_coat_weight", "coater.pump_ratio_sp", "coater.gap_sp"


def _at(model: ControlModel, **changes: float) -> tuple[Vector, Vector]:
    """Nominal inputs and disturbances with some of them changed ('__' for the dot)."""
    values = {**model.nominal, **{key.replace("__", "."): v for key, v in changes.items()}}
    u = np.array([values[name] for name in model.inputs])
    return u, np.array([values[name] for name in model.disturbances])


def _steady(model: ControlModel, **changes: float) -> dict[str, float]:
    u, p = _at(model, **changes)
    return model.observe(model.steady_state(u, p), u, p)


def test_nominal_rest_point_is_reference_a() -> None:
    y = _steady(control_model())
    assert y[COAT] == pytest.approx(85.7e-3, rel=0.02)  # slip takes a little
    assert y["coater.film_to_gap"] == pytest.approx(0.77, abs=0.02)
    assert y["coater.die_pressure"] == pytest.approx(1.9e5, rel=0.03)
    assert 300e-6 < y["coater.residual_solvent"] < 900e-6


def test_gains_follow_from_the_mass_balance() -> None:
    model = control_model()
    base = _steady(model)[COAT]
    ratio = model.nominal[RATIO]
    assert _steady(model, coater__pump_ratio_sp=1.01 * ratio)[COAT] / base == pytest.approx(
        1.01, abs=0.001
    )
    assert _steady(model, coater__feed_solids=0.42 * 1.01)[COAT] / base == pytest.approx(1.01)
    assert _steady(model, coater__line_speed=0.2)[COAT] / base == pytest.approx(1.0, abs=0.004)
    assert _steady(model, coater__feed_viscosity=12.0)[COAT] / base == pytest.approx(1.0, abs=0.005)
    assert _steady(model, d_coat=0.02)[COAT] / base == pytest.approx(np.exp(0.02))
    assert _steady(model, coater__gap_sp=300e-6)["coater.film_to_gap"] == pytest.approx(
        _steady(model)["coater.film_to_gap"] * 280.0 / 300.0
    )


def test_residual_and_pressure_offsets_reach_their_outputs() -> None:
    model = control_model()
    base = _steady(model)
    moved = _steady(model, d_residual=0.3, d_pressure=2e4)
    ratio = moved["coater.residual_solvent"] / base["coater.residual_solvent"]
    assert ratio == pytest.approx(np.exp(0.3), rel=0.01)
    assert moved["coater.die_pressure"] - base["coater.die_pressure"] == pytest.approx(2e4)


@pytest.mark.parametrize("metres_per_minute", [8.0, 10.0, 12.0])
def test_model_and_plant_agree_within_the_mismatch_to_be_survived(metres_per_minute: float) -> None:
    speed = metres_per_minute / 60.0
    plant = CoaterPlant(coater_parameters({"coater.reference.speed": speed}), 2)
    drives, truth = plant.reference_drives(), plant.truth()
    y = _steady(
        control_model(),
        coater__line_speed=speed,
        coater__pump_ratio_sp=drives["coater.pump_speed_cmd"] / speed,
    )
    coat = truth["coater.dry_coat_weight_at_gauge"]
    assert y[COAT] == pytest.approx(coat, rel=0.10)  # gain +/-10 %
    assert y[COAT] != pytest.approx(coat, rel=0.005)  # and not the same model twice
    assert y["coater.film_to_gap"] == pytest.approx(truth["coater.film_to_gap"], rel=0.10)
    assert y["coater.die_pressure"] == pytest.approx(truth["coater.die_pressure"], rel=0.10)
    assert y["coater.web_temp"] == pytest.approx(truth["coater.web_temp"], abs=6.0)
    residual = y["coater.residual_solvent"] / truth["coater.residual_solvent"]
    assert 0.5 < residual < 2.0


def test_residual_moves_the_same_way_in_model_and_plant() -> None:
    model = control_model()
    base = _steady(model)["coater.residual_solvent"]
    assert _steady(model, coater__oven_trim_sp=5.0)["coater.residual_solvent"] < 0.8 * base
    assert _steady(model, coater__line_speed=0.2)["coater.residual_solvent"] > 1.3 * base
    hotter = {
        f"coater.reference.zone{i}": row for i, row in enumerate((323, 338, 353, 368, 373), 1)
    }
    plants = [CoaterPlant(coater_parameters(o), 2) for o in ({}, hotter)]
    cool, hot = (plant.truth()["coater.residual_solvent"] for plant in plants)
    assert 0.4 * cool < hot < 0.8 * cool


@pytest.mark.parametrize("kind", [1.0, 2.0])
def test_knife_and_comma_answer_to_the_gap_and_not_to_the_pump(kind: float) -> None:
    model = control_model(coating_parameters({"coating.type": kind}))
    base = _steady(model)[COAT]
    assert _steady(model, coater__pump_ratio_sp=3.0)[COAT] == pytest.approx(base)
    assert _steady(model, coater__gap_sp=1.05 * 280e-6)[COAT] / base == pytest.approx(
        1.05, abs=0.01
    )
    plant = CoaterPlant(coater_parameters({"coater.type": kind}), 2)
    gap = plant.reference_drives()["coater.gap_cmd"]
    assert _steady(model, coater__gap_sp=gap)[COAT] == pytest.approx(85.7e-3, rel=0.10)


def test_a_hydrogel_has_nothing_to_dry() -> None:
    y = _steady(control_model(coating_parameters(HYDROGEL_BELIEFS)))
    assert y[COAT] == pytest.approx(0.857, rel=0.02)
    assert y["coater.residual_solvent"] < 1e-6


def test_lags_are_what_the_table_says() -> None:
    model = control_model()
    u, p = _at(model)
    x = model.steady_state(u, p)
    u = u + np.array([0.1, 1e-5, 2.0])
    slope = dict(zip(STATES, model.derivative(x, u, p), strict=True))
    c = model.parameters
    assert slope["coater.pump_ratio"] == pytest.approx(0.1 / c["coating.pump.lag"])
    assert slope["coater.gap"] == pytest.approx(1e-5 / c["coating.gap.lag"])
    assert slope["coater.oven_trim"] == pytest.approx(2.0 / c["coating.oven.lag"])


def test_expressions_stay_finite_and_differentiable_far_from_nominal() -> None:
    model = control_model()
    x, u, p = (ca.SX.sym(name, len(names)) for name, names in
               (("x", STATES), ("u", INPUTS), ("p", DISTURBANCES)))  # fmt: skip
    both = ca.vertcat(model.rhs(x, u, p), model.measure(x, u, p))
    probe = ca.Function("probe", [x, u, p], [both, ca.jacobian(both, ca.vertcat(x, u, p))])
    rng = np.random.default_rng(0)
    scale = [model.scale_vector(names) for names in (STATES, INPUTS, DISTURBANCES)]
    for speed in (0.0, 0.01, 0.3):
        for _ in range(20):
            xs, us, ps = (
                model.nominal_vector(names) + 0.3 * s * rng.standard_normal(len(names))
                for names, s in zip((STATES, INPUTS, DISTURBANCES), scale, strict=True)
            )
            ps[0] = speed
            for part in probe(xs, us, ps):
                assert np.isfinite(np.asarray(part, dtype=float)).all()


def test_steady_state_says_when_there_is_none() -> None:
    model = control_model()
    u, p = _at(model, coater__line_speed=float("nan"))
    with pytest.raises(ArithmeticError, match="no rest point"):
        model.steady_state(u, p)


def test_plant_and_controller_share_no_parameter() -> None:
    plant_rows, control_rows = set(COATER_PARAMETERS), set(COATING_PARAMETERS)
    assert not {row.path for row in plant_rows} & {row.path for row in control_rows}
    assert not {id(row) for row in COATER_PARAMETERS} & {id(row) for row in COATING_PARAMETERS}
    assert coater_parameters().table.keys().isdisjoint(coating_parameters().table.keys())
    for own, theirs in (
        ("coater.pump.displacement", "coating.pump.displacement"),
        ("coater.pump.slip", "coating.pump.slip"),
        ("coater.knife.land", "coating.knife.land"),
        ("coater.comma.factor", "coating.comma.factor"),
    ):
        assert coater_parameters()[own] != coating_parameters()[theirs]


def test_every_row_has_a_unit_and_a_source() -> None:
    for row in COATER_PARAMETERS + COATING_PARAMETERS:
        assert row.unit
        assert row.source


def test_the_door_to_do_mpc_keeps_the_expressions() -> None:
    from plant_models.dompc_door import spoken, to_dompc  # slow, and only this test needs it

    model = control_model()
    u, p = _at(model, coater__pump_ratio_sp=2.7, coater__oven_trim_sp=2.0)
    x = model.nominal_vector(STATES)
    continuous, discrete = to_dompc(model), to_dompc(model, 8.0)
    assert continuous.model_type == "continuous"
    assert discrete.model_type == "discrete"
    assert list(continuous.x.keys()) == [spoken(name) for name in STATES]
    assert set(continuous.aux.keys()) >= {"y_" + spoken(name) for name in OUTPUTS}
    # one discrete step is the integral of the continuous model
    ahead = ca.Function("ahead", [discrete.x, discrete.u, discrete.tvp], [discrete._rhs])(x, u, p)
    fine = x
    for _ in range(8000):
        fine = fine + 1e-3 * model.derivative(fine, u, p)
    difference = (np.asarray(ahead, dtype=float).ravel() - fine) / model.scale_vector(STATES)
    assert np.abs(difference).max() < 5e-3


def test_the_reference_feed_is_what_both_believe_in() -> None:
    nominal = control_model().nominal
    assert nominal["coater.feed_solids"] == REFERENCE_FEED.solids
    assert nominal["coater.feed_viscosity"] == REFERENCE_FEED.eta0_ref_pa_s
