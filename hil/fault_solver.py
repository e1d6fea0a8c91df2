"""The controller of a fault run: the real one, in this process, made to answer as asked.

What a worker process can do to the engine (be late, hang, die, answer nonsense, lie about success)
arrives there as a `Plan`; here the same plans are made, and waiting takes virtual time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from controller.plan import LoopController, Plan, PlanRequest

if TYPE_CHECKING:
    from hil.fault_world import FaultWorld

Twist = Callable[[PlanRequest, Plan], Plan]


@dataclass(slots=True)
class FaultyPlanner:
    """The planner the engine gets; `twists` change its answers, in their order.

    `takes_s` is how long an answer takes; beyond the deadline there is none.
    """

    controller: LoopController
    world: FaultWorld
    twists: list[Twist] = field(default_factory=list)
    takes_s: float = 0.0

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        """Answer one cycle; how long a solve really took is none of a virtual run's bytes."""
        await self.world.moment("plan")
        if self.takes_s > deadline_s:
            self.world.let_pass(deadline_s)
            return Plan("late", None, notes=(f"no answer within {deadline_s:.3f} s",))
        plan = replace(self.controller.plan(request), solve_ms=0.0)
        self.world.let_pass(self.takes_s)
        for twist in list(self.twists):
            plan = twist(request, plan)
        return plan

    async def close(self) -> None:
        """Nothing to let go of."""

    def inherit(self) -> None:
        """No other configuration is prepared here."""
