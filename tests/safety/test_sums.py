"""Setpoints that are allowed one by one but not added up (IL-06): the lip, for instance."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from safety.rules import loop_rules
from safety.strict import RuleError
from safety.watch import weighted
from safety.watch_rules import SumRule
from safety.words import Mode
from tests.hil.sealed_line import sealed_line
from tests.safety.builders import GAP, PUMP, Drive, ask, rules

AUTO = ask("AUTO")
SUMS = {"ratio less the gap": {"weights": {PUMP: 2, GAP: -1}, "range": [5.0, 5.5]}}


@pytest.mark.requirement("IL-06")
def test_a_sum_that_leaves_its_range_is_held() -> None:
    drive = Drive(rules(limits__sums=SUMS))  # 2 * 2.6 - 0.00028
    drive.to_auto()
    assert drive.cycle(AUTO, {PUMP: 2.7, GAP: 280e-6}).mode is Mode.AUTO
    for _ in range(2):
        verdict = drive.cycle(AUTO, {PUMP: 2.8, GAP: 280e-6})
    assert (verdict.mode, verdict.limiting[:5]) == (Mode.HOLD, "IL-06")
    assert drive.plant.applied[PUMP] <= 2.75014
    assert drive.cycle(AUTO, {PUMP: 2.7, GAP: 280e-6}).mode is Mode.AUTO


@pytest.mark.requirement("IL-06")
def test_a_sum_that_is_outside_may_only_come_back() -> None:
    drive = Drive(rules(limits__sums=SUMS))
    drive.to_auto()
    narrower = {"ratio less the gap": SUMS["ratio less the gap"] | {"range": [5.0, 5.1]}}
    drive.rules = rules(limits__sums=narrower)
    back = drive.cycle(AUTO, {PUMP: 2.57, GAP: 280e-6})
    assert any("on the way back" in reason.text for reason in back.reasons)
    assert back.mode is Mode.AUTO
    stay = drive.cycle(AUTO, dict(drive.plant.applied))
    assert (stay.mode, stay.limiting[:5]) == (Mode.HOLD, "IL-06")


def test_a_weighted_sum_is_what_it_says_and_rounds_once() -> None:
    rule = SumRule("x", (("a", 1), ("b", -2), ("c", 1)), (0.0, 1.0))
    assert weighted(rule, {"a": 1.0, "b": 0.25, "c": 3.0}.get) == 3.5
    assert weighted(rule, {"a": 1e16, "b": -0.5, "c": -1e16}.get) == 1.0
    assert weighted(rule, {"a": 1.0, "b": 0.25}.get) is None


@pytest.mark.requirement("IL-20")
@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"weights": {}, "range": [0.0, 1.0]}, "names no tag"),
        ({"weights": {PUMP: 0}, "range": [0.0, 1.0]}, "whole number"),
        ({"weights": {PUMP: 5}, "range": [0.0, 1.0]}, "whole number"),
        ({"weights": {PUMP: 1.0}, "range": [0.0, 1.0]}, "whole number"),
        ({"weights": {PUMP: True}, "range": [0.0, 1.0]}, "whole number"),
        ({"weights": {PUMP: 1, "b.c": 1}, "range": [0.0, 1.0]}, "another loop"),
        ({"weights": {PUMP: 1, GAP: 1}, "range": [1.0, 0.0]}, "inverted"),
        ({"weights": {PUMP: 1, GAP: 1}}, "range"),
        ({"range": [0.0, 1.0]}, "weights"),
    ],
)
def test_a_sum_that_says_too_little_is_refused(spec: Any, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        rules(limits__sums={"a": spec})


def test_a_sum_of_another_loop_is_passed_over() -> None:
    other = {"a": {"weights": {"mixer.torque": 1, "mixer.temp": 1}, "range": [0.0, 1.0]}}
    assert rules(limits__sums=other).watch.cross == ()


@pytest.mark.requirement("IL-20")
def test_a_changed_sum_breaks_the_seal() -> None:
    whole, other = rules(limits__sums=SUMS), copy.deepcopy(SUMS)
    seals = {whole.seal}
    other["ratio less the gap"]["weights"] = {PUMP: 2, GAP: 1}
    seals.add(rules(limits__sums=other).seal)
    other["ratio less the gap"]["range"] = [5.0, 5.6]
    seals.add(rules(limits__sums=other).seal)
    assert len(seals) == 3


@pytest.mark.requirement("IL-06")
def test_the_lip_of_the_shipped_line_keeps_its_shape() -> None:
    """Ten bolts with a neighbour on either side, and the lip as a whole."""
    watch = loop_rules(sealed_line(), "profile").watch
    sums = [rule for rule in watch.cross if isinstance(rule, SumRule)]
    crooked = {f"lip.bolt{n}_sp": (-1) ** n * 3e-6 for n in range(1, 13)}
    raised = {f"lip.bolt{n}_sp": 2e-6 for n in range(1, 13)}
    for bolts, broken in ((crooked, 10), (raised, 1)):
        values = [weighted(rule, bolts.get) for rule in sums]
        spans = [rule.span for rule in sums]
        outside = [not a <= (math.nan if v is None else v) <= b
                   for v, (a, b) in zip(values, spans, strict=True)]  # fmt: skip
        assert sum(outside) == broken
