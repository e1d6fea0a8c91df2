"""The figures across the web: from a course one can check by hand."""

from __future__ import annotations

import pytest

from hil.figures import Course
from hil.profile_figures import UM, profile_figures
from hil.scenario import Scenario, load_scenario

TAGS = [f"lip.bolt{n}_sp" for n in range(1, 13)]


def course(sigma: float, later: float) -> Course:
    """An hour of samples: `sigma` for the first half of an hour, then `later`; one bolt moves."""
    scenario = load_scenario("cd-profile").model_dump() | {
        "duration_min": 60, "settle_min": 40, "events": [],
    }  # fmt: skip
    t = [2.0 * (i + 1) for i in range(1800)]
    trace = {tag: [0.0] * len(t) for tag in TAGS}
    trace["lip.bolt2_sp"] = [6.0 * UM if at > 3000.0 else 0.0 for at in t]
    trace |= {
        "time_s": t,
        "web_m": [at / 6.0 for at in t],
        "profile.cv": [sigma if at <= 1800.0 else later for at in t],
    }
    return Course(
        loop="profile",
        scenario=Scenario.model_validate(scenario),
        trace=trace,
        ranges=dict.fromkeys(reversed(TAGS), (-50.0 * UM, 50.0 * UM)),
        period_s=8.0,
        delay_m=25.0,
        drift=0.0,
        drift_seen=0.0,
    )


def test_two_sigma_travel_and_bending_are_what_the_course_says() -> None:
    found = profile_figures(course(0.010, 0.004), [], {"ALLOW": 7, "CLAMP": 2})
    assert found["cd_two_sigma_percent"] == pytest.approx(0.8)
    assert found["cd_worst_percent"] == pytest.approx(0.8)
    assert found["off_spec_m"] == 0.0
    assert found["half_time_s"] == pytest.approx(1800.0 + 100.0, abs=4.0)  # of a mean of 120 s
    assert found["bolt_travel_um_h"] == pytest.approx(6.0 / 12.0 * 3.0)
    assert found["lip_bending_um"] == pytest.approx(12.0)
    assert found["lip_mean_um"] == pytest.approx(0.5)
    assert found["gate_interventions"] == 2


def test_a_profile_that_stays_has_no_half_time_and_is_off_spec_by_the_metre() -> None:
    found = profile_figures(course(0.010, 0.010), [], {})
    assert found["half_time_s"] is None
    assert found["off_spec_m"] == pytest.approx(200.0, abs=1.0)  # twenty minutes at 10 m/min
