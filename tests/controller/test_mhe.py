"""The moving horizon: its banded solution, what it gains, and how it is chosen."""

from __future__ import annotations

import casadi as ca
import numpy as np
import pytest

from controller.factory import build_controller
from controller.kalman import Belief
from controller.mhe import Window
from controller.mixing_mhe import LENGTH, MixingMhe
from controller.mixing_settings import MIXING_SETTINGS
from controller.mpc import MpcController
from plant_models.mixing_control import control_model
from plant_models.parameters import Parameters
from tests.controller.models import SEALED
from tests.controller.test_mixing_estimator import PERIOD, ModelMixer, estimator


def mhe() -> MixingMhe:
    return MixingMhe(control_model(), Parameters(MIXING_SETTINGS, {}), PERIOD, bad_cycles=12)


def test_on_a_linear_model_the_window_ends_where_a_kalman_filter_does() -> None:
    """Kalman's recursion written out here is the oracle: for linear models both are the same."""
    rng = np.random.default_rng(4)
    A, C = np.array([[0.9, 0.3], [-0.1, 1.0]]), np.array([[1.0, 0.5]])
    Q, noise = np.array([[0.04, 0.01], [0.01, 0.02]]), 0.3
    z, u, ambient = ca.SX.sym("z", 2), ca.SX.sym("u", 1), ca.SX.sym("ambient")
    step = ca.Function("step", [z, u, ambient], [ca.mtimes(A, z) + u, A + 0.0 * z[0]])
    look = ca.Function("look", [z, u, ambient], [ca.mtimes(C, z), C + 0.0 * z[0]])
    unit = np.array([2.0, 0.5])
    window = Window(step, look, unit, 6, [np.zeros(2), np.zeros(1), np.zeros(1)])
    arrival = Belief(np.array([1.0, -1.0]), np.array([[0.5, 0.1], [0.1, 0.3]]))
    readings = rng.normal(size=6)
    m, P = arrival.z, arrival.P
    for k, y in enumerate(readings):
        m, P = A @ m + 0.1 * k, A @ P @ A.T + Q
        if k == 3:
            continue  # nothing was read
        K = P @ C.T / (C @ P @ C.T + noise**2)
        m, P = m + (K * (y - C @ m)).ravel(), P - K @ C @ P
    inputs = 0.1 * np.arange(6.0)[:, None]
    weight = np.array([[0.0 if k == 3 else 1.0 / noise] for k in range(6)])
    W = np.tile(np.linalg.inv(Q / np.outer(unit, unit)), (1, 6))
    path = rng.normal(size=(7, 2))
    given = (arrival, path, inputs, np.zeros((6, 1)), readings[:, None], weight, W)
    found = window.estimate(*given)
    assert np.allclose(found[-1], m, rtol=1e-9)


def test_it_estimates_as_well_as_the_filter_and_gives_the_same_bits_again() -> None:
    mixer = ModelMixer(visc=0.08, probe=-0.04, torque=8.0)
    lanes = {"ekf": estimator(), "mhe": mhe(), "again": mhe()}
    errors: dict[str, list[float]] = {name: [] for name in lanes}
    for cycle in range(120):
        mixer.run()
        if cycle == 80:
            mixer.report(1, age_s=1000.0)
        asked = mixer.ask()
        for name, lane in lanes.items():
            shown = lane.update(asked, 2).shown["mixer.viscosity_25c"]
            errors[name].append(shown / mixer.eta25 - 1.0)
    rmse = {name: float(np.sqrt(np.mean(np.square(errors[name][20:])))) for name in lanes}
    assert rmse["mhe"] <= 1.05 * rmse["ekf"]
    assert errors["mhe"] == errors["again"]
    assert len(lanes["mhe"]._history) > LENGTH


def test_absurd_readings_leave_it_inside_the_bounds() -> None:
    mixer, seen = ModelMixer(), mhe()
    for _ in range(40):
        mixer.run()
        odd = mixer.ask()
        values = dict(odd.values) | {"mixer.viscosity": 1e9, "mixer.torque": -1e7}
        object.__setattr__(odd, "values", values)
        now = seen.update(odd, 2)
        assert np.all(np.isfinite(now.state))
        assert abs(now.shown["d_visc"]) <= 1.5
        assert now.shown["mixer.evaporation"] >= 0.0


@pytest.mark.parametrize("kind", ["ekf", "mhe"])
def test_the_configuration_chooses(kind: str) -> None:
    loop = SEALED["loops"]["mixing"]
    chosen = loop | {"controller": loop["controller"] | {"filter": kind}}
    sealed = SEALED | {"loops": SEALED["loops"] | {"mixing": chosen}}
    inner = build_controller("mixing", sealed).inner
    assert isinstance(inner, MpcController)
    assert isinstance(inner._estimator, MixingMhe) == (kind == "mhe")


def test_the_coating_loop_refuses_what_it_would_ignore() -> None:
    loop = SEALED["loops"]["coating"]
    chosen = loop | {"controller": loop["controller"] | {"filter": "mhe"}}
    sealed = SEALED | {"loops": SEALED["loops"] | {"coating": chosen}}
    with pytest.raises(ValueError, match="filter"):
        build_controller("coating", sealed)
