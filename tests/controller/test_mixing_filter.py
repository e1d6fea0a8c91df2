"""The mixing filter's machine code against the textbook's algebra in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from controller.innovations import Innovations
from controller.kalman import Belief
from controller.mixing_channels import BOUNDS, CHANNELS, WALKERS, filter_functions
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


def inside(z: Vector) -> Vector:
    """`z` as the filter tells it: no more than all is dissolved, no less than none evaporates."""
    bounds = [BOUNDS.get(name, (-np.inf, np.inf)) for name in (*MODEL.states, *WALKERS)]
    kept: Vector = np.clip(z, *np.array(bounds).T)
    return kept


def same(a: Vector, b: Vector) -> bool:
    return bool(np.allclose(a / SPREAD, b / SPREAD, rtol=1e-8, atol=1e-9))


@pytest.mark.parametrize("seed", range(3))
def test_prediction_is_model_and_slope(seed: int) -> None:
    before, Q = belief(seed), np.diag(SPREAD**2) * 1e-3
    z_next, F = (np.asarray(part, dtype=float) for part in STEP(before.z, U, AMBIENT_K))
    after = FILTER.run(before, U, AMBIENT_K, Q, np.zeros(7), np.zeros(7), np.zeros(7)).belief
    assert same(after.z, inside(z_next.ravel()))
    assert same((after.P / SPREAD).T, ((F @ before.P @ F.T + Q) / SPREAD).T)


def given(before: Belief, *channels: str) -> tuple[Vector, Vector]:
    """Readings of `channels`, each 0.2 from what the model says, and one over their noise."""
    told = np.asarray(LOOK(before.z, U, AMBIENT_K)[0], dtype=float).ravel()
    return told + 0.2, np.array([1.0 / 0.3 if c in channels else 0.0 for c in CHANNELS])


@pytest.mark.parametrize(
    "channels", [*((channel,) for channel in CHANNELS), CHANNELS[1:], CHANNELS], ids="+".join
)
def test_readings_are_taken_in_together_as_joseph_would(channels: tuple[str, ...]) -> None:
    before, at = belief(7), [CHANNELS.index(channel) for channel in channels]
    y, weight = given(before, *channels)
    H = np.asarray(LOOK(before.z, U, AMBIENT_K)[1], dtype=float)[at]
    R = np.eye(len(at)) * 0.3**2
    K = np.linalg.solve(H @ before.P @ H.T + R, H @ before.P).T
    keep = np.eye(12) - K @ H
    P = keep @ before.P @ keep.T + K @ R @ K.T
    taken = FILTER.run(before, U, AMBIENT_K, None, y, weight, np.full(7, np.inf))
    assert same(taken.belief.z, inside(before.z + K @ np.full(len(at), 0.2)))
    assert same((taken.belief.P / SPREAD).T, (P / SPREAD).T)
    assert np.array_equal(taken.belief.P, taken.belief.P.T)
    told, spread = FILTER.look(taken.belief, U, AMBIENT_K)
    assert taken.seen == pytest.approx((told[0], spread[0]), rel=1e-9)


def test_a_surprise_is_told_in_its_expected_spreads() -> None:
    before = belief(5)
    for channel, slope in zip(CHANNELS, np.asarray(LOOK(before.z, U, AMBIENT_K)[1]), strict=True):
        taken = FILTER.run(before, U, AMBIENT_K, None, *given(before, channel), np.full(7, np.inf))
        spread = float(slope @ before.P @ slope + 0.3**2) ** 0.5
        assert sum(taken.surprises) == pytest.approx(0.2 / spread, rel=1e-9)


def test_what_is_doubted_or_no_number_is_left_out_and_the_rest_is_taken() -> None:
    before, (y, weight) = belief(9), given(belief(9), *CHANNELS)
    y[CHANNELS.index("mixer.torque")] += 1e6
    y[CHANNELS.index("mixer.mass")] = np.nan
    doubt = np.full(7, 5.0)
    told = FILTER.run(before, U, AMBIENT_K, None, y, weight, doubt)
    left = ("mixer.torque", "mixer.mass")
    rest = given(before, *(channel for channel in CHANNELS if channel not in left))
    plain = FILTER.run(before, U, AMBIENT_K, None, *rest, doubt)
    assert told.surprises[CHANNELS.index("mixer.torque")] > 5.0
    assert np.isnan(told.surprises[CHANNELS.index("mixer.mass")])
    assert told.belief.z.tobytes() == plain.belief.z.tobytes()
    assert told.belief.P.tobytes() == plain.belief.P.tobytes()


def test_a_look_tells_each_channel_and_how_uncertain_it_is() -> None:
    before = belief(2)
    told, slopes = (np.asarray(part, dtype=float) for part in LOOK(before.z, U, AMBIENT_K))
    seen, spread = FILTER.look(before, U, AMBIENT_K)
    assert np.allclose(seen, told.ravel(), rtol=1e-12)
    assert np.allclose(spread**2, np.diag(slopes @ before.P @ slopes.T), rtol=1e-9)


def test_the_estimate_is_kept_inside_its_bounds() -> None:
    y, weight = given(belief(4), "ln mixer.viscosity")
    far = FILTER.run(belief(4), U, AMBIENT_K, None, y + 50.0, weight, np.full(7, np.inf)).belief
    for name, (low, high) in BOUNDS.items():
        assert low <= far.z[(*MODEL.states, *WALKERS).index(name)] <= high


def test_the_same_questions_give_the_same_bits() -> None:
    def once() -> bytes:
        now, fresh = belief(3), MixingFilter(MODEL, PERIOD_S)
        for i in range(30):
            Q, weight = np.diag(SPREAD**2) * 1e-3, np.eye(7)[i % 7]
            given = np.full(7, 5.0), weight, np.full(7, np.inf)
            now = fresh.run(now, U, AMBIENT_K, Q, *given).belief
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
