"""A process that builds stock do-mpc and answers one question: the yardstick of `cold_start`.

It speaks like `controller.worker`: first line the loop and the configuration, second the question.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from benchmarks.stock_dompc import StockDompc
from controller.aims import REST_WEIGHT, LoopSpec, loop_spec
from controller.problem import CvAim, MvAim, Question, Shape
from plant_models import coating_control, mixing_control
from plant_models.control_model import ControlModel


def main() -> int:
    """Build, answer, end."""
    start = json.loads(sys.stdin.readline())
    spec = loop_spec(start["loop"], start["sealed"])
    module = coating_control if start["loop"] == "coating" else mixing_control
    model = module.control_model()
    cvs = tuple(cv.tag for cv in spec.cvs)
    optimizer = StockDompc(Shape(model, spec.period_s, spec.horizon, cvs, spec.soft_limits))
    sys.stdin.readline()
    answer = optimizer.solve(_at_rest(spec, model, start["sealed"]["limits"]["setpoints"]))
    _say({"ready": True})
    _say({"status": answer.status, "proposal": answer.moves})
    sys.stdin.readline()  # as a worker does, it ends with its input
    return 0


def _at_rest(spec: LoopSpec, model: ControlModel, setpoints: dict[str, dict[str, Any]]) -> Question:
    """The question a line at its operating point asks."""
    n = spec.horizon
    cvs = {
        cv.tag: CvAim(
            None if cv.target is None else np.full(n, cv.target),
            cv.low,
            cv.high,
            cv.weight,
            cv.rank,
        )
        for cv in spec.cvs
    }
    mvs = {}
    for mv in spec.mvs:
        low, high = setpoints[mv.tag]["operating"]
        applied = model.nominal[mv.tag]
        step = float(setpoints[mv.tag]["rate"]) * spec.period_s
        rest, pull = (applied, 0.0) if mv.rest is None else (mv.rest, REST_WEIGHT)
        mvs[mv.tag] = MvAim(applied, low, high, step, mv.move_weight, rest, pull)
    told = np.tile(model.nominal_vector(model.disturbances), (n + 1, 1))
    return Question(model.nominal_vector(model.states), told, cvs, mvs)


def _say(body: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(body) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
