"""The mixing loop's estimate by a moving horizon, on the filter's own arrival.

The filter keeps the history, judges every reading and takes late laboratory samples in at their own
time; what it believed before the window is where the window arrives. Within the window all readings
are weighed together once more, so a later reading corrects what an earlier one was taken for.
"""

from __future__ import annotations

import itertools

import numpy as np

from controller.mhe import Window
from controller.mixing_channels import CHANNELS, LAB, filter_functions
from controller.mixing_estimator import Cycle, MixingEstimator, founding_spread
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
        scale = np.outer(unit, unit)
        self._W = {alert: np.linalg.inv(Q / scale) for alert, Q in self._Q.items()}

    def _best(self) -> Vector:
        """The window's last state, inside the bounds; the filter's where there is no window."""
        filtered = super()._best()
        cycles = list(itertools.islice(reversed(self._history), LENGTH))[::-1]
        if cycles[0].first:
            cycles = cycles[1:]
        if not cycles:
            return filtered
        path = np.array([*(cycle.before.z for cycle in cycles), filtered])
        given = [_given(cycle) for cycle in cycles]
        try:
            W = [self._W[cycle.alert] for cycle in cycles]
            best = self._window.estimate(cycles[0].before, path, given, W)[-1]
        except (np.linalg.LinAlgError, ValueError):  # not positive definite, or not finite
            return filtered
        return self._bounded(best)


def _given(cycle: Cycle) -> tuple[Vector, ...]:
    """What one cycle gave: inputs, ambient, readings by channel, and one over their noise."""
    y, weight = np.zeros(len(CHANNELS)), np.zeros(len(CHANNELS))
    for channel, (read, noise) in cycle.readings.items():
        at = CHANNELS.index(channel)
        y[at], weight[at] = read, 1.0 / noise
    at = CHANNELS.index(LAB)
    for read, noise in cycle.lab:  # several samples of one time count as their weighted mean
        total = weight[at] ** 2 + 1.0 / noise**2
        y[at] += (read - y[at]) / noise**2 / total
        weight[at] = total**0.5
    return cycle.u, np.array([cycle.ambient_k]), y, weight
