"""The rules of what is watched beside the setpoints: votes, combinations, guards, balances, model.

As in `rules`, nothing has a default: a section that is missing refuses the loop, an empty one says
that there is nothing of the kind. Requirements IL-05, IL-06, IL-12, IL-15, IL-20.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from safety.strict import (
    RuleError,
    Span,
    count_at,
    names_at,
    number_from,
    positive_at,
    section,
    span_at,
)


class VoteRule(NamedTuple):
    """Two or three instruments that measure one thing (IL-05).

    The vote takes the place of the reading `tag`, which is one of the `members`. Two readings
    agree within `tolerance` [SI]; a member that is off for `cycles` on end is struck.
    """

    tag: str
    members: tuple[str, ...]
    tolerance: float
    cycles: int


class CrossRule(NamedTuple):
    """Several values that are allowed together only where their product is in `span` (IL-06).

    The product is factor * value_1 ** power_1 * value_2 ** power_2 ... in SI: a polytope in the
    logarithms. A tag that is a setpoint counts with the value about to be written.
    """

    name: str
    factor: float
    powers: tuple[tuple[str, int], ...]
    span: Span


class SumRule(NamedTuple):
    """Several values that are allowed together only where their weighted sum is in `span` (IL-06).

    The sum is weight_1 * value_1 + weight_2 * value_2 ... in SI: one face and its opposite of a
    polytope. A tag that is a setpoint counts with the value about to be written.
    """

    name: str
    weights: tuple[tuple[str, int], ...]
    span: Span


class GuardRule(NamedTuple):
    """A reading that holds the loop outside `trip` until it is back inside `back` (IL-15).

    `back` lies strictly inside `trip`; `trip_after` and `back_after` are the delays [cycles].
    """

    tag: str
    trip: Span
    back: Span
    trip_after: int
    back_after: int


class ModelRule(NamedTuple):
    """How long the model may be surprised by the plant (IL-12).

    `innovation` is the largest believable mean square of the normalised innovations (1 where the
    model is right); more than that for `cycles` (net of good ones) is another plant.
    """

    innovation: float
    cycles: int


class BalanceRule(NamedTuple):
    """Readings that belong together: what follows its setpoint, what goes in and comes out (IL-12).

    factor * reading_1 ** power_1 * reading_2 ** power_2 ... in SI is in `span` on a healthy plant;
    outside it for `cycles` (net of good ones) a drive, an instrument or the plant is another.
    """

    name: str
    factor: float
    powers: tuple[tuple[str, int], ...]
    span: Span
    cycles: int


class WatchRules(NamedTuple):
    """Everything one loop watches beside its setpoints."""

    votes: Mapping[str, VoteRule]
    cross: tuple[CrossRule | SumRule, ...]
    guards: Mapping[str, GuardRule]
    balances: tuple[BalanceRule, ...]
    model: ModelRule | None


def watch_rules(
    limits: Mapping[str, Any], loop: str, setpoints: Collection[str], numbers: Collection[str]
) -> WatchRules:
    """Build the rules of `loop` that concern its `setpoints` and the `numbers` it reads.

    A vote or a guard on a tag this loop does not read belongs to another loop; so does a
    combination or a balance with none of its tags here. One that is here in part only is refused.
    """
    votes = section(limits, "votes", "limits")
    cross = section(limits, "cross", "limits")
    sums = section(limits, "sums", "limits")
    guards = section(limits, "guards", "limits")
    balances = section(limits, "balances", "limits")
    models = section(limits, "models", "limits")
    combined: list[CrossRule | SumRule] = [_cross(cross, name) for name in cross]
    combined += [_sum(sums, name) for name in sums]
    here = {*setpoints, *numbers}
    for rule in combined:
        _not_in_part(rule.name, {*tags_of(rule)}, here, loop)
    return WatchRules(
        votes=MappingProxyType({t: _vote(votes, t, numbers) for t in votes if t in numbers}),
        cross=tuple(rule for rule in combined if here.issuperset(tags_of(rule))),
        guards=MappingProxyType({t: _guard(guards, t) for t in guards if t in numbers}),
        balances=_balances(balances, loop, numbers),
        model=_model(models, loop) if loop in models else None,
    )


def tags_of(rule: CrossRule | SumRule) -> list[str]:
    """Return the tags a combination is about."""
    named = rule.powers if isinstance(rule, CrossRule) else rule.weights
    return [tag for tag, _ in named]


def _vote(votes: Mapping[str, Any], tag: str, numbers: Collection[str]) -> VoteRule:
    place = f"limits.votes.{tag}"
    spec = section(votes, tag, "limits.votes")
    members = names_at(spec, "members", place)
    if len(members) not in (2, 3) or len(set(members)) != len(members) or tag not in members:
        raise RuleError(f"{place}.members must be two or three tags, {tag} among them.")
    if strangers := [member for member in members if member not in numbers]:
        raise RuleError(f"{place}.members: the loop reads no number {strangers}.")
    return VoteRule(
        tag, members, positive_at(spec, "tolerance", place), count_at(spec, "cycles", place, 1)
    )


def _cross(cross: Mapping[str, Any], name: str) -> CrossRule:
    place = f"limits.cross.{name}"
    spec = section(cross, name, "limits.cross")
    return CrossRule(
        name=name,
        factor=positive_at(spec, "factor", place),
        powers=_whole_numbers(spec, "powers", place),
        span=span_at(spec, "range", place),
    )


def _sum(sums: Mapping[str, Any], name: str) -> SumRule:
    place = f"limits.sums.{name}"
    spec = section(sums, name, "limits.sums")
    return SumRule(name, _whole_numbers(spec, "weights", place), span_at(spec, "range", place))


def _whole_numbers(spec: Mapping[str, Any], key: str, place: str) -> tuple[tuple[str, int], ...]:
    """Return a small whole number for every tag that is named, none of them 0."""
    named = section(spec, key, place)
    if not named:
        raise RuleError(f"{place}.{key} names no tag.")
    for tag, number in named.items():
        if type(number) is not int or number == 0 or abs(number) > 4:
            raise RuleError(f"{place}.{key}.{tag} must be a whole number from 1 to 4, or below 0.")
    return tuple(named.items())


def _balances(
    balances: Mapping[str, Any], loop: str, numbers: Collection[str]
) -> tuple[BalanceRule, ...]:
    """Return the balances among the readings of this loop."""
    rules = [_balance(balances, name) for name in balances]
    here = {*numbers}
    for rule in rules:
        _not_in_part(rule.name, {tag for tag, _ in rule.powers}, here, loop)
    return tuple(rule for rule in rules if here.issuperset(tag for tag, _ in rule.powers))


def _balance(balances: Mapping[str, Any], name: str) -> BalanceRule:
    place = f"limits.balances.{name}"
    spec = section(balances, name, "limits.balances")
    return BalanceRule(
        name=name,
        factor=positive_at(spec, "factor", place),
        powers=_whole_numbers(spec, "powers", place),
        span=span_at(spec, "range", place),
        cycles=count_at(spec, "cycles", place, 1),
    )


def _not_in_part(name: str, tags: set[str], here: set[str], loop: str) -> None:
    if tags & here and tags - here:
        raise RuleError(f"limits: '{name}' names tags of another loop than {loop}.")


def _guard(guards: Mapping[str, Any], tag: str) -> GuardRule:
    place = f"limits.guards.{tag}"
    spec = section(guards, tag, "limits.guards")
    trip, back = span_at(spec, "trip", place), span_at(spec, "return", place)
    if not (trip[0] < back[0] and back[1] < trip[1]):
        raise RuleError(
            f"{place}: the return range {list(back)} must lie strictly inside the trip range "
            f"{list(trip)}, or the guard would chatter."
        )
    return GuardRule(
        tag=tag,
        trip=trip,
        back=back,
        trip_after=count_at(spec, "trip_after", place, 1),
        back_after=count_at(spec, "return_after", place, 1),
    )


def _model(models: Mapping[str, Any], loop: str) -> ModelRule:
    place = f"limits.models.{loop}"
    spec = section(models, loop, "limits.models")
    innovation = number_from(spec.get("innovation"), f"{place}.innovation")
    if not innovation > 1.0:
        raise RuleError(f"{place}.innovation must be above 1, which is what a right model shows.")
    return ModelRule(innovation=innovation, cycles=count_at(spec, "cycles", place, 1))
