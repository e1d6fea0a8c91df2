"""A stand-in for a controller's worker: `python -m hil.quick_worker`, ready at once, no solver.

It moves every setpoint a little up and down around what the PLC uses, so that every cycle writes
something new. For campaigns that start an engine a thousand times; it says nothing about control.
"""

from __future__ import annotations

import json
import sys

from controller.plan import SOLVED, Plan, PlanRequest
from controller.plan_json import plan_to_json, request_from_json
from safety.words import Proposal

_SHARE = 0.3  # of the largest step
_TURNS = 12  # cycles between two turns: the gate allows 60 an hour and no more


def answer(request: PlanRequest) -> Plan:
    """Return a plan that is always solved, one small step, some of them to the same side."""
    side = 1.0 if request.sequence // _TURNS % 2 else -1.0
    moved = {}
    for tag, value in request.applied.items():
        low, high = request.limits[tag]
        moved[tag] = min(max(value + side * _SHARE * request.max_step[tag], low), high)
    wish = Proposal(moved, SOLVED, 1, 0.0, 0.0, request.now_s, innovation=1.0)
    return Plan(SOLVED, wish, echo=dict(request.limits))


def main() -> None:
    """Serve until the input ends."""
    loop = json.loads(sys.stdin.readline())["loop"]
    _say({"ready": True, "loop": loop, "kind": "stand-in"})
    for line in sys.stdin:
        body = json.loads(line)
        if body == {"alive": True}:  # the engine asks an idle worker whether it hangs
            _say(body)
        elif "observe" in body:
            _say({"observed": True})
        else:
            _say(plan_to_json(answer(request_from_json(body))))


def _say(body: object) -> None:
    sys.stdout.write(json.dumps(body) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
