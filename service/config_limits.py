"""Judge the numbers against each other: limits, validity, targets, rests, and times."""

from __future__ import annotations

import itertools

from service.config_desk import CALCULATED, Desk, at, mapping, texts
from service.config_problem import did_you_mean
from service.config_watched import check_watched
from service.config_yaml import Document, Path_

_Span = tuple[float, float]
_NOMINAL = {
    "solids": ("coater.feed_solids", "wt%"),
    "line_speed": ("coater.line_speed", "m/min"),
    "gap": ("coater.gap_sp", "um"),
}
"""Where a recipe's working point must be believable, or allowed: nominal key to (tag, unit)."""


def check_limits(desk: Desk) -> None:
    """Judge limits.yaml: units, order, nesting, and that the instrument can show them."""
    doc = desk.limits
    for name in mapping(doc, "setpoints"):
        path: Path_ = ("setpoints", name)
        if desk.must_know(doc, path, name, "write", at_key=True) is None:
            continue
        unit = desk.unit_of(name)
        shown = _range_of(desk, name)
        spans = {key: desk.span(doc, (*path, key), unit) for key in _NESTED}
        for inner, outer in itertools.pairwise(_NESTED):
            _must_nest(doc, path, (inner, spans[inner]), (outer, spans[outer]))
        _must_lie_in(doc, (*path, "equipment"), spans["equipment"], shown, "RH-1032",
                     f"the range of `{name}` in the tag table")  # fmt: skip
        _check_motion(desk, name, spans["operating"])
    for name in mapping(doc, "inputs"):
        path = ("inputs", name)
        if desk.must_know(doc, path, name, "read", at_key=True) is None:
            continue
        unit = desk.unit_of(name)
        validity = desk.span(doc, (*path, "validity"), unit)
        _must_lie_in(doc, (*path, "validity"), validity, _range_of(desk, name), "RH-1032",
                     f"the range of `{name}` in the tag table")  # fmt: skip
        for key in ("max_step", "max_jitter"):
            _above_zero(doc, (*path, key), desk.si(doc, (*path, key), unit, difference=True))
    check_watched(desk)


_NESTED = ("operating", "proven", "equipment")
_READ_ROLES = ("heartbeat_in", "remote_ready", "remote_active")


def _check_motion(desk: Desk, name: str, operating: _Span | None) -> None:
    doc, path, unit = desk.limits, ("setpoints", name), desk.unit_of(name)
    rate = desk.si(doc, (*path, "rate"), unit, difference=True, per_second=True)
    grain = desk.si(doc, (*path, "resolution"), unit, difference=True)
    tolerance = desk.si(doc, (*path, "tolerance"), unit, difference=True)
    travel = desk.si(doc, (*path, "travel"), unit, difference=True)
    swing = desk.si(doc, (*path, "swing"), unit, difference=True)
    for key, value in (("rate", rate), ("resolution", grain), ("tolerance", tolerance),
                       ("travel", travel), ("swing", swing)):  # fmt: skip
        _above_zero(doc, (*path, key), value)
    if grain is None or grain <= 0.0:
        return
    if tolerance is not None and tolerance < grain:
        doc.report(
            "RH-1034", (*path, "tolerance"), "is finer than the resolution: a correct write would "
            "be taken for a failed one", "make it at least the resolution",
        )  # fmt: skip
    if operating is not None and operating[1] - operating[0] < grain:
        doc.report("RH-1034", (*path, "operating"), "is narrower than one step of the resolution",
                   "widen it, or refine the resolution")  # fmt: skip
    for loop in mapping(desk.line, "loops"):
        period = _quiet_si(desk, ("loops", loop, "period"))
        moved = name in mapping(desk.line, "loops", loop, "mvs")
        if moved and rate and period and rate * period < grain:
            doc.report(
                "RH-1034", (*path, "rate"), f"one cycle of {period:g} s moves less than one step "
                "of the resolution: the setpoint could never move", "raise the rate",
            )  # fmt: skip


