"""The mixing filter's machine code against the textbook's algebra in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from controller.innovations import Innovations
from controller.kalman import Belief
from controller.mixing_channels import CHANNELS, WALKERS, filter_functions
from controller.mixing_filter import MixingFilter
from plant_models.control_model import Vector
from plant_models.mixing_control import control_model

MODEL = control_model()
PERIOD_S, AMBIENT_K = 20.0, 294.0
STEP, LOOK = filter_functions(MODEL, PERIOD_S)
FILTER = MixingFilter(MODEL, PERIOD_S)
U = MODEL.nominal_vector(MODEL.inputs)
SPREAD = np.array([0.5, 0.005, 0.05, 0.002, 0.1, 0.2, 0.01, 0.15, 0.05, 15.0, 200.0, 5e-4])


def belief(seed: int) -> Belief:
    """A random state near the operating point with a full covariance."""
    rng = np.random.default_rng(seed)
    rest = [MODEL.nominal[name] for name in WALKERS]
    z = np.array([*MODEL.nominal_vector(MODEL.states), *rest]) + 0.3 * SPREAD * rng.random(12)
    mix = np.eye(12) + 0.3 * rng.standard_normal((12, 12))
    return Belief(z, np.diag(SPREAD) @ mix @ mix.T @ np.diag(SPREAD))


def same(a: Vector, b: Vector) -> bool:
    return bool(np.allclose(a / SPREAD, b / SPREAD, rtol=1e-8, atol=1e-9))


@pytest.mark.parametrize("seed", range(3))
def test_prediction_is_model_and_slope(seed: int) -> None:
    before, Q = belief(seed), np.diag(SPREAD**2) * 1e-3
    z_next, F = (np.asarray(part, dtype=float) for part in STEP(before.z, U, AMBIENT_K))
    after = FILTER.predict(before, U, AMBIENT_K, Q)
    assert same(after.z, z_next.ravel())
    assert same((after.P / SPREAD).T, ((F @ before.P @ F.T + Q) / SPREAD).T)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_reading_is_taken_in_as_joseph_would(channel: str) -> None:
    before, noise = belief(7), 0.3
    told, slopes = (np.asarray(part, dtype=float) for part in LOOK(before.z, U, AMBIENT_K))
    row = CHANNELS.index(channel)
    read, s = float(told[row, 0]) + 0.2, slopes[row]
    variance = float(s @ before.P @ s) + noise**2
    K = before.P @ s / variance
    keep = np.eye(12) - np.outer(K, s)
    P = keep @ before.P @ keep.T + np.outer(K, K) * noise**2
    taken = FILTER.take(before, U, AMBIENT_K, channel, read, noise)
    assert taken.surprise == pytest.approx(0.2)
    assert taken.spread == pytest.approx(variance**0.5)
    assert same(taken.belief.z, before.z + 0.2 * K)
    assert same((taken.belief.P / SPREAD).T, (P / SPREAD).T)


def test_the_same_questions_give_the_same_bits() -> None:
    def once() -> bytes:
        now, fresh = belief(3), MixingFilter(MODEL, PERIOD_S)
        for i in range(30):
            now = fresh.predict(now, U, AMBIENT_K, np.diag(SPREAD**2) * 1e-3)
            now = fresh.take(now, U, AMBIENT_K, CHANNELS[i % 7], 5.0, 1.0).belief
        return now.z.tobytes() + now.P.tobytes()

    assert once() == once()


def test_innovations_tell_a_filter_that_fits_from_one_that_does_not() -> None:
    rng = np.random.default_rng(2)
    fits, too_sure, lags = Innovations(), Innovations(), Innovations()
    slow = 0.0
    for e in rng.standard_normal(2000):
        slow = 0.9 * slow + 0.19**0.5 * e
        fits.note("a", e)
        too_sure.note("a", 2.0 * e)
        lags.note("a", slow)
    assert fits.told()["innovation.nis"] == pytest.approx(1.0, abs=0.6)
    assert abs(fits.told()["innovation.whiteness"]) < 0.4
    assert too_sure.told()["innovation.nis"] > 2.0
    assert lags.told()["innovation.whiteness"] > 0.6
