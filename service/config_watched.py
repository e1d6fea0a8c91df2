"""Judge what limits.yaml has watched beside the setpoints: votes, combinations, balances, ..."""

from __future__ import annotations

from service.config_desk import Desk, at, mapping, texts
from service.config_problem import did_you_mean
from service.config_yaml import Path_


def check_watched(desk: Desk) -> None:
    """Judge the sections: their tags are known and read together, their numbers make sense."""
    _check_votes(desk)
    _check_combinations(desk)
    _check_sums(desk)
    _check_guards(desk)
    _check_balances(desk)
    doc = desk.limits
    for loop in mapping(doc, "models"):
        loops = mapping(desk.line, "loops")
        if loops and loop not in loops:
            doc.report("RH-1013", ("models", loop), f"there is no loop `{loop}`."
                       f"{did_you_mean(loop, loops)}", "name a loop of line.yaml",
                       at_key=True)  # fmt: skip


def _check_votes(desk: Desk) -> None:
    doc = desk.limits
    for name in mapping(doc, "votes"):
        path: Path_ = ("votes", name)
        desk.must_know(doc, path, name, "read", at_key=True)
        members = list(texts(doc, *path, "members"))
        for number, member in members:
            desk.must_know(doc, (*path, "members", number), member, "read")
            if desk.unit_of(member) != desk.unit_of(name):
                doc.report("RH-1013", (*path, "members", number), f"`{member}` has another unit "
                           f"than `{name}`", "name instruments of the same thing")  # fmt: skip
        names = [member for _, member in members]
        if name not in names or len(set(names)) != len(names):
            doc.report("RH-1013", (*path, "members"), f"must name `{name}` and one or two others, "
                       "each once", "correct the list")  # fmt: skip
        _must_be_read_together(desk, path, names)
        tolerance = desk.si(doc, (*path, "tolerance"), desk.unit_of(name), difference=True)
        if tolerance is not None and tolerance <= 0.0:
            doc.report("RH-1013", (*path, "tolerance"), "must be above zero", "correct the value")


def _check_combinations(desk: Desk) -> None:
    doc = desk.limits
    for name in mapping(doc, "cross"):
        for tag in _check_product(desk, ("cross", name)):
            _must_know_either(desk, ("cross", name, "powers", tag), tag)


def _check_balances(desk: Desk) -> None:
    doc = desk.limits
    for name in mapping(doc, "balances"):
        for tag in _check_product(desk, ("balances", name)):
            desk.must_know(doc, ("balances", name, "powers", tag), tag, "read", at_key=True)


def _check_product(desk: Desk, path: Path_) -> list[str]:
    """Judge a product of powers and its range; return its tags."""
    powers = mapping(desk.limits, *path, "powers")
    for tag, power in powers.items():
        if power == 0:
            text = "a power of 0 says nothing"
            desk.limits.report("RH-1013", (*path, "powers", tag), text, "leave the tag out")
    _must_be_read_together(desk, path, list(powers))
    _must_rise(desk, path)
    return list(powers)


def _must_rise(desk: Desk, path: Path_) -> None:
    """Report a range of plain numbers that is upside down."""
    span = at(desk.limits, *path, "range")
    ends = span if isinstance(span, list) and len(span) == 2 else [0, 1]
    if all(isinstance(end, int | float) for end in ends) and not ends[0] < ends[1]:
        desk.limits.report("RH-1030", (*path, "range"), "the low end must be below the high end",
                           "write [low, high]")  # fmt: skip


def _check_sums(desk: Desk) -> None:
    doc = desk.limits
    for name in mapping(doc, "sums"):
        path: Path_ = ("sums", name)
        weights = mapping(doc, *path, "weights")
        first = next(iter(weights), "")
        for tag, weight in weights.items():
            _must_know_either(desk, (*path, "weights", tag), tag)
            if weight == 0:
                doc.report("RH-1013", (*path, "weights", tag), "a weight of 0 says nothing",
                           "leave the tag out")  # fmt: skip
            if desk.unit_of(tag) != desk.unit_of(first):
                doc.report("RH-1013", (*path, "weights", tag), f"`{tag}` has another unit than "
                           f"`{first}`", "add up values of one unit only")  # fmt: skip
        if desk.unit_of(first) == "degC" and sum(weights.values()) != 0:
            doc.report("RH-1013", (*path, "weights"), "a sum of temperatures has no zero to count "
                       "from", "let the weights add up to 0")  # fmt: skip
        _must_be_read_together(desk, path, list(weights))
        desk.span(doc, (*path, "range"), desk.unit_of(first), difference=True)


def _must_know_either(desk: Desk, path: Path_, tag: str) -> None:
    """Report a tag of a combination that is neither written nor read."""
    row = desk.tag(tag)
    direction = "write" if row is not None and row.get("direction") == "write" else "read"
    desk.must_know(desk.limits, path, tag, direction, at_key=True)


def _check_guards(desk: Desk) -> None:
    doc = desk.limits
    for name in mapping(doc, "guards"):
        path: Path_ = ("guards", name)
        if desk.must_know(doc, path, name, "read", at_key=True) is None:
            continue
        trip = desk.span(doc, (*path, "trip"), desk.unit_of(name))
        back = desk.span(doc, (*path, "return"), desk.unit_of(name))
        if trip and back and not (trip[0] < back[0] and back[1] < trip[1]):
            doc.report("RH-1031", (*path, "return"), "must lie strictly inside the trip range, or "
                       "the guard would chatter", "narrow it")  # fmt: skip
        _must_be_read_together(desk, path, [name])


def _must_be_read_together(desk: Desk, path: Path_, tags: list[str]) -> None:
    """Report a rule that no loop could keep, because none has all of its tags."""
    loops = mapping(desk.line, "loops")
    for loop in loops:
        here = {*mapping(desk.line, "loops", loop, "mvs")}
        for group in ("permissives", "critical", "optional"):
            here |= {name for _, name in texts(desk.line, "loops", loop, group)}
        if here.issuperset(tags):
            return
    if loops and all(desk.tag(tag) is not None for tag in tags):
        desk.limits.report("RH-1013", path, "no loop has all of these tags, so no gate would keep "
                           "the rule", "add the tags to 'optional' of a loop, or leave it out",
                           at_key=True)  # fmt: skip
