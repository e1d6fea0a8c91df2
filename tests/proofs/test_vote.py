"""IL-05 for every double there is: one liar among three never leads two honest members astray."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest
import z3

from safety import vote as votes
from safety.vote import Voted
from tests.proofs import symbolic as sym
from tests.proofs.test_shape import holds, sane

members = tuple(sym.double(name) for name in "abc")
tolerance = sym.double("tolerance")


def sum_of_all(values: Sequence[float], tolerance: float) -> Voted:
    low, middle, high = sorted(values)
    agreed = middle - low <= tolerance or high - middle <= tolerance
    return Voted(low + high if agreed else None, 3)


def first_of_all(values: Sequence[float], tolerance: float) -> Voted:
    low, middle, high = sorted(values)
    return Voted(low if high - low <= tolerance or middle <= high else None, 3)


def three_claim(vote: Callable[..., Voted]) -> bool:
    """Every pair of members has the result between them."""
    voted = sym.term_of(vote, (members, tolerance))
    result = voted.values["value"].values["value"]
    pairs = itertools.combinations(members, 2)
    led = z3.And(*(sym.between(one, result, other) for one, other in pairs))
    return holds(sane(*members), led)


@pytest.mark.requirement("IL-05")
@pytest.mark.requirement("P1")
def test_three_members_give_the_median_or_nothing() -> None:
    assert three_claim(votes.vote)


@pytest.mark.requirement("IL-05")
@pytest.mark.parametrize("broken", [sum_of_all, first_of_all])
def test_a_broken_vote_is_refuted(broken: Callable[..., Voted]) -> None:
    assert not three_claim(broken)


@pytest.mark.requirement("IL-05")
def test_two_members_that_disagree_give_nothing() -> None:
    pair = members[:2]
    voted = sym.term_of(votes.vote, (pair, tolerance))
    near = z3.fpLEQ(z3.fpAbs(z3.fpSub(sym.NEAREST, *pair)), tolerance)
    assert holds(sane(*pair), voted.values["value"].values["present"] == near)


@pytest.mark.requirement("IL-05")
def test_one_member_alone_has_no_say() -> None:
    assert sym.term_of(votes.vote, (members[:1], tolerance)).values["value"] is None
