"""The mixing loop's estimate by a moving horizon, on the filter's own arrival.

The filter keeps the history, judges every reading and takes late laboratory samples in at their own
time; what it believed before the window is where the window arrives. Within the window all readings
are weighed together once more, so a later reading corrects what an earlier one was taken for.
"""

from __future__ import annotations

import itertools

import numpy as np

from controller.kalman import Belief
from controller.mhe import Window
from controller.mixing_channels import BOUNDS, CHANNELS, LAB, filter_functions
from controller.mixing_estimator import MixingEstimator, founding_spread
from plant_models.control_model import ControlModel, Vector
from plant_models.parameters import Parameters

LENGTH = 20  # cycles


class MixingMhe(MixingEstimator):
    """A `MixingEstimator` whose estimate is the end of a window of `LENGTH` cycles."""

    def __init__(
        self, model: ControlModel, settings: Parameters, period_s: float, *, bad_cycles: int
    ) -> None:
        """Build the filter and the window."""
        super().__init__(model, settings, period_s, bad_cycles=bad_cycles)
        step, look = filter_functions(model, period_s)
        unit = founding_spread(settings)
        rest = [model.nominal[name] for name in self._names]
        ambient = np.array([model.nominal["mixer.ambient_temp"]])
        sample = [np.array(rest), model.nominal_vector(model.inputs), ambient]
        self._window = Window(step, look, unit, LENGTH, sample)
        bounds = [BOUNDS.get(name, (-np.inf, np.inf)) for name in self._names]
        self._low, self._high = np.array(bounds).T.copy()
        scale = np.outer(unit, unit)
        self._precision = {alert: np.linalg.inv(Q / scale) for alert, Q in self._Q.items()}
        self._alerts: tuple[bool, ...] = ()  # of the window's cycles; `_W` belongs to them
        self._W = np.zeros((len(unit), 0))

    def _best(self) -> tuple[Vector, tuple[float, float]]:
        """The window's last state, inside the bounds; the filter's where there is no window."""
        filtered, _ = known = super()._best()
        cycles = list(itertools.islice(reversed(self._history), LENGTH))[::-1]
        if cycles[0].first:
            cycles = cycles[1:]
        if not cycles:
            return known
        path = np.concatenate([*(cycle.before.z for cycle in cycles), filtered])
        path = path.reshape(len(cycles) + 1, -1)
        u, y, weight = (
            np.concatenate(part).reshape(len(cycles), -1)
            for part in zip(*((cycle.u, cycle.y, cycle.weight) for cycle in cycles), strict=True)
        )
        ambient = np.array([cycle.ambient_k for cycle in cycles])[:, None]
        alerts = tuple(cycle.alert for cycle in cycles)
        if alerts != self._alerts:
            self._alerts, self._W = alerts, np.hstack([self._precision[alert] for alert in alerts])
        try:
            best = self._window.estimate(cycles[0].before, path, u, ambient, y, weight, self._W)[-1]
        except (np.linalg.LinAlgError, ValueError):  # not positive definite, or not finite
            return known
        best = np.minimum(np.maximum(best, self._low), self._high)
        told, spread = self._filter.look(
            Belief(best, self.belief.P), self._at_rest, cycles[-1].ambient_k
        )
        at = CHANNELS.index(LAB)
        return best, (float(told[at]), float(spread[at]))
