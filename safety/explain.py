"""Why, in words: the reasons of a verdict, those of the mode among them, and the latches."""

from __future__ import annotations

from collections.abc import Iterable

from safety.case import Case
from safety.modes import ModeState, is_named, mark_of
from safety.words import Action, Mode, Reason, RequestedMode


def explained(case: Case, modes: ModeState, reasons: list[Reason]) -> list[Reason]:
    """Return the reasons, highest first, with those that lie in the mode and not in this cycle."""
    if modes.mode is Mode.OFF:
        return _why_off(case)
    extra: list[Reason] = []
    if modes.mode is Mode.TRIPPED and highest(reasons) < Action.TRIP:
        extra = [Reason("IL-04", Action.TRIP, "", text) for text in latches(case, modes, reasons)]
    elif modes.mode is Mode.SHED and highest(reasons) < Action.SHED:
        extra = [Reason("IL-16", Action.SHED, "", _why_shed(case))]
    elif modes.mode is Mode.SHADOW and modes.spent == mark_of(case.request):
        text = "the request for AUTO was refused; ask again when nothing stands against it"
        extra = [Reason("IL-09", Action.HOLD, "", text)]
    if len(reasons) + len(extra) < 2:
        return reasons + extra
    return sorted([*reasons, *extra], key=lambda reason: -reason.action)


def _why_off(case: Case) -> list[Reason]:
    request = case.request
    if case.barred and request.mode is not RequestedMode.OFF:
        text = f"tripped {case.trips} times in batch {case.batch}: OFF until the next batch"
        return [Reason("IL-04", Action.HOLD, "", text)]
    if request.number < case.state.newest and not is_named(request):
        text = f"request {request.number} is older than {case.state.newest}: a repetition"
        return [Reason("IL-09", Action.HOLD, "", text)]
    if request.mode is not RequestedMode.OFF and not is_named(request):
        text = "a request without a person's name is refused"
        return [Reason("IL-09", Action.HOLD, "", text)]
    return []


def _why_shed(case: Case) -> str:
    cycles = case.rules.hold_cycles
    if case.state.mode is Mode.SHED:
        return "stays shed until a person asks again"
    if case.state.mode is Mode.INIT:
        return f"the PLC did not go to remote within {cycles} cycles"
    return f"the hold lasted longer than {cycles} cycles"


def latches(case: Case, modes: ModeState, reasons: list[Reason]) -> tuple[str, ...]:
    """Return why the loop is tripped, in words; the first cause stays until the reset."""
    if modes.mode is not Mode.TRIPPED:
        return ()
    causes = (sentence(reason) for reason in reasons if reason.action is Action.TRIP)
    return case.state.latches or tuple(causes) or ("tripped",)


def sentence(reason: Reason) -> str:
    """Return a reason as one line: rule, tag, text."""
    place = f"{reason.rule} {reason.tag}" if reason.tag else reason.rule
    return f"{place}: {reason.text}"


def highest(reasons: Iterable[Reason]) -> Action:
    """Return the highest action that any reason calls for."""
    return max((reason.action for reason in reasons), default=Action.ALLOW)