def check_targets(desk: Desk) -> None:
    """Judge the recipe and every controlled variable: reachable, believable, unambiguous."""
    targets = {
        name: _check_value(desk, desk.recipe, ("targets", name), name)
        for name in mapping(desk.recipe, "targets")
    }
    for name in targets:
        if name not in CALCULATED:
            desk.must_know(desk.recipe, ("targets", name), name, "read", at_key=True)
    _check_nominal(desk)
    _check_phases(desk)
    for loop in mapping(desk.line, "loops"):
        _check_cvs(desk, loop, targets)
        for name in mapping(desk.line, "loops", loop, "controller", "mvs"):
            path: Path_ = ("loops", loop, "controller", "mvs", name, "rest")
            rest = desk.si(desk.line, path, desk.unit_of(name))
            _must_contain(desk.line, path, rest, _operating(desk, name), "RH-1033",
                          f"the operating range of `{name}`")  # fmt: skip


def _check_cvs(desk: Desk, loop: str, targets: dict[str, float | None]) -> None:
    ranks: dict[int, str] = {}
    base: Path_ = ("loops", loop, "controller", "cvs")
    for name, cv in mapping(desk.line, *base).items():
        if not isinstance(cv, dict):
            continue
        path = (*base, name)
        low = _check_value(desk, desk.line, (*path, "low"), name)
        high = _check_value(desk, desk.line, (*path, "high"), name)
        target, place = targets.get(name), (*path, "target")
        if cv.get("target") == "recipe":
            if name not in targets and desk.recipe.tree is not None:
                hint = did_you_mean(name, targets)
                desk.line.report("RH-1050", place, f"the recipe has no target for `{name}`.{hint}",
                                 f"add it under 'targets' in {desk.recipe.name}")  # fmt: skip
        else:
            target = _check_value(desk, desk.line, place, name)
        if not {"target", "low", "high"} & cv.keys():
            desk.line.report("RH-1050", path, "has neither target nor limits",
                             "add 'target: recipe', 'low: ...' or 'high: ...'",
                             at_key=True)  # fmt: skip
        off = desk.si(desk.line, (*path, "alarm"), desk.unit_of(name), difference=True)
        if off is not None and off <= 0.0:
            desk.line.report("RH-1013", (*path, "alarm"), "must be above zero",
                             "say how far off its target, or beyond its limits, it may be"
                             )  # fmt: skip
        if low is not None and high is not None and not low < high:
            desk.line.report("RH-1030", (*path, "low"), "low must be below high",
                             f"write 'low: {cv['high']}' and 'high: {cv['low']}' if swapped"
                             )  # fmt: skip
        elif "target" in cv:
            least = low if low is not None else float("-inf")
            most = high if high is not None else float("inf")
            _must_contain(desk.line, place, target, (least, most), "RH-1033",
                          "its own low and high limits")  # fmt: skip
        rank = cv.get("rank")
        if isinstance(rank, int):
            other = ranks.setdefault(rank, name)
            if other != name:
                desk.line.report("RH-1051", (*path, "rank"), f"`{other}` has rank {rank} already",
                                 "give each controlled variable its own rank")  # fmt: skip


def _check_value(desk: Desk, document: Document, path: Path_, name: str) -> float | None:
    """Return the value in SI, reported where it is not one the loop's own readings can show."""
    value = desk.si(document, path, desk.unit_of(name))
    shown = _range_of(desk, name)
    _must_contain(
        document, path, value, shown, "RH-1032", f"the range of `{name}` in the tag table"
    )
    if value is not None and (shown is None or shown[0] <= value <= shown[1]):
        believed = f"where readings of `{name}` are believed (validity)"
        _must_contain(document, path, value, _validity(desk, name), "RH-1033", believed)
    return value


def _check_nominal(desk: Desk) -> None:
    for key, (tag, unit) in _NOMINAL.items():
        path: Path_ = ("nominal", key)
        try_unit = desk.unit_of(tag)
        if desk.tag(tag) is None or try_unit is None:
            continue
        value = desk.si(desk.recipe, path, unit)
        _must_contain(desk.recipe, path, value, _validity(desk, tag), "RH-1033",
                      f"where readings of `{tag}` are believed (validity)")  # fmt: skip
        _must_contain(desk.recipe, path, value, _operating(desk, tag), "RH-1033",
                      f"the operating range of `{tag}`")  # fmt: skip


def _check_phases(desk: Desk) -> None:
    for loop in mapping(desk.line, "loops"):
        codes = mapping(desk.line, "loops", loop, "phase", "codes")
        for number, phase in texts(desk.recipe, "phases_in_control"):
            if codes and phase not in codes:
                desk.recipe.report(
                    "RH-1013", ("phases_in_control", number),
                    f"no phase is called '{phase}'.{did_you_mean(phase, codes)}",
                    "write one of: " + ", ".join(codes),
                )  # fmt: skip


