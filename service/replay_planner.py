"""The controller of a replay: told what the recorded one was told, in the same order.

A worker that was late or died was replaced by its spare, which had heard every question without
planning; so is this one. That is all of `solver_process.py` that can change a decision.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from controller.factory import build_controller
from controller.plan import LoopController, Plan, PlanRequest
from controller.plan_json import plan_from_json, request_from_json, request_to_json
from controller.worker import answer_line

NO_WORKER = ("starting", "late", "dead", "garbled", "busy")
"""What a plan says when it is the worker's process that gave no answer, not its controller."""

_REMEMBERED = 240  # questions a spare hears, as `solver_process.py` has it


class ReplayPlanner:
    """Answers the questions of one loop as the present code would have."""

    def __init__(self, loop: str, sealed: Mapping[str, Any]) -> None:
        self._loop, self._sealed = loop, sealed
        self._asked: deque[PlanRequest] = deque(maxlen=_REMEMBERED)
        self._controller: LoopController | None = None
        self.takeovers = 0

    def answer(self, request: PlanRequest, recorded: Plan) -> Plan:
        """Return the plan of the present code, or the recorded one where no worker answered."""
        line = json.dumps(request_to_json(request))
        request = request_from_json(json.loads(line))
        if recorded.status in NO_WORKER:
            if recorded.status != "busy":  # a busy worker never saw the question
                self._asked.append(request)
                self.takeovers += self._controller is not None
                self._controller = None
            return recorded
        controller = self._controller = self._controller or self._spare()
        self._asked.append(request)
        answer = answer_line(controller, line)
        try:
            return plan_from_json(json.loads(json.dumps(answer, allow_nan=False)))
        except ValueError:
            status = f"refused: a number in the plan is not finite ({answer['status']})"
            return Plan(status, None)

    def change(self, sealed: Mapping[str, Any]) -> None:
        """Take another configuration: its controller is a new one that has heard the last ones."""
        self._sealed, self._controller = sealed, None

    def _spare(self) -> LoopController:
        controller = build_controller(self._loop, self._sealed)
        for request in self._asked:
            controller.observe(request)
        return controller
