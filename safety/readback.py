"""Did it land? Compares what the PLC's registers hold with what the command said (IL-13).

The answer is not acted on here: it is remembered in the gate's state, and the next judgement
decides. An outcome that nobody knows is never repeated.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from safety.case import is_number
from safety.gate import Command
from safety.rules import LoopRules
from safety.state import GateState
from safety.words import Action, Reason, WriteResult

_FLOAT32_EPSILON = 2.0**-23
_USUAL = 0.1  # of a period: so long a write may take, and the next move is as long as ever


class Verified(NamedTuple):
    """What to remember for the next cycle, and what an operator should read about this one."""

    state: GateState
    reasons: tuple[Reason, ...]


def verify(
    rules: LoopRules,
    state: GateState,
    command: Command | None,
    result: WriteResult | None,
    over_s: float,
) -> Verified:
    """Fold the result of a write into the state that `judge` returned with its command.

    `over_s` is when the write was over, whatever came of it [engine s]. Without a command there is
    nothing to verify. Total: a result that cannot be understood counts as unknown.
    """
    if command is None:
        return Verified(state, ())
    if command.setpoints:
        state = state._replace(commanded_s=_counted_from(rules, state, over_s))
    known: object = result
    if not isinstance(known, WriteResult):
        return _not_written(state, "unknown", "no result")
    outcome = known.outcome if known.outcome in ("written", "refused", "not-sent") else "unknown"
    if outcome != "written":
        return _not_written(state, outcome, known.reason)
    reasons: list[Reason] = []
    mismatches = 0
    for tag, wanted in command.setpoints.items():
        landed = known.landed.get(tag)
        if landed is None:
            reasons.append(Reason("IL-13", Action.HOLD, tag, "could not be read back"))
        elif not _alike(wanted, landed, rules.setpoints[tag].tolerance):
            mismatches = state.mismatches + 1
            text = f"wrote {wanted:.6g}, read back {landed!r}"
            reasons.append(Reason("IL-13", Action.HOLD, tag, text))
    if reasons:
        text = "; ".join(f"{reason.tag} {reason.text}" for reason in reasons)
        mismatches = max(mismatches, state.mismatches)
        state = state._replace(outcome="unknown", outcome_reason=text, mismatches=mismatches)
        return Verified(state, tuple(reasons))
    if not command.setpoints:
        mismatches = state.mismatches  # nothing was compared, so nothing was disproved
    state = state._replace(outcome="written", mismatches=mismatches)
    return Verified(state, ())


def _counted_from(rules: LoopRules, state: GateState, over_s: float) -> float | None:
    """Return when the next move begins to count (IL-02).

    A command that was long on its way landed late, and the cycle after it comes as soon as ever:
    two whole moves would follow each other in less than a period.
    """
    judged_s = state.commanded_s
    if judged_s is None or not is_number(over_s):
        return judged_s
    return max(judged_s, over_s - _USUAL * rules.period_s)


def _not_written(state: GateState, outcome: str, why: object) -> Verified:
    text = why if isinstance(why, str) and why else "no reason given"
    reason = Reason("IL-13", Action.HOLD, "", f"command {outcome}: {text}")
    return Verified(state._replace(outcome=outcome, outcome_reason=text), (reason,))


def _alike(wanted: float, landed: object, tolerance: float) -> bool:
    """Compare as the wire can: within the tolerance and the grain of a 32-bit float."""
    if isinstance(landed, bool) or not isinstance(landed, float | int) or not math.isfinite(landed):
        return False
    return abs(wanted - landed) <= tolerance + _FLOAT32_EPSILON * abs(wanted)
