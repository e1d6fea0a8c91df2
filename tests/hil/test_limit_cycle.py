"""The detector of swinging loops, on signals whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hil.limit_cycle import swing

N = 400


def noise(seed: int, sigma: float = 1.0, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, sigma, n)


@pytest.mark.parametrize("period", [8, 25, 75])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_limit_cycle_under_noise_is_found_with_its_period(period: int, seed: int) -> None:
    wave = np.sin(2.0 * math.pi * np.arange(N) / period)
    found = swing((wave + noise(seed, 0.3)).tolist(), 0.1)
    assert found is not None
    assert found.period == pytest.approx(period, rel=0.1)


def test_a_relay_loop_is_found() -> None:
    """On-off control of a lag with a dead time: the textbook limit cycle."""
    y, u, out = 0.0, [0.0] * 10, []
    for _ in range(N):
        u.append(1.0 if y < 0.0 else -1.0)
        y += 0.1 * (u[-10] - y)  # swings with a period of about 45
        out.append(y)
    assert swing(out, 0.1) is not None


def test_a_swing_on_a_trend_is_found() -> None:
    at = np.arange(N)
    assert swing((0.05 * at + np.sin(2.0 * math.pi * at / 20)).tolist(), 0.1) is not None


def test_noise_and_drifting_loops_do_not_swing() -> None:
    alarms = 0
    for seed in range(200):
        white = noise(seed)
        filtered = np.convolve(white, 0.9 ** np.arange(60))[:N]  # a sluggish loop
        damped = [0.0, 0.0]  # a lively loop: damping 0.3, period 20
        for a in white:
            damped.append(1.71 * damped[-1] - 0.83 * damped[-2] + float(a))
        alarms += swing(white.tolist(), 0.0) is not None
        alarms += swing(filtered.tolist(), 0.0) is not None
        alarms += swing(damped, 0.0) is not None
    assert alarms <= 6  # 1 %


def test_what_is_too_small_too_short_or_no_number_is_nothing() -> None:
    wave = np.sin(2.0 * math.pi * np.arange(N) / 20)
    assert swing((0.01 * wave).tolist(), 0.1) is None
    assert swing(wave[:20].tolist(), 0.1) is None
    assert swing([*wave.tolist(), math.nan], 0.1) is None
    assert swing([1.0] * N, 0.0) is None
