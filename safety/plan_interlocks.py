"""The interlocks that look at the plan itself: found, whole, sane.

A handshake needs no plan, so these only count where a plan would be used. All of them HOLD but
IL-12: a model that the plant contradicts is no reason to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from safety.case import Case, is_count, is_number, number_of, short
from safety.shape import excess
from safety.watch import combined
from safety.words import Action, Proposal, Reason


def il_11_solver(case: Case) -> list[Reason]:
    """IL-11: only a plan that says 'solved', is feasible, fresh, finite and not laboured. HOLD."""
    plan, rules = case.proposal, case.rules
    if case.plan_status != "solved" or not isinstance(plan, Proposal):
        return _hold("IL-11", "", f"no plan: {short(case.plan_status)}")
    told = f"proposal status is {short(plan.status)}"
    reasons = [] if plan.status == "solved" else _hold("IL-11", "", told)
    if not (is_number(plan.residual) and 0.0 <= plan.residual <= rules.max_residual):
        reasons += _hold("IL-11", "", f"constraint residual above {rules.max_residual:.6g}")
    if not (is_count(plan.iterations) and plan.iterations <= rules.max_iterations):
        reasons += _hold("IL-11", "", f"more than {rules.max_iterations} iterations")
    if not is_number(plan.cost):
        reasons += _hold("IL-11", "", "cost is not a finite number")
    fresh = is_number(plan.made_s) and 0.0 <= case.now_s - plan.made_s <= rules.max_plan_age_s
    if not fresh:
        reasons += _hold(
            "IL-11", "", f"plan is older than {rules.max_plan_age_s:.6g} s, or newer than now"
        )
    return reasons


def il_12_model(case: Case) -> list[Reason]:
    """IL-12: the plant has surprised the model for too long: SHED; its surprise unknown: HOLD."""
    rule, plan = case.rules.watch.model, case.proposal
    if rule is None:
        return []
    if case.misfit >= rule.cycles:
        text = f"innovations above {rule.innovation:.6g} for {case.misfit} cycles: another plant"
        return [Reason("IL-12", Action.SHED, "", text)]
    if isinstance(plan, Proposal) and not is_number(plan.innovation):
        return _hold("IL-12", "", "the plan does not say how well its model fits")
    return []


def il_19_allow_list(case: Case) -> list[Reason]:
    """IL-19: exactly the setpoints of this loop, each a finite number and nothing like it. HOLD."""
    if not isinstance(case.proposal, Proposal):
        return []
    wishes, setpoints, reasons = case.wishes, case.rules.setpoints, []
    for tag in wishes:
        if tag not in setpoints:
            reasons += _hold("IL-19", short(tag), "is not a setpoint of this loop")
    for tag in setpoints:
        if tag not in wishes:
            reasons += _hold("IL-19", tag, "proposal lacks this setpoint")
        elif not is_number(wishes[tag]):
            reasons += _hold("IL-19", tag, "proposed value is not a finite number")
    return reasons


def il_01_equipment(case: Case) -> list[Reason]:
    """IL-01: a wish outside the equipment range is not to be cut down: it is a fault. HOLD."""
    wishes, reasons = case.wishes, []
    for tag, rule in case.rules.setpoints.items():
        wish = wishes.get(tag)
        if is_number(wish) and excess(wish, rule.equipment) > 0.0:
            reasons += _hold("IL-01", tag, f"proposed {wish:.6g} is outside the equipment range")
    return reasons


def il_06_combinations(case: Case, allowed: Mapping[str, float]) -> list[Reason]:
    """IL-06: values that are allowed one by one but not together. HOLD, unless it leads back.

    It looks at what is about to be written, so it comes after the cuts. Outside already (the line
    was sped up by hand, say), only what comes nearer may go out.
    """
    reasons = []
    for rule in case.rules.watch.cross:
        after = combined(rule, lambda tag: _value(case, tag, allowed))
        if after is None:
            reasons += _hold("IL-06", "", f"{rule.name}: not every value in it is known")
            continue
        outside = excess(after, rule.span)
        if outside == 0.0:
            continue
        before = combined(rule, lambda tag: _value(case, tag, case.snapshot.applied))
        text = f"{rule.name} would be {after:.6g}, allowed {rule.span[0]:.6g} to {rule.span[1]:.6g}"
        if before is not None and outside < excess(before, rule.span):
            reasons.append(Reason("IL-06", Action.CLAMP, "", f"{text}; on the way back"))
        else:
            reasons += _hold("IL-06", "", text)
    return reasons


def _value(case: Case, tag: str, setpoints: Mapping[str, float]) -> float | None:
    """Return a value of a combination: of a setpoint as given, of anything else as read."""
    if tag in case.rules.setpoints:
        return setpoints.get(tag)
    return number_of(case.snapshot, tag)


def _hold(rule: str, tag: str, text: str) -> list[Reason]:
    return [Reason(rule, Action.HOLD, tag, text)]


PLAN_INTERLOCKS: tuple[Callable[[Case], list[Reason]], ...] = (
    il_11_solver,
    il_12_model,
    il_19_allow_list,
    il_01_equipment,
)
