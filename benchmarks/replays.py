"""Whether the same inputs give the same bits: ten recorded minutes, planned again and again.

They are played closed on the virtual line, all loops, through the real cycle and gate; every
question to a controller is kept as the JSON that a worker would read. Then each loop's controller,
estimator and optimiser together, forgets everything and answers them once more. All of a plan
goes into the hash (moves, courses, estimate, limits held, residuals) but the time it took.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.figures import Stopwatch, Verdict
from controller.factory import Guarded, build_controller
from controller.plan import Plan, PlanRequest
from controller.plan_json import plan_to_json, request_from_json, request_to_json

ROOT = Path(__file__).resolve().parent.parent
MINUTES = 10.0
FRESH_PATIENCE_S = 600.0
Questions = Mapping[str, Sequence[dict[str, Any]]]
"""Loop -> its questions as plain data, in order."""


def run(
    replays: int, seed: int, sealed: Mapping[str, Any], minutes: float = MINUTES
) -> dict[str, Any]:
    """Record, answer `replays` times here and once in a fresh process; return hashes, verdict."""
    questions = recorded(minutes, seed, sealed)
    controllers = {loop: build_controller(loop, sealed) for loop in questions}
    hashes, watch = set(), Stopwatch()
    for _ in range(replays):
        with watch:
            hashes.add(hash_of(controllers, questions))
    fresh = hash_in_a_fresh_process(questions, sealed)
    what = f"different answers in {replays} replays and a fresh process ({fresh[:16]})"
    line = Verdict(what, len({*hashes, fresh}), "<=", 1)
    return {
        "minutes": minutes,
        "replays": replays,
        "questions": {loop: len(asked) for loop, asked in questions.items()},
        "hash": fresh,
        "one replay": watch.told(),
        "verdicts": [line.to_json()],
    }


def recorded(minutes: float, seed: int, sealed: Mapping[str, Any]) -> Questions:
    """The questions of the first `minutes` of a plant that differs from the model."""
    from hil.scenario import load_scenario
    from hil.scenario_run import InProcessPlanner, ScenarioRun

    class Noting(InProcessPlanner):
        """Keeps what is asked."""

        async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
            kept[request.loop].append(request_to_json(request))
            return await super().plan(request, deadline_s)

    wished = {"duration_min": minutes, "loops": ["coating", "profile", "mixing"]}
    scenario = load_scenario("nominal").model_copy(update=wished)
    play = ScenarioRun(scenario, seed, "mpc", sealed)
    kept: dict[str, list[dict[str, Any]]] = {loop: [] for loop in play.loops}
    for loop in play.loops.values():
        if isinstance(loop.planner, InProcessPlanner):
            loop.planner = Noting(loop.planner.controller)
    play.play()
    return kept


def hash_of(controllers: Mapping[str, Guarded], questions: Questions) -> str:
    """One hash over all answers of controllers that begin without a past."""
    digest = hashlib.sha256()
    for loop, asked in questions.items():
        controllers[loop].forget()
        for question in asked:
            plan = replace(controllers[loop].plan(request_from_json(question)), solve_ms=0.0)
            digest.update(json.dumps(plan_to_json(plan), sort_keys=True).encode())
    return digest.hexdigest()


def hash_in_a_fresh_process(questions: Questions, sealed: Mapping[str, Any]) -> str:
    """The same by an interpreter that has computed nothing before.

    Raises:
        RuntimeError: it did not end well; what it said is in the message.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.replays"],
        input=json.dumps({"sealed": sealed, "questions": questions}),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=FRESH_PATIENCE_S,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the fresh process failed: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()


if __name__ == "__main__":
    given = json.load(sys.stdin)
    made = {loop: build_controller(loop, given["sealed"]) for loop in given["questions"]}
    sys.stdout.write(hash_of(made, given["questions"]) + "\n")
