"""A worker without a solver: echoes a plan at once, or misbehaves as the request's values say.

`values["misbehave"]`: 'hang' never answers, 'die' exits, 'garble' answers no plan; any other word
is the path of a file, whose appearance is waited for before the answer.
`python -m tests.service.fake_worker [refuse]`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from controller.plan import Plan, PlanRequest
from controller.plan_json import plan_to_json, request_from_json
from safety.words import Proposal


def answer(request: PlanRequest, heard: int) -> str:
    """Return the answer line to one request: keep the setpoints, plus one resolution step."""
    mood = request.values.get("misbehave")
    if mood == "hang":
        time.sleep(3600)
    if mood == "die":
        os._exit(9)
    if mood == "garble":
        return '{"status": "solved"}'
    while mood and not Path(str(mood)).exists():
        time.sleep(0.005)
    wish = Proposal(moved(request.applied), "solved", 1, 0.0, 0.0, request.now_s, innovation=1.0)
    known = {"pid": float(os.getpid()), "heard": float(heard)}
    plan = Plan("solved", wish, estimate=known, notes=(environment(),))
    return json.dumps(plan_to_json(plan))


def moved(applied: Mapping[str, float]) -> dict[str, float]:
    """Return setpoints a little higher than those in use."""
    return {tag: value * 1.001 for tag, value in applied.items()}


def environment() -> str:
    """Say how many threads a numerical library would be allowed."""
    return f"threads {os.environ.get('OPENBLAS_NUM_THREADS')}"


def main() -> None:
    """Answer lines until there are no more."""
    first = json.loads(sys.stdin.readline())
    if "refuse" in sys.argv:
        sys.stdout.write(json.dumps({"ready": False, "error": "no model for this loop"}) + "\n")
        return
    sys.stdout.write(json.dumps({"ready": True, "loop": first["loop"]}) + "\n")
    sys.stdout.flush()
    heard = 0
    for line in sys.stdin:
        body = json.loads(line)
        if body == {"alive": True}:
            sys.stdout.write(line)
            sys.stdout.flush()
            continue
        heard += 1
        if "observe" in body:
            sys.stdout.write('{"observed":true}\n')
        else:
            sys.stdout.write(answer(request_from_json(body), heard) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
