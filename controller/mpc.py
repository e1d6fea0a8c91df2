"""One loop under model predictive control: estimate, aim, optimise, explain.

Nothing here knows the coater or the mixer: an `Estimator` and a control model do. The status of a
plan with a proposal is 'solved'; any other status says in words why there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from controller.advice import Advice, Advisor
from controller.aims import REST_WEIGHT, LoopSpec
from controller.downstream import Blocked, Downstream
from controller.estimate import Estimate, Estimator
from controller.explain import binding, courses, echo, gave_up
from controller.innovations import surprise_of
from controller.plan import SOLVED, Plan, PlanRequest
from controller.problem import Answer, CvAim, MvAim, Optimizer, Question
from controller.quick import Quick
from controller.readings import boxed
from plant_models.control_model import Vector
from safety.words import Proposal

ASTRAY_SURPRISE = 100.0
"""What the gate is told of the innovations while an MV goes astray: ten times what is expected."""


class MpcController:
    """Plans one loop; keeps its estimate and the optimiser's warm start between cycles."""

    def __init__(
        self,
        spec: LoopSpec,
        estimator: Estimator,
        optimizer: Optimizer,
        *,
        approach_s: float = 0.0,
        advisor: Advisor | None = None,
    ) -> None:
        """`approach_s` [s] paces the way to a target (0: at once); `advisor` is the layer above."""
        self._spec = spec
        self._estimator = estimator
        self._optimizer = optimizer
        self._approach_s = approach_s
        self._advisor = advisor
        self._measure = Quick(optimizer.shape.model.measure)
        self._downstream = Downstream()

    def plan(self, request: PlanRequest) -> Plan:
        """Answer one cycle."""
        spec = self._spec
        blocked = self._downstream.update(request)
        self._downstream.asked({})  # until there is an answer
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
        unfit = [mv.tag for mv in spec.mvs if not boxed(request, mv.tag)]
        if unfit:
            text = f"unfit: no read-back or no limits of {', '.join(unfit)}"
            return replace(bare, status=text)
        cvs = self._cvs(request, estimate)
        advice = Advice() if self._advisor is None else self._advisor.advise(request, estimate, cvs)
        question = self._question(request, estimate, cvs, advice, blocked)
        answer = self._optimizer.solve(question)
        astray = self._downstream.astray
        lost = [
            f"{tag} moves the other way than it is asked: look for a wrong sign" for tag in astray
        ]
        notes = (*estimate.notes, *advice.notes, *answer.notes, *lost)
        if estimate.phase:
            notes = (f"phase: {estimate.phase}", *notes)
        if answer.moves is None:
            return replace(bare, status=answer.status, echo=echo(answer), notes=notes)
        setpoints = {**advice.setpoints, **answer.moves}
        self._downstream.asked(setpoints)
        proposal = Proposal(
            setpoints=setpoints,
            status=SOLVED,
            iterations=answer.iterations,
            residual=answer.residual,
            cost=answer.cost,
            made_s=request.now_s,
            innovation=ASTRAY_SURPRISE if astray else surprise_of(estimate.shown),
        )
        return replace(
            bare,
            status=SOLVED,
            proposal=proposal,
            predicted=courses(shape, request.now_s, estimate, answer),
            estimate={**estimate.shown, **advice.shown},
            binding=list(
                dict.fromkeys(
                    [*binding(shape, question, answer), *advice.binding, *blocked.words()]
                )
            ),
            gave_up=[*gave_up(shape, question, answer), *advice.gave_up],
            echo=self._echo(request, answer),
            notes=notes,
        )

    def observe(self, request: PlanRequest) -> None:
        """Take one cycle's readings into the estimate, without planning."""
        self._downstream.asked({})  # whatever was asked for, this controller did not ask it
        self._downstream.update(request)
        self._estimator.update(request, self._spec.horizon)

    def rehearse(self, request: PlanRequest, steps: int) -> Iterator[Plan]:
        """Play the loop on from here, `steps` cycles, its own model as the plant.

        Every cycle is planned anew from the state the model reached under the moves before, with
        the disturbances known now. Ends early with the plan that had no proposal. For what-if
        studies only: the controller is to be thrown away afterwards.
        """
        estimate = self._estimator.update(request, self._spec.horizon)
        for _ in range(steps):
            cvs = self._cvs(request, estimate)
            advice = (
                Advice() if self._advisor is None else self._advisor.advise(request, estimate, cvs)
            )
            question = self._question(request, estimate, cvs, advice, Blocked({}))
            answer = self._optimizer.solve(question)
            if answer.moves is None or answer.states is None:
                yield Plan(answer.status, None, notes=answer.notes)
                return
            moves = {**advice.setpoints, **answer.moves}
            yield self._rehearsed(request, question, answer, moves)
            ahead = np.vstack([estimate.disturbances[1:], estimate.disturbances[-1:]])
            estimate = estimate._replace(state=answer.states[1], disturbances=ahead)
            now_s = request.now_s + self._spec.period_s
            request = replace(request, now_s=now_s, applied={**request.applied, **moves})

    def _rehearsed(
        self, request: PlanRequest, question: Question, answer: Answer, moves: Mapping[str, float]
    ) -> Plan:
        """One cycle of a rehearsal: what the CVs are at its end, and what was moved."""
        shape = self._optimizer.shape
        outputs = () if answer.outputs is None else answer.outputs[0].tolist()
        wish = Proposal(
            moves, SOLVED, answer.iterations, answer.residual, answer.cost, request.now_s
        )
        return Plan(
            SOLVED,
            wish,
            estimate=dict(zip(shape.cvs, outputs, strict=True)),
            targets=self._spec.targets,
            cv_limits={cv.tag: (cv.low, cv.high) for cv in self._spec.cvs},
            binding=list(dict.fromkeys(binding(shape, question, answer))),
            gave_up=gave_up(shape, question, answer),
        )

    def forget(self) -> None:
        """Start without a past: no estimate, no warm start."""
        self._estimator.reset()
        self._optimizer.forget()
        self._downstream = Downstream()
        if self._advisor is not None:
            self._advisor.forget()

    def take_over(self, old: MpcController) -> None:
        """Go on from `old`, another recipe's controller, if its model has the same numbers."""
        if all(old._spec.overrides(t) == self._spec.overrides(t) for t in ("model", "estimator")):
            self._estimator.take_over(old._estimator)
            self._downstream = old._downstream

    # -- asking ----------------------------------------------------------------------------------

    def _cvs(self, request: PlanRequest, estimate: Estimate) -> Mapping[str, CvAim]:
        spec, model = self._spec, self._optimizer.shape.model
        applied = np.array([request.applied[tag] for tag in model.inputs])
        given_up = set(estimate.dropped).difference(estimate.steered)
        seen = self._measure(estimate.state, applied, estimate.disturbances[0])
        now = dict(zip(model.outputs, seen.ravel().tolist(), strict=True))
        return {
            cv.tag: CvAim(
                reference=self._reference(cv.target, now[cv.tag])
                if cv.target is not None and cv.tag not in given_up
                else None,
                low=cv.low,
                high=cv.high,
                weight=cv.weight,
                rank=cv.rank,
            )
            for cv in spec.cvs
        }

    def _question(
        self,
        request: PlanRequest,
        estimate: Estimate,
        cvs: Mapping[str, CvAim],
        advice: Advice,
        blocked: Blocked,
    ) -> Question:
        mvs = {}
        for mv in self._spec.mvs:
            if mv.tag not in self._optimizer.shape.mvs:
                continue
            low, high = blocked.box(mv.tag, request)
            rest = advice.rests.get(mv.tag, mv.rest)
            mvs[mv.tag] = MvAim(
                applied=request.applied[mv.tag],
                low=low,
                high=max(low, min(high, advice.highs.get(mv.tag, high))),
                max_step=request.max_step[mv.tag],
                move_weight=mv.move_weight,
                rest=request.applied[mv.tag] if rest is None else rest,
                rest_weight=0.0 if rest is None else REST_WEIGHT,
            )
        rows = estimate.disturbances if advice.disturbances is None else advice.disturbances
        return Question(estimate.state, rows, cvs, mvs)

    def _echo(self, request: PlanRequest, answer: Answer) -> dict[str, tuple[float, float]]:
        """The limits as the solver held them; of an MV decided above it, as it was told them."""
        above = (mv.tag for mv in self._spec.mvs if mv.tag not in self._optimizer.shape.mvs)
        return {**echo(answer), **{tag: request.limits[tag] for tag in above}}

    def _reference(self, target: float, now: float) -> Vector:
        """The way to the target: at once, or closing in on it with a time constant."""
        ahead_s = self._spec.period_s * np.arange(1, self._spec.horizon + 1)
        if self._approach_s <= 0.0:
            return np.full(self._spec.horizon, target)
        way: Vector = target + (now - target) * np.exp(-ahead_s / self._approach_s)
        return way
