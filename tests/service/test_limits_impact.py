"""Recorded cycles judged again: what was is reproduced, what would have been is counted."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from service.limits_impact import LoopImpact, impact
from tests.service.page_world import make_state

RATIO = "coater.pump_ratio_sp"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoopImpact, LoopImpact]:
    """The same hour against its own limits, and against a range beside the setpoint in use."""
    state: Path = tmp_path_factory.mktemp("impact") / "s"
    old = make_state(state, cycles=70)
    new = copy.deepcopy(dict(old))
    new["limits"]["setpoints"][RATIO]["operating"] = [2.2, 2.4]
    records = state / "records.sqlite"
    return impact(records, old, old, 1.0)[0], impact(records, old, new, 1.0)[0]


def test_the_same_limits_give_the_recorded_verdicts(
    found: tuple[LoopImpact, LoopImpact],
) -> None:
    same = found[0]
    assert same.cycles == 30, "70 recorded, 40 to warm up"
    assert same.not_reproduced == 0
    assert same.before == same.after
    assert same.before.outside == {}


def test_a_range_beside_the_setpoint_clamps_every_plan(
    found: tuple[LoopImpact, LoopImpact],
) -> None:
    beside = found[1]
    assert beside.before.clamped == {}
    assert beside.after.clamped == {RATIO: beside.cycles}
    assert beside.after.outside == {RATIO: beside.cycles}
    assert beside.after.actions == {"CLAMP": beside.cycles}
    assert beside.hours == pytest.approx(beside.cycles * 8.0 / 3600.0)


def test_loops_without_records_are_told_as_such(tmp_path: Path) -> None:
    old = make_state(tmp_path / "s", cycles=3)
    rest = [one for one in impact(tmp_path / "s" / "records.sqlite", old, old, 1.0)
            if one.loop != "coating"]  # fmt: skip
    assert rest
    assert all(one.cycles == 0 for one in rest)
