from __future__ import annotations

import copy
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.factory import build_controller
from controller.plan import Plan
from controller.plan_json import plan_from_json, plan_to_json, request_to_json
from controller.worker import answer_line, as_text
from safety.words import Proposal
from tests.controller.models import COAT, GAP, RATIO, SEALED, TARGET, TRIM, request
from tests.controller.test_coating_estimator import DelayPlant

ROOT = Path(__file__).resolve().parent.parent.parent
LINE = {"coater.line_speed": 10.0 / 60.0, "coater.web_length": 1000.0, COAT: TARGET}
APPLIED = {RATIO: 2.6, GAP: 280e-6, TRIM: 0.0}


class Worker:
    """A real worker process and its pipes."""

    def __init__(self, first_line: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "controller.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        self.ready = self.ask(first_line)

    def ask(self, body: object) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        text = body if isinstance(body, str) else json.dumps(body)
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def end(self) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    process = Worker({"loop": "coating", "sealed": SEALED})
    yield process
    assert process.end() == 0


def question(now_s: float) -> dict[str, Any]:
    return request_to_json(request("coating", now_s, {**LINE}, APPLIED, sequence=3))


def test_a_worker_says_ready_and_plans(worker: Worker) -> None:
    assert worker.ready["ready"] is True
    assert worker.ready["loop"] == "coating"
    plan = plan_from_json(worker.ask(question(100.0)))
    assert plan.status == "solved"
    assert plan.proposal is not None
    assert set(plan.proposal.setpoints) == {RATIO, GAP, TRIM}
    assert plan.proposal.made_s == 100.0


def test_nonsense_on_the_pipe_is_answered_without_a_proposal(worker: Worker) -> None:
    for nonsense in ("{", "[]", '{"loop": 3}', '"hello"', "null"):
        plan = plan_from_json(worker.ask(nonsense))
        assert plan.proposal is None
        assert plan.status.startswith("unfit")
    assert plan_from_json(worker.ask(question(108.0))).proposal is not None


def test_a_standby_only_listens(worker: Worker) -> None:
    assert worker.ask({"observe": question(116.0)}) == {"observed": True}


def test_a_worker_that_cannot_be_built_says_why() -> None:
    broken = json.loads(json.dumps(SEALED))
    broken["loops"]["coating"]["controller"]["kind"] = "fuzzy"
    process = Worker({"loop": "coating", "sealed": broken})
    assert process.ready["ready"] is False
    assert "fuzzy" in process.ready["error"]
    assert process.end() == 2


def test_a_number_that_is_none_never_crosses() -> None:
    plan = Plan(
        "solved",
        Proposal({RATIO: 2.6}, "solved", 3, 0.0, math.inf, 1.0),
        estimate={"d_coat": math.nan},
    )
    told = plan_from_json(json.loads(as_text(plan_to_json(plan))))
    assert told.proposal is None
    assert told.status.startswith("refused")
    fine = Plan("solved", Proposal({RATIO: 2.6}, "solved", 3, 0.0, 1.0, 1.0))
    assert plan_from_json(json.loads(as_text(plan_to_json(fine)))).proposal == fine.proposal


def test_the_heir_of_a_recipe_change_plans_as_a_controller_that_changes_in_place() -> None:
    """An engine changes a recipe by an heir that has heard the last questions (no bump)."""
    new = copy.deepcopy(SEALED)
    new["recipe"]["targets"][COAT] = 1.05 * TARGET
    plant, ratio = DelayPlant(gain=1.04, metres=27.0), 2.5
    before = build_controller("coating", SEALED)
    heir = build_controller("coating", new)
    for _ in range(150):
        plant.run(ratio)
        asked = plant.ask(ratio)
        ratio = plan_ratio(plan_to_json(before.plan(asked)))
        told = answer_line(heir, json.dumps({"observe": request_to_json(asked)}))
        assert told == {"observed": True}
    before.change_recipe(new)
    coats = []
    for _ in range(40):
        coats.append(plant.run(ratio))
        asked = plant.ask(ratio)
        in_place = plan_ratio(plan_to_json(before.plan(asked)))
        ratio = plan_ratio(answer_line(heir, json.dumps(request_to_json(asked))))
        assert ratio == pytest.approx(in_place, rel=1e-3)
    assert coats[0] == pytest.approx(TARGET, rel=2e-3)
    assert coats[4:] == pytest.approx([1.05 * TARGET] * 36, rel=5e-3)


def plan_ratio(answer: dict[str, Any]) -> float:
    proposal = plan_from_json(answer).proposal
    assert proposal is not None, answer
    return proposal.setpoints[RATIO]
