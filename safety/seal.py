"""The seal of the rules: a copy of all limits taken when they were built, compared in every cycle.

Frozen classes keep honest code from changing a limit. The comparison notices everything else: a
bug, a debugger, a bit that fell over. Requirements IL-20, P11.
"""

from __future__ import annotations

import marshal
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from safety.watch_rules import CrossRule

if TYPE_CHECKING:
    from safety.rules import LoopRules

_numbers = attrgetter(
    "loop", "period_s", "critical", "permissives", "hold_cycles", "heartbeat_cycles",
    "max_plan_age_s", "max_residual", "max_iterations", "command_life_s",
)  # fmt: skip
_input = attrgetter(
    "tag", "source", "kind", "span", "validity", "max_age_s", "frozen_after", "max_step",
    "max_jitter", "wire_zero",
)  # fmt: skip
_setpoint = attrgetter(
    "tag", "active_tag", "equipment", "proven", "operating", "rate_per_s", "resolution",
    "tolerance", "dwell_s", "travel", "swing", "reversals", "grid.gain", "grid.offset",
    "grid.single",
)  # fmt: skip
_handshake = attrgetter(
    "heartbeat_in", "remote_ready", "remote_active", "heartbeat_modulus", "sequence_modulus"
)
_trips = attrgetter("batch", "most")
_vote = attrgetter("tag", "members", "tolerance", "cycles")
_cross = attrgetter("name", "factor", "powers", "span")
_sum = attrgetter("name", "weights", "span")
_guard = attrgetter("tag", "trip", "back", "trip_after", "back_after")
_balance = attrgetter("name", "factor", "powers", "span", "cycles")
_model = attrgetter("innovation", "cycles")


def sealed_copy(rules: LoopRules) -> tuple[Any, ...]:
    """Return a copy of everything the gate enforces that shares no number with the rules."""
    copy: tuple[Any, ...] = marshal.loads(marshal.dumps(_content(rules)))
    return copy


def unbroken(rules: LoopRules) -> bool:
    """Say whether the rules are still those that were sealed."""
    return _content(rules) == rules.seal


def _content(rules: LoopRules) -> tuple[Any, ...]:
    watch, phase = rules.watch, rules.phase
    return (
        _numbers(rules),
        _handshake(rules.handshake),
        phase and (phase.tag, tuple(sorted(phase.allowed))),
        rules.trips and _trips(rules.trips),
        tuple(rules.inputs),
        tuple(map(_input, rules.inputs.values())),
        tuple(rules.setpoints),
        tuple(map(_setpoint, rules.setpoints.values())),
        tuple(watch.votes),
        tuple(map(_vote, watch.votes.values())),
        tuple(_cross(rule) if isinstance(rule, CrossRule) else _sum(rule) for rule in watch.cross),
        tuple(watch.guards),
        tuple(map(_guard, watch.guards.values())),
        tuple(map(_balance, watch.balances)),
        watch.model and _model(watch.model),
    )
