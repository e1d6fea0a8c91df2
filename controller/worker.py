"""The child process a controller lives in: JSON lines in, JSON lines out, nothing else.

The first line names the loop and brings the sealed configuration; the answer says ready. Then each
line is a request and each answer a plan. The controller is warmed up before it says ready, so the
first real cycle is as fast as any other. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from controller.factory import build_controller
from controller.plan import LoopController, Plan, PlanRequest
from controller.plan_json import plan_to_json, request_from_json


def main() -> int:
    """Serve until the input ends; the exit code is 2 when the controller could not be built."""
    answers = _own_the_output()
    line = sys.stdin.readline()
    try:
        start = json.loads(line)
        loop, sealed = str(start["loop"]), start["sealed"]
        controller = build_controller(loop, sealed)
        first = controller.plan(nominal_request(loop, sealed))  # touches every library and page
        controller.forget()
    except (ValueError, LookupError, TypeError, ArithmeticError, RuntimeError) as error:
        _say(answers, {"ready": False, "error": f"{type(error).__name__}: {error}"})
        return 2
    kind = sealed["loops"][loop]["controller"]["kind"]
    echo = plan_to_json(first)["echo"]  # the limits as the compiled problem holds them
    _say(answers, {"ready": True, "loop": loop, "kind": kind, "pid": os.getpid(), "echo": echo})
    for line in sys.stdin:
        if line.strip():
            _say(answers, answer_line(controller, line))
    return 0


def answer_line(controller: LoopController, line: str) -> dict[str, Any]:
    """Answer one request line; a line that is no request gets a plan without proposal.

    A request inside {"observe": ...} is only taken in: that is how a standby keeps its estimate.
    {"alive": true} is answered with itself: so the engine knows an idle worker from a hung one.
    """
    try:
        body = json.loads(line)
        if body == {"alive": True}:
            return {"alive": True}
        if isinstance(body, dict) and body.keys() == {"observe"}:
            controller.observe(request_from_json(body["observe"]))
            return {"observed": True}
        request = request_from_json(body)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return plan_to_json(Plan(f"unfit: the request cannot be read: {error!r}", None))
    return plan_to_json(controller.plan(request))


def as_text(body: Mapping[str, Any]) -> str:
    """A plan as JSON; with a number in it that is none, it has no proposal."""
    try:
        return json.dumps(body, allow_nan=False)
    except ValueError:
        status = f"refused: a number in the plan is not finite ({body.get('status')})"
        return json.dumps(plan_to_json(Plan(status, None)), allow_nan=False)


def nominal_request(loop: str, sealed: Mapping[str, Any]) -> PlanRequest:
    """A request as a line at rest would bring it: every setpoint in the middle of its range."""
    setpoints = sealed["limits"]["setpoints"]
    mvs = list(sealed["loops"][loop]["mvs"])
    period_s = float(sealed["loops"][loop]["period"])
    limits = {tag: tuple(setpoints[tag]["operating"]) for tag in mvs}
    targets = {str(tag): float(value) for tag, value in sealed["recipe"]["targets"].items()}
    return PlanRequest(
        loop=loop,
        sequence=0,
        now_s=0.0,
        values={"coater.line_speed": sealed["recipe"]["nominal"]["line_speed"], **targets},
        quality={},
        applied={tag: 0.5 * (low + high) for tag, (low, high) in limits.items()},
        limits={tag: (float(low), float(high)) for tag, (low, high) in limits.items()},
        max_step={tag: float(setpoints[tag]["rate"]) * period_s for tag in mvs},
        closed=False,
    )


def _own_the_output() -> TextIO:
    """Keep the real output for answers; whatever else is printed goes to the error stream."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return answers


def _say(answers: TextIO, body: Mapping[str, Any]) -> None:
    answers.write(as_text(body) + "\n")
    answers.flush()


if __name__ == "__main__":
    raise SystemExit(main())
