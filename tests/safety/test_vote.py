"""Votes of two and three: what they say, what stands for them, and what they remember."""

from __future__ import annotations

from typing import Any

import pytest

from safety.strict import LARGEST_INTEGER
from safety.vote import Ballot, Voted, cast, repaired, vote
from safety.watch_rules import VoteRule
from safety.words import Quality, Sample

RULE = VoteRule("a", ("a", "b", "c"), 1.0, 3)
NONE_YET = Ballot({}, (), "")


def _samples(*values: Any) -> dict[str, Sample]:
    """The three members, read at 10, 11 and 12 s, each with a clock and a connection of its own."""
    return {
        tag: Sample(value, Quality.GOOD, "", 100.0 + at, 10.0 + at, 5 + at)
        for at, (tag, value) in enumerate(zip(RULE.members, values, strict=True))
    }


@pytest.mark.requirement("IL-05")
@pytest.mark.parametrize(("values", "value"), [
    ((0.0, 1.0, 5.0), 1.0),  # the lower two agree, by exactly the tolerance
    ((-9.0, 2.0, 3.0), 2.0),  # the upper two
    ((0.0, 1.5, 3.0), None),
    ((2.0, 3.0), 2.5),
    ((3.0, 2.0), 2.5),
    ((2.0, 3.5), None),
    ((2.0,), None),
    ((), None),
    ((2.0, 2.0, 2.0, 2.0), None),
])  # fmt: skip
def test_readings_agree_up_to_the_tolerance_and_not_beyond(
    values: tuple[float, ...], value: float | None
) -> None:
    assert vote(values, 1.0) == Voted(value, len(values))


@pytest.mark.requirement("IL-05")
def test_what_stands_for_a_vote_is_as_old_as_its_oldest_voter() -> None:
    samples = _samples(2.0, 2.5, 9.0)
    voted, sample, after = cast(RULE, samples, NONE_YET)
    assert voted == Voted(2.5, 3)
    assert sample == Sample(2.5, Quality.GOOD, "", 100.0, 10.0, 5)
    assert after == Ballot({"c": 1}, (), "")
    without_own = {**samples, "a": Sample.bad("lost", 3.0, 5), "c": _samples(0, 0, 2.5)["c"]}
    _, sample, _ = cast(RULE, without_own, NONE_YET)
    assert sample == Sample(2.5, Quality.GOOD, "", None, 11.0, 5)


@pytest.mark.requirement("IL-05")
def test_a_vote_without_a_result_says_why_and_remembers_nothing_new() -> None:
    before = Ballot({"c": 2}, (), "7:A")
    voted, sample, after = cast(RULE, _samples(1.0, 5.0, 9.0), before)
    assert voted == Voted(None, 3)
    assert sample == Sample.bad("3 of 3 good, they disagree", 10.0, 5)
    assert after == before
    doubt = Sample(1.0, Quality.UNCERTAIN, "", 1.0, 1.0, 5)
    samples = {**_samples(1.0, True, "x"), "a": doubt}
    assert cast(RULE, samples, before)[1] == Sample.bad("1 of 3 good", 1.0, 5)
    samples = {**_samples(1, "x", "x")}
    assert cast(RULE, samples, before)[1] == Sample.bad("1 of 3 good", 10.0, 5)
    assert cast(RULE, _samples(1.0, 5.0, "x"), before)[1].reason == "2 of 3 good, they disagree"


@pytest.mark.requirement("IL-05")
def test_a_member_that_is_off_for_long_is_struck_and_one_that_came_back_forgiven() -> None:
    after = cast(RULE, _samples(2.0, 2.0, 9.0), Ballot({"a": 2, "c": 1}, (), "7:A"))[2]
    assert after == Ballot({"c": 2}, (), "7:A"), "a agrees again"
    after = cast(RULE, _samples(9.0, 2.0, 2.0), Ballot({"a": 2}, ("z",), "7:A"))[2]
    assert after == Ballot({"a": 3}, ("z", "a"), "7:A")
    voted, _, _ = cast(RULE, _samples(9.0, 2.0, 3.0), after)
    assert voted == Voted(2.5, 2)
    full = Ballot({"c": LARGEST_INTEGER}, (), "")
    assert cast(RULE, _samples(2.0, 2.0, 9.0), full)[2].off == {"c": LARGEST_INTEGER}
    just_within = cast(RULE, _samples(2.0, 2.0, 3.0), NONE_YET)[2]
    assert just_within == NONE_YET


@pytest.mark.requirement("IL-05")
def test_a_new_repair_clears_the_ballot_once() -> None:
    struck = Ballot({"a": 3}, ("a",), "7:A")
    assert repaired(struck, "") == struck
    assert repaired(struck, "7:A") == struck
    assert repaired(struck, "8:A") == Ballot({}, (), "8:A")
