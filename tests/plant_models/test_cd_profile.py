"""The profile across the web: the pump fixes the mean, a bolt only moves mass sideways."""

from __future__ import annotations

import numpy as np
import pytest

from plant_models.cd_profile import (
    BOLTS,
    CdProfile,
    bolt_response,
    interaction_matrix,
    lane_centres_m,
    mean_free,
)
from plant_models.coater_plant import coater_parameters

X = lane_centres_m(0.60)
BOLT_X = lane_centres_m(0.60, BOLTS)
QUIET = {"coater.cd.static": 0.0, "coater.cd.moving": 0.0, "coater.cd.edge_bead": 0.0}


def test_bolt_response_peaks_at_its_bolt_and_swings_below_zero_beside_it() -> None:
    fine = np.linspace(0.0, 0.60, 601)
    response = bolt_response(fine, 0.30, 1.0, 0.105, 2.0, 0.0)
    assert fine[np.argmax(response)] == pytest.approx(0.30, abs=1e-3)
    assert response.max() == pytest.approx(1.0)
    assert response.min() < -0.05
    assert np.allclose(response, response[::-1])


def test_a_slot_dies_profile_has_no_mean() -> None:
    free = mean_free(interaction_matrix(X, BOLT_X, 1.0, 0.105, 2.0, 0.1))
    assert free.shape == (len(X), BOLTS)
    assert np.abs(free.mean(axis=0)).max() < 1e-12


def test_bolts_leave_the_mean_of_a_slot_alone_but_move_that_of_a_knife() -> None:
    profile = CdProfile(coater_parameters(QUIET), np.random.default_rng(1))
    bolts = np.zeros(BOLTS)
    bolts[5] = 10e-6
    profile.move(1e6, bolts)
    slot = profile.now(True, 600e-6, 0.6)
    knife = profile.now(False, 400e-6, 1.0)
    assert slot.mean() == pytest.approx(1.0, abs=1e-12)
    assert 100.0 * (slot.max() - 1.0) == pytest.approx(10 * 0.61, rel=0.25)  # 0.61 % per um
    assert abs(knife.mean() - 1.0) > 1e-4


def test_bolts_warm_up_slowly_and_the_natural_profile_moves() -> None:
    p = coater_parameters()
    profile = CdProfile(p, np.random.default_rng(2))
    first = profile.now(True, 600e-6, 0.7)
    assert 0.002 < first.std() < 0.03
    assert first.mean() == pytest.approx(1.0, abs=0.003)
    profile.move(p["coater.cd.bolt_lag"], np.full(BOLTS, 1e-6))
    assert profile.bolts_m[0] == pytest.approx(0.632e-6, rel=0.01)
    profile.move(3600.0, np.zeros(BOLTS))
    assert not np.allclose(profile.now(True, 600e-6, 0.7), first)
