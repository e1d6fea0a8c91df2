"""do-mpc's two estimators on the mixing filter's own model: the yardsticks of `estimators`.

States are divided by a typical change first, as for our own window: unscaled, IPOPT fares worse.
"""

from __future__ import annotations

import warnings

import casadi as ca
import numpy as np

from controller.kalman import Belief
from controller.mixing_channels import CHANNELS, READ
from plant_models.control_model import Expression, Vector

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from do_mpc.estimator import EKF, MHE
    from do_mpc.model import Model

ca.GlobalOptions.setNumpyMode(-1)  # do-mpc calls NumPy on CasADi's values; the rule is as it was

READS = tuple(channel for channel, _ in READ.values())


def _model(step: Expression, look: Expression, unit: Vector, *, process_noise: bool) -> Model:
    """The filter's model for do-mpc; inputs and ambient come as time-varying parameters."""
    built = Model("discrete", "SX")
    x = built.set_variable("_x", "z", shape=(len(unit), 1))
    u = built.set_variable("_tvp", "given_u", shape=(step.size1_in(1), 1))
    ambient = built.set_variable("_tvp", "ambient")
    told, _ = look(x * unit, u, ambient)
    for i, channel in enumerate(READS):
        built.set_meas(f"y{i}", told[CHANNELS.index(channel)], meas_noise=True)
    ahead, _ = step(x * unit, u, ambient)
    built.set_rhs("z", ca.densify(ahead) / unit, process_noise=process_noise)
    built.setup()
    return built


class DompcEkf:
    """do-mpc's extended Kalman filter."""

    def __init__(
        self, step: Expression, look: Expression, unit: Vector, Q: Vector, noise: Vector
    ) -> None:
        """`Q` of the states [squared], `noise` of the readings in the order of READS."""
        self._unit, self._Q, self._R = unit, Q / np.outer(unit, unit), np.diag(noise**2)
        self._ekf = EKF(_model(step, look, unit, process_noise=False))
        self._ekf.settings.t_step = 1.0
        self._tvp = self._ekf.get_tvp_template()
        self._ekf.set_tvp_fun(lambda _: self._tvp)
        self._ekf.setup()

    def begin(self, belief: Belief) -> None:
        """Start from what our filter starts from."""
        self._ekf.x0 = (belief.z / self._unit).reshape(-1, 1)
        self._ekf.P0 = belief.P / np.outer(self._unit, self._unit)
        self._ekf.set_initial_guess()

    def step(self, u: Vector, ambient_k: float, y: Vector) -> Vector:
        """The estimate after one cycle."""
        self._tvp["given_u"], self._tvp["ambient"] = u, ambient_k
        found = self._ekf.make_step(y.reshape(-1, 1), np.zeros((0, 1)), self._Q, self._R)
        estimate: Vector = np.asarray(found, dtype=float).ravel() * self._unit
        return estimate


class DompcMhe:
    """do-mpc's moving horizon with its default objective."""

    def __init__(
        self,
        step: Expression,
        look: Expression,
        unit: Vector,
        Q: Vector,
        noise: Vector,
        *,
        arrival: Vector,
        length: int,
    ) -> None:
        """`arrival` is the covariance the window's first state is held with, all along."""
        scale = np.outer(unit, unit)
        self._unit = unit
        self._step = step
        self._mhe = MHE(_model(step, look, unit, process_noise=True))
        self._mhe.settings.n_horizon = length
        self._mhe.settings.t_step = 1.0
        self._mhe.settings.meas_from_data = True
        self._mhe.settings.supress_ipopt_output()
        self._mhe.set_default_objective(
            P_x=np.linalg.inv(arrival / scale),
            P_v=np.diag(noise**-2.0),
            P_w=np.linalg.inv(Q / scale),
        )
        self._tvp = self._mhe.get_tvp_template()
        self._past: list[Vector] = []
        self._mhe.set_tvp_fun(lambda _: self._tvp)
        self._mhe.setup()

    def begin(self, belief: Belief) -> None:
        """Start from what our filter starts from, without a past."""
        self._mhe.reset_history()
        self._past.clear()
        self._mhe.x0 = (belief.z / self._unit).reshape(-1, 1)
        self._mhe.set_initial_guess()

    def step(self, u: Vector, ambient_k: float, y: Vector) -> Vector:
        """The estimate after one cycle."""
        length = self._mhe.settings.n_horizon
        self._past = [*self._past, np.array([*u, ambient_k])][-length:]
        padded = [self._past[0]] * (length - len(self._past)) + self._past
        for k, row in enumerate(padded):
            self._tvp["_tvp", k, "given_u"], self._tvp["_tvp", k, "ambient"] = row[:-1], row[-1]
        found = self._mhe.make_step(y.reshape(-1, 1))
        estimate: Vector = np.asarray(found, dtype=float).ravel() * self._unit
        return estimate
