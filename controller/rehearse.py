"""A what-if study in a process of its own: how a loop would go on with these numbers or those.

One JSON object comes in: the loop, the requests of the last recorded cycles, how many cycles to
play, and the sealed configurations to compare. Each gets a controller that hears the requests and
then plays on with its own model as the plant (`MpcController.rehearse`). One JSON object goes out.
It is a promise of the model, not of the plant: what the model gets wrong it gets wrong here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from controller.factory import ACCIDENTS, build_controller
from controller.mpc import MpcController
from controller.plan import Plan, PlanRequest
from controller.plan_json import plan_to_json, request_from_json


def main() -> int:
    """Answer one question; the exit code is 2 when it cannot be answered, and stderr says why."""
    question = json.load(sys.stdin)
    requests = [request_from_json(body) for body in question["requests"]]
    try:
        courses = {
            name: [_row(plan) for plan in rehearsed(question["loop"], sealed, requests,
                                                    int(question["steps"]))]
            for name, sealed in question["configurations"].items()
        }  # fmt: skip
    except ACCIDENTS as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2
    json.dump(courses, sys.stdout, allow_nan=False)
    return 0


def rehearsed(
    loop: str, sealed: Mapping[str, Any], requests: Sequence[PlanRequest], steps: int
) -> list[Plan]:
    """Return `steps` cycles of `loop` after the last of `requests`, played by the model.

    Raises ValueError when the loop's controller has no model to play with.
    """
    controller = build_controller(loop, sealed).inner
    if not isinstance(controller, MpcController):
        raise ValueError(f"{loop}: its controller cannot be rehearsed; only coating and mixing MPC")  # noqa: TRY004
    for request in requests[:-1]:
        controller.observe(request)
    return list(controller.rehearse(_within(requests[-1], sealed), steps))


def _within(request: PlanRequest, sealed: Mapping[str, Any]) -> PlanRequest:
    """Return the request with the operating ranges and move limits of this configuration."""
    rules = sealed["limits"]["setpoints"]
    period_s = float(sealed["loops"][request.loop]["period"])
    limits = {tag: tuple(rules[tag]["operating"]) for tag in request.limits}
    return PlanRequest(
        request.loop, request.sequence, request.now_s, request.values, request.quality,
        request.applied, limits,
        {tag: float(rules[tag]["rate"]) * period_s for tag in request.max_step}, request.closed,
    )  # fmt: skip


def _row(plan: Plan) -> dict[str, Any]:
    body = plan_to_json(plan)
    names = ("status", "proposal", "estimate", "targets", "cv_limits", "binding", "gave_up")
    return {name: body[name] for name in names}


if __name__ == "__main__":
    raise SystemExit(main())
