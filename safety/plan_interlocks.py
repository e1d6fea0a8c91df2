"""The interlocks that look at the plan itself: found, whole, sane.

A handshake needs no plan, so these only count where a plan would be used. All of them HOLD.
"""

from __future__ import annotations

from collections.abc import Callable

from safety.case import Case, is_count, is_number, short
from safety.shape import excess
from safety.words import Action, Proposal, Reason


def il_11_solver(case: Case) -> list[Reason]:
    """IL-11: only a plan that says 'solved', is feasible, fresh, finite and not laboured. HOLD."""
    plan, rules = case.proposal, case.rules
    if case.plan_status != "solved" or not isinstance(plan, Proposal):
        return _hold("IL-11", "", f"no plan: {short(case.plan_status)}")
    reasons = []
    if plan.status != "solved":
        reasons += _hold("IL-11", "", f"proposal status is {short(plan.status)}")
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


def il_19_allow_list(case: Case) -> list[Reason]:
    """IL-19: exactly the setpoints of this loop, each a finite number and nothing like it. HOLD."""
    if not isinstance(case.proposal, Proposal):
        return []
    wishes, reasons = case.wishes, []
    for tag in wishes:
        if tag not in case.rules.setpoints:
            reasons += _hold("IL-19", short(tag), "is not a setpoint of this loop")
    for tag in case.rules.setpoints:
        if tag not in wishes:
            reasons += _hold("IL-19", tag, "proposal lacks this setpoint")
        elif not is_number(wishes[tag]):
            reasons += _hold("IL-19", tag, "proposed value is not a finite number")
    return reasons


def il_01_equipment(case: Case) -> list[Reason]:
    """IL-01: a wish outside the equipment range is not to be cut down: it is a fault. HOLD."""
    reasons = []
    for tag, rule in case.rules.setpoints.items():
        wish = case.wishes.get(tag)
        if is_number(wish) and excess(wish, rule.equipment) > 0.0:
            reasons += _hold("IL-01", tag, f"proposed {wish:.6g} is outside the equipment range")
    return reasons


def _hold(rule: str, tag: str, text: str) -> list[Reason]:
    return [Reason(rule, Action.HOLD, tag, text)]


PLAN_INTERLOCKS: tuple[Callable[[Case], list[Reason]], ...] = (
    il_11_solver,
    il_19_allow_list,
    il_01_equipment,
)
