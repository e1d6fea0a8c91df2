"""The Harris index on processes whose answer is known on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hil.harris import harris_index, random_walk_floor


def autoregressive(phi: float, samples: int, seed: int = 1) -> list[float]:
    draws = np.random.default_rng(seed).standard_normal(samples)
    y = [0.0]
    for a in draws:
        y.append(phi * y[-1] + float(a))
    return y


@pytest.mark.parametrize("delay", [1, 3, 10])
def test_an_ar1_process_has_the_index_of_the_books(delay: int) -> None:
    """eta = 1 - phi^(2b), since psi_i = phi^i and the variance is 1/(1 - phi^2)."""
    phi = 0.9
    found = harris_index(autoregressive(phi, 40_000), delay)
    assert found.eta == pytest.approx(1.0 - phi ** (2 * delay), abs=0.03)
    assert found.sigma_mv == pytest.approx(
        math.sqrt((1.0 - phi ** (2 * delay)) / (1.0 - phi**2)), rel=0.03
    )


def test_white_noise_cannot_be_controlled_any_better() -> None:
    noise = np.random.default_rng(2).standard_normal(5000).tolist()
    assert harris_index(noise, 5).eta == pytest.approx(1.0, abs=0.03)


def test_a_minimum_variance_loop_is_seen_as_one_and_a_slack_loop_is_not() -> None:
    """A random walk behind b samples: the best loop leaves the sum of the last b steps."""
    b, steps = 8, np.random.default_rng(3).standard_normal(40_000)
    best = np.convolve(steps, np.ones(b))[b : len(steps)]
    assert harris_index(best.tolist(), b).eta == pytest.approx(1.0, abs=0.08)
    theory = random_walk_floor(q=1.0, theta_s=float(b))
    assert harris_index(best.tolist(), b).sigma_mv == pytest.approx(theory, rel=0.05)
    slack = np.convolve(steps, 0.98 ** np.arange(400))[400 : len(steps)]
    assert harris_index(slack.tolist(), b).eta < 0.5


def test_too_short_a_record_has_no_index() -> None:
    assert math.isnan(harris_index(autoregressive(0.9, 100), 3).eta)
    assert math.isnan(harris_index([1.0] * 5000, 3).eta)
    assert math.isnan(harris_index([], 3).eta)


def test_a_delay_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        harris_index([0.0, 1.0], 0)