def check_times(desk: Desk) -> None:
    """Judge the times of each loop against its period."""
    for loop in mapping(desk.line, "loops"):
        base: Path_ = ("loops", loop)
        period = _quiet_si(desk, (*base, "period"))
        if period is None:
            continue
        for key in ("max_plan_age", "command_life"):
            _within_period(desk, (*base, "gate", key), period)
        share = at(desk.line, *base, "gate", "deadline_share")
        age = _quiet_si(desk, (*base, "gate", "max_plan_age"))
        if isinstance(share, float) and age is not None and share * period > age:
            desk.line.report(
                "RH-1060", (*base, "gate", "deadline_share"), f"lets the controller think for "
                f"{share * period:g} s, but a plan older than {age:g} s is refused",
                "lower deadline_share, or raise max_plan_age",
            )  # fmt: skip
        source = at(desk.line, *base, "handshake", "source")
        if isinstance(source, str):
            _within_period(desk, ("sources", source, "timeout"), period)
        read = [at(desk.line, *base, "handshake", role) for role in _READ_ROLES]
        for group in ("permissives", "critical", "optional"):
            read += [name for _, name in texts(desk.line, *base, group)]
        for name in read:
            if isinstance(name, str):
                _check_age(desk, name, loop, period)


def _within_period(desk: Desk, path: Path_, period: float) -> None:
    value = _quiet_si(desk, path)
    if value is not None and value > period:
        desk.line.report("RH-1060", path, f"is longer than the loop's period of {period:g} s",
                         "make it shorter than the period")  # fmt: skip


def _check_age(desk: Desk, name: str, loop: str, period: float) -> None:
    age = desk.si(desk.tags, ("tags", name, "max_age"), "s")
    if age is not None and age < period:
        desk.tags.report(
            "RH-1060", ("tags", name, "max_age"), f"is shorter than the period of the loop "
            f"`{loop}` ({period:g} s): the reading would always be stale",
            "make it two to three periods",
        )  # fmt: skip


def _quiet_si(desk: Desk, path: Path_) -> float | None:
    value = desk.si(desk.line, path, "s")
    return value if value is not None and value > 0 else None


def _range_of(desk: Desk, name: str) -> _Span | None:
    if desk.tag(name) is None:
        return None
    return desk.span(desk.tags, ("tags", name, "range"), desk.unit_of(name))


def _validity(desk: Desk, name: str) -> _Span | None:
    return desk.span(desk.limits, ("inputs", name, "validity"), desk.unit_of(name))


def _operating(desk: Desk, name: str) -> _Span | None:
    return desk.span(desk.limits, ("setpoints", name, "operating"), desk.unit_of(name))


def _must_nest(
    doc: Document, path: Path_, inner: tuple[str, _Span | None], outer: tuple[str, _Span | None]
) -> None:
    _must_lie_in(doc, (*path, inner[0]), inner[1], outer[1], "RH-1031", f"the {outer[0]} range",
                 reference=at(doc, *path, outer[0]))  # fmt: skip


def _must_lie_in(
    doc: Document,
    path: Path_,
    inner: _Span | None,
    outer: _Span | None,
    code: str,
    named: str,
    reference: object = None,
) -> None:
    if inner is None or outer is None:
        return
    for end, outside in ((0, inner[0] < outer[0]), (1, inner[1] > outer[1])):
        if outside:
            ends = f" [{', '.join(map(str, reference))}]" if isinstance(reference, list) else ""
            doc.report(code, (*path, end), f"{at(doc, *path, end)} lies outside {named}{ends}",
                       "narrow this range; the outer one is changed only with its evidence"
                       )  # fmt: skip


def _must_contain(
    doc: Document, path: Path_, value: float | None, span: _Span | None, code: str, named: str
) -> None:
    if value is not None and span is not None and not span[0] <= value <= span[1]:
        doc.report(code, path, f"{at(doc, *path)} lies outside {named}",
                   "correct the value, or the range if it was written for another product"
                   )  # fmt: skip


def _above_zero(doc: Document, path: Path_, value: float | None) -> None:
    if value is not None and value <= 0.0:
        doc.report("RH-1013", path, f"{at(doc, *path)} must be above zero", "correct the value")
