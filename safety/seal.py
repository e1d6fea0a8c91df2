"""The seal of the rules: a copy of all limits taken when they were built, compared in every cycle.

Rules are tuples, so code cannot change a limit in its place. The comparison notices everything
else: rules put in the place of others, a debugger, a bit that fell over. Requirements IL-20, P11.
"""

from __future__ import annotations

import marshal
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safety.rules import LoopRules

_of_the_loop = attrgetter(
    "loop", "period_s", "critical", "permissives", "hold_cycles", "heartbeat_cycles",
    "max_plan_age_s", "max_residual", "max_iterations", "command_life_s", "handshake", "phase",
    "trips", "watch.cross", "watch.balances", "watch.model",
)  # fmt: skip


def sealed_copy(rules: LoopRules) -> tuple[Any, ...]:
    """Return a copy of everything the gate enforces that shares no number with the rules."""
    copy: tuple[Any, ...] = marshal.loads(marshal.dumps(_plain(_content(rules))))
    return copy


def unbroken(rules: LoopRules) -> bool:
    """Say whether the rules are still those that were sealed."""
    return _content(rules) == rules.seal


def _content(rules: LoopRules) -> tuple[Any, ...]:
    """Return all that is enforced; the rules in it are tuples, so they compare field by field."""
    watch = rules.watch
    by_tag = (rules.inputs, rules.setpoints, watch.votes, watch.guards)
    return (
        *_of_the_loop(rules),
        *map(tuple, by_tag),
        *(tuple(named.values()) for named in by_tag),
    )


def _plain(part: Any) -> Any:  # noqa: ANN401 - whatever rules are made of
    """Return tuples of tuples for named tuples of such: `marshal` knows no others."""
    return tuple(map(_plain, part)) if isinstance(part, tuple) else part
