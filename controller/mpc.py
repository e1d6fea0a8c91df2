"""One loop under model predictive control: estimate, aim, optimise, explain.

Nothing here knows the coater or the mixer: an `Estimator` and a control model do. The status of a
plan with a proposal is 'solved'; any other status says in words why there is none.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from controller.aims import REST_WEIGHT, LoopSpec
from controller.estimate import Estimate, Estimator
from controller.explain import binding, courses, echo, gave_up
from controller.plan import SOLVED, Plan, PlanRequest
from controller.problem import CvAim, MvAim, Optimizer, Question
from controller.readings import boxed
from plant_models.control_model import Vector
from safety.words import Proposal


class MpcController:
    """Plans one loop; keeps its estimate and the optimiser's warm start between cycles."""

    def __init__(
        self,
        spec: LoopSpec,
        estimator: Estimator,
        optimizer: Optimizer,
        *,
        approach_s: float = 0.0,
        solvent_tags: tuple[str, str] | None = None,
    ) -> None:
        """`approach_s` [s] paces the way to a target (0: at once).

        `solvent_tags` are (dosing MV, totaliser): together they keep the batch's solvent inside
        the recipe's `max_solvent_per_batch`.
        """
        self._spec = spec
        self._estimator = estimator
        self._optimizer = optimizer
        self._approach_s = approach_s
        self._solvent_tags = solvent_tags

    def plan(self, request: PlanRequest) -> Plan:
        """Answer one cycle."""
        spec = self._spec
        estimate = self._estimator.update(request, spec.horizon)
        bare = Plan(
            status="",
            proposal=None,
            estimate=estimate.shown,
            targets=spec.targets,
            cv_limits={cv.tag: (cv.low, cv.high) for cv in spec.cvs},
            notes=estimate.notes,
        )
        if estimate.waiting:
            return replace(bare, status=f"waiting: {estimate.waiting}")
        shape = self._optimizer.shape
        unfit = [tag for tag in shape.mvs if not boxed(request, tag)]
        if unfit:
            text = f"unfit: no read-back or no limits of {', '.join(unfit)}"
            return replace(bare, status=text)
        question = self._question(request, estimate)
        answer = self._optimizer.solve(question)
        if answer.moves is None:
            notes = (*estimate.notes, *answer.notes)
            return replace(bare, status=answer.status, echo=echo(answer), notes=notes)
        proposal = Proposal(
            setpoints=dict(answer.moves),
            status=SOLVED,
            iterations=answer.iterations,
            residual=answer.residual,
            cost=answer.cost,
            made_s=request.now_s,
        )
        return replace(
            bare,
            status=SOLVED,
            proposal=proposal,
            predicted=courses(shape, request.now_s, estimate, answer),
            binding=binding(shape, question, answer),
            gave_up=gave_up(shape, question, answer),
            echo=echo(answer),
            notes=(*estimate.notes, *answer.notes),
        )

    def observe(self, request: PlanRequest) -> None:
        """Take one cycle's readings into the estimate, without planning."""
        self._estimator.update(request, self._spec.horizon)

    def forget(self) -> None:
        """Start without a past: no estimate, no warm start."""
        self._estimator.reset()
        self._optimizer.forget()

    # -- asking ----------------------------------------------------------------------------------

    def _question(self, request: PlanRequest, estimate: Estimate) -> Question:
        spec, model = self._spec, self._optimizer.shape.model
        applied = np.array([request.applied[tag] for tag in model.inputs])
        now = model.observe(estimate.state, applied, estimate.disturbances[0])
        cvs = {
            cv.tag: CvAim(
                reference=self._reference(cv.target, now[cv.tag])
                if cv.target is not None and cv.tag not in estimate.dropped
                else None,
                low=cv.low,
                high=cv.high,
                weight=cv.weight,
                rank=cv.rank,
            )
            for cv in spec.cvs
        }
        mvs = {}
        for mv in spec.mvs:
            low, high = request.limits[mv.tag]
            mvs[mv.tag] = MvAim(
                applied=request.applied[mv.tag],
                low=low,
                high=max(low, min(high, self._solvent_left(request, mv.tag))),
                max_step=request.max_step[mv.tag],
                move_weight=mv.move_weight,
                rest=request.applied[mv.tag] if mv.rest is None else mv.rest,
                rest_weight=0.0 if mv.rest is None else REST_WEIGHT,
            )
        return Question(estimate.state, estimate.disturbances, cvs, mvs)

    def _reference(self, target: float, now: float) -> Vector:
        """The way to the target: at once, or closing in on it with a time constant."""
        ahead_s = self._spec.period_s * np.arange(1, self._spec.horizon + 1)
        if self._approach_s <= 0.0:
            return np.full(self._spec.horizon, target)
        way: Vector = target + (now - target) * np.exp(-ahead_s / self._approach_s)
        return way

    def _solvent_left(self, request: PlanRequest, tag: str) -> float:
        """The dosing rate [kg/s] that keeps this batch inside its registered total."""
        if self._solvent_tags is None or tag != self._solvent_tags[0]:
            return math.inf
        total = request.values.get(self._solvent_tags[1])
        if total is None or isinstance(total, str):
            return math.inf
        left_kg = float(self._spec.recipe["max_solvent_per_batch"]) - float(total)
        return max(0.0, left_kg / self._spec.period_s)
