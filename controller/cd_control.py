"""The loop across the web: lip bolts against the profile, one traverse at a time.

Estimate the profile as it would be with every bolt at zero, ask the quadratic programme for the
bolts that make it flat as far as lip, pace and modes allow, propose them. Only bolts are moved,
and bolts cannot move the mean of a slot die: the coat-weight loop does not feel this one.

Bending, slope and zero mean tie bolts to each other. This controller keeps them, but the gate
checks setpoints one by one: an interlock on linear combinations of setpoints (low <= sum of
c_i u_i <= high, applied to what is about to be written) would make them the gate's as well.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from controller.aims import LoopSpec
from controller.cd_estimator import ProfileEstimator
from controller.cd_filter import Vector
from controller.cd_kkt import Matrix
from controller.cd_qp import CdAnswer, CdLimits, CdQuestion, ProfileQp
from controller.cd_settings import PROFILE_MODEL, PROFILE_SETTINGS
from controller.plan import SOLVED, Plan, PlanRequest
from controller.readings import boxed
from plant_models.cd_profile import interaction_matrix, lane_centres_m
from plant_models.parameters import Parameters
from safety.words import Proposal

UM = 1.0e-6
SPREAD = "coater.profile_2sigma"
COAT = "coater.dry_coat_weight"


class ProfileController:
    """Plans the bolts; keeps its estimate between cycles."""

    def __init__(self, spec: LoopSpec) -> None:
        """Read the lip under `controller: model:`, the filter under `controller: estimator:`.

        Raises:
            ValueError: a setpoint of the loop is not a bolt 'lip.bolt<number>_sp'.
        """
        model = Parameters(PROFILE_MODEL, spec.overrides("model"))
        self._spec = spec
        self._tags = sorted((mv.tag for mv in spec.mvs), key=_bolt_number)
        width_m = float(spec.recipe["nominal"]["web_width"])
        response = believed_response(model, width_m, len(self._tags))
        self._qp = ProfileQp(
            response,
            CdLimits(model["lip.bending"] / UM),
            mode_share=model["lip.modes"],
            stiffness=model["lip.stiffness"],
            calm=model["lip.calm"],
        )
        settings = Parameters(PROFILE_SETTINGS, spec.overrides("estimator"))
        target = float(spec.recipe["targets"][COAT])
        box_m = (width_m - 2.0 * model["gauge.edge"]) / round(model["gauge.boxes"])
        self._estimator = ProfileEstimator(model, settings, self._qp.G, target, box_m)

    def plan(self, request: PlanRequest) -> Plan:
        """Answer one cycle."""
        bare = Plan("", None, cv_limits={cv.tag: (cv.low, cv.high) for cv in self._spec.cvs})
        unfit = [tag for tag in self._tags if not boxed(request, tag)]
        if unfit:
            text = f"unfit: no read-back or no limits of {', '.join(unfit)}"
            return replace(bare, status=text)
        question = self._question(request)
        estimator = self._estimator
        estimator.update(request, question.applied)
        bare = replace(bare, estimate=self._shown())
        patience = self._spec.bad_cycles
        if estimator.missing is None or estimator.missing > patience:
            cycles = "yet" if estimator.missing is None else f"for {estimator.missing} cycles"
            note = f"{SPREAD}: no traverse {cycles}, the bolts stand"
            standing = CdAnswer(question.applied, SOLVED, residual=0.0)
            return self._proposed(bare, request, question.applied, standing, [note])
        answer = self._qp.solve(replace(question, profile=estimator.profile))
        if answer.bolts is None:
            return replace(bare, status=answer.status)
        bent = "the lip is bent beyond its limit and is being straightened"
        return self._proposed(bare, request, answer.bolts, answer, [bent] if answer.eased else [])

    def observe(self, request: PlanRequest) -> None:
        """Take one cycle's readings in, without planning."""
        if all(boxed(request, tag) for tag in self._tags):
            self._estimator.update(request, self._question(request).applied)

    def forget(self) -> None:
        """Start without a past."""
        self._estimator.forget()

    def _question(self, request: PlanRequest) -> CdQuestion:
        """What the plant allows now, in um; the profile is filled in later."""
        tags = self._tags
        return CdQuestion(
            profile=np.zeros(len(self._qp.G)),
            applied=_um([request.applied[tag] for tag in tags]),
            low=_um([request.limits[tag][0] for tag in tags]),
            high=_um([request.limits[tag][1] for tag in tags]),
            max_step=_um([max(0.0, request.max_step[tag]) for tag in tags]),
        )

    def _shown(self) -> dict[str, float]:
        """What people and records see of the estimate."""
        estimator = self._estimator
        shown = {
            SPREAD: 0.02 * float(estimator.at_gauge.std()),
            "profile.mean": estimator.filter.mean,
            "profile.mean_sigma": estimator.filter.mean_sigma,
            "profile.points": float(estimator.taken.believed),
            "profile.points_left_out": float(estimator.taken.left_out),
        }
        if estimator.taken.believed:
            shown["profile.surprise"] = estimator.taken.surprise
        return shown

    def _proposed(
        self, bare: Plan, request: PlanRequest, bolts_um: Vector, answer: CdAnswer, notes: list[str]
    ) -> Plan:
        """A plan that sets the bolts, cut to limits and largest steps."""
        setpoints: dict[str, float] = {}
        binding = []
        for tag, bolt_um in zip(self._tags, bolts_um.tolist(), strict=True):
            low, high = request.limits[tag]
            applied, step = request.applied[tag], max(0.0, request.max_step[tag])
            inside = min(max(bolt_um * UM, low), high)
            setpoints[tag] = min(max(inside, applied - step), applied + step)
            if abs(inside - applied) >= 0.999 * step > 0.0:
                binding.append(f"{tag} rate")
            elif inside in (low, high):
                binding.append(f"{tag} {'high' if inside == high else 'low'}")
        left = 0.02 * float((self._estimator.profile + self._qp.G @ bolts_um).std())
        gave_up = [
            (cv.tag, left - cv.high)
            for cv in self._spec.cvs
            if cv.tag == SPREAD and cv.high is not None and left > cv.high
        ]
        proposal = Proposal(
            setpoints, SOLVED, answer.iterations, answer.residual, answer.cost, request.now_s
        )
        return replace(
            bare,
            status=SOLVED,
            proposal=proposal,
            binding=binding,
            gave_up=gave_up,
            echo={tag: request.limits[tag] for tag in self._tags},
            notes=notes,
        )


def believed_response(model: Parameters, width_m: float, bolts: int) -> Matrix:
    """Response of the scanned boxes to the bolts [%/um], as the controller believes it."""
    edge_m, boxes = model["gauge.edge"], round(model["gauge.boxes"])
    return interaction_matrix(
        edge_m + lane_centres_m(width_m - 2.0 * edge_m, boxes),
        lane_centres_m(width_m, bolts),
        100.0 * UM * model["lip.gain"],
        model["lip.width"],
        model["lip.attenuation"],
        model["lip.divergence"],
    )


def _bolt_number(tag: str) -> int:
    found = re.fullmatch(r"lip\.bolt(\d+)_sp", tag)
    if found is None:
        raise ValueError(f"{tag} is no bolt of the lip: a setpoint here is lip.bolt<number>_sp")
    return int(found.group(1))


def _um(metres: list[float]) -> Vector:
    values: Vector = np.array(metres, dtype=np.float64) / UM
    return values
