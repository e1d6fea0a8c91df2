"""The profile across the web as a quadratic programme over the lip bolts, solved in under 1 ms.

symbol   meaning                                                        unit
d        profile as it would be with every bolt at zero, less target     %
G0, G    response of the scanned boxes to the bolts; its mean removed    %/um
u, u0    bolts to be set; bolts in use                                   um
P        projector on the modes whose singular value is large enough     1

    least  |P d + G u|^2/2 + stiffness |u|^2/2 + calm |u - u0|^2/2

G = (I - 1 1'/m) G0, because the pump fixes the mean. Only the well seen modes of d are asked for
(Featherstone & Braatz 1997): a weak mode needs large moves and turns round under a small error of
the mapping. The stiffness lets weak modes, which limits may stir, fade. Hard are range, largest
move, bending, zero mean, and slope where it is given.

The structure never changes: G0 is banded, and the mean is one more variable, so the matrix handed
to the solver is a band with one arrow (piqp's sparse interior point, set up once). No answer is
believed before `cd_kkt` has agreed with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import piqp
from scipy import sparse

from controller.cd_kkt import (
    CdProblem,
    Matrix,
    Multipliers,
    Vector,
    bending,
    certify,
)

SOLVED = "solved"
FREE = 1.0e30  # piqp's infinity
ITERATIONS = 60
SOLVER_ABSOLUTE, SOLVER_RELATIVE = 1.0e-7, 1.0e-7
BREACH_UM = 1.0e-6
OPTIMALITY = 1.0e-6
NEGLIGIBLE = 1.0e-3  # of the largest response: what is smaller is outside the band
STRAIGHTER = 0.1
"""A lip bent too far comes back by at least this share a scan, as far as its boxes allow."""

ROOM_UM = 1.0e-6  # an interior-point method needs an inside


@dataclass(frozen=True, slots=True)
class CdLimits:
    """What the lip stands [um]: bending and, if given, slope from bolt to bolt."""

    bending_um: float
    slope_um: float | None = None


@dataclass(frozen=True, slots=True)
class CdQuestion:
    """One scan's question; `profile` [%] per box, the rest per bolt [um]."""

    profile: Vector
    applied: Vector
    low: Vector
    high: Vector
    max_step: Vector


@dataclass(frozen=True, slots=True)
class CdAnswer:
    """`bolts` [um] is None whenever anything was wrong, and `status` says what.

    `residual` is the worst violation of the optimality conditions, `binding` the share of all
    limits (box and bending) that hold the optimum back. `eased` says that the lip is bent beyond
    its limit and cannot be straightened in one move, so that it was only asked not to get worse.
    """

    bolts: Vector | None
    status: str
    iterations: int = 0
    residual: float = float("inf")
    cost: float = 0.0
    binding: float = 0.0
    eased: bool = False


class ProfileQp:
    """The programme of one lip. Same question, same bits: no answer depends on the one before."""

    def __init__(
        self,
        response: Matrix,
        limits: CdLimits,
        *,
        mode_share: float = 0.15,
        stiffness: float = 1.0e-3,
        calm: float = 1.0e-2,
    ) -> None:
        """`response` is G0, boxes by bolts; `stiffness` and `calm` are shares of sigma_max^2.

        Raises:
            ValueError: the response is not finite, all zero, or of fewer than three bolts.
        """
        G0 = np.array(response, dtype=np.float64)
        if G0.ndim != 2 or G0.shape[1] < 3 or not np.isfinite(G0).all() or not G0.any():
            raise ValueError("a response needs finite numbers, not all zero, and three bolts")
        G0[np.abs(G0) < NEGLIGIBLE * np.abs(G0).max()] = 0.0
        self.G: Matrix = G0 - G0.mean(axis=0)
        self.boxes, self.bolts = G0.shape
        squared, modes = np.linalg.eigh(self.G.T @ self.G)
        self.sigma: Vector = np.sqrt(np.maximum(squared[::-1], 0.0))
        self.modes = int((self.sigma > mode_share * self.sigma[0]).sum())
        seen = modes[:, -self.modes :]
        self._ask_for: Matrix = seen @ (seen.T @ self.G.T)  # from d to G'P d
        self._bend: Vector = np.full(self.bolts - 2, limits.bending_um)
        self._slope: Vector | None = None
        if limits.slope_um is not None:
            self._slope = np.full(self.bolts - 1, limits.slope_um)
        top = float(squared[-1])
        self._calm = calm * top
        self._H: Matrix = self.G.T @ self.G + (stiffness + calm) * top * np.eye(self.bolts)
        self._P = _arrow(G0, (stiffness + calm) * top)
        self._c: Vector = np.zeros(self.bolts + 1)  # what the solver is told: bolts, then the mean
        self._low: Vector = np.full(self.bolts + 1, -FREE)
        self._high: Vector = np.full(self.bolts + 1, FREE)
        self._solver = self._fresh()

    def solve(self, question: CdQuestion) -> CdAnswer:
        """Answer one question; a bad question or a bad answer is a status, never an exception."""
        unfit = self._unfit(question)
        if unfit:
            return CdAnswer(None, f"unfit: {unfit}")
        strict = self.problem(question)
        answer = self._answer(strict)
        if answer.bolts is None and _looser(eased := self.problem(question, eased=True), strict):
            return replace(self._answer(eased), eased=True)
        return answer

    def _answer(self, problem: CdProblem) -> CdAnswer:
        status, x, multipliers, iterations = self._ask(problem)
        if status != piqp.PIQP_SOLVED:
            self._solver = self._fresh()  # nothing of a failure is kept
            return CdAnswer(None, f"no optimum: {_words(status)}", iterations)
        bolts: Vector = np.minimum(np.maximum(x, problem.low), problem.high)
        found = certify(problem, bolts, multipliers)
        if not (found.outside_um <= BREACH_UM and found.residual <= OPTIMALITY):
            self._solver = self._fresh()
            text = f"{found.outside_um:.1e} um outside, optimality {found.residual:.1e}"
            return CdAnswer(None, f"wrong answer: {text}", iterations, found.residual)
        held = _binding(problem, bolts)
        return CdAnswer(bolts, SOLVED, iterations, found.residual, found.cost, held)

    def problem(self, question: CdQuestion, *, eased: bool = False) -> CdProblem:
        """The programme of a fit question. `eased`, it has a feasible point by construction.

        Bolts that stand outside their range come back at the pace of a move. A mean that is not
        zero goes to zero as far as the boxes of all bolts let the lip be shifted as a whole. When
        `eased`, a lip that is bent or sloped more than allowed now has to come back by a tenth of
        it, or by as much as the boxes allow: the gate passes only what leads back (IL-06).
        """
        step = question.max_step
        low = np.maximum(question.low, question.applied - step)
        high = np.minimum(question.high, question.applied + step)
        if float((high - low).min()) < 2.0 * ROOM_UM:
            low, high = _widened(question, low, high)
        safe = np.minimum(np.maximum(question.applied, low), high)
        mean = float(safe.mean())
        room = float((safe - low).min()) if mean > 0.0 else float((high - safe).min())
        shift = min(abs(mean), max(0.0, room - ROOM_UM))
        total = float(safe.sum()) - float(np.sign(mean)) * shift * self.bolts
        bend, slope = self._bend, self._slope
        if eased:
            left = 1.0 - _straighter(safe - np.sign(mean) * shift, low, high)
            bend = np.maximum(bend, left * np.abs(bending(safe)) + ROOM_UM)
            if slope is not None:
                slope = np.maximum(slope, left * np.abs(np.diff(safe)) + ROOM_UM)
        f = self._ask_for @ question.profile - self._calm * question.applied
        return CdProblem(self._H, f, low, high, bend, slope, total)

    def _unfit(self, q: CdQuestion) -> str:
        if q.profile.shape != (self.boxes,):
            return f"{q.profile.shape} boxes instead of {self.boxes}"
        for name in ("applied", "low", "high", "max_step"):
            if getattr(q, name).shape != (self.bolts,):
                return f"{name} does not have {self.bolts} bolts"
            if not _finite(getattr(q, name)):
                return f"{name} is not finite"
        if not _finite(q.profile):
            return "the profile is not finite"
        if (q.low > q.high).any() or (q.max_step < 0.0).any():
            return "limits are inverted"
        return ""

    # -- the solver ------------------------------------------------------------------------------

    def _fresh(self) -> piqp.SparseSolver:
        """A solver with this structure, not asked yet."""
        n, rows = self.bolts, self._rows()
        solver = piqp.SparseSolver()
        settings = solver.settings
        settings.eps_abs, settings.eps_rel = SOLVER_ABSOLUTE, SOLVER_RELATIVE
        settings.max_iter = ITERATIONS
        settings.preconditioner_iter = 0
        wide = np.full(n + 1, FREE)
        bound = np.ones(rows.shape[0])
        ones = sparse.csc_matrix(np.append(np.ones(n), 0.0))
        solver.setup(
            self._P, np.zeros(n + 1), ones, np.zeros(1), rows, -bound, bound, -wide, wide
        )  # fmt: skip
        return solver

    def _rows(self) -> sparse.csc_matrix:
        """Bending, then slope; the last column is the mean's, which no row touches."""
        rows = [np.diff(np.eye(self.bolts), 2, axis=0)]
        if self._slope is not None:
            rows.append(np.diff(np.eye(self.bolts), 1, axis=0))
        table = np.vstack(rows)
        return sparse.csc_matrix(np.column_stack([table, np.zeros(len(table))]))

    def _ask(self, p: CdProblem) -> tuple[object, Vector, Multipliers, int]:
        n, cut = self.bolts, len(p.bend)
        bound = p.bend if p.slope is None else np.concatenate([p.bend, p.slope])
        self._c[:n], self._low[:n], self._high[:n] = p.f, p.low, p.high
        self._solver.update(
            c=self._c,
            b=np.array([p.total]),
            h_l=-bound,
            h_u=bound,
            x_l=self._low,
            x_u=self._high,
        )
        status = self._solver.solve()
        found = self._solver.result
        row = found.z_u - found.z_l
        multipliers = Multipliers(
            box=(found.z_bu - found.z_bl)[:n],
            bend=row[:cut],
            slope=None if p.slope is None else row[cut:],
            total=float(found.y[0]),
        )
        return status, np.array(found.x[:n]), multipliers, int(found.info.iter)


def _straighter(bolts: Vector, low: Vector, high: Vector) -> float:
    """Return the share by which the lip can be drawn to its mean inside the boxes of its bolts."""
    out = bolts - bolts.mean()
    room = np.where(out > 0.0, bolts - low, high - bolts) - ROOM_UM
    share = np.divide(room, np.abs(out), out=np.ones_like(out), where=out != 0.0)
    return float(min(STRAIGHTER, max(0.0, float(share.min()))))


def _looser(eased: CdProblem, strict: CdProblem) -> bool:
    if bool((eased.bend > strict.bend).any()):
        return True
    return (
        eased.slope is not None
        and strict.slope is not None
        and bool((eased.slope > strict.slope).any())
    )


def _finite(values: Vector) -> bool:
    """Whether every value is a number: one that is none leaves none in the sum."""
    return math.isfinite(float(values.sum()))


def _widened(q: CdQuestion, low: Vector, high: Vector) -> tuple[Vector, Vector]:
    """Boxes with an inside: one move homewards for a bolt out of range, a hair for a frozen one."""
    stray = low > high
    home = np.where(q.applied > q.high, -q.max_step, q.max_step) + q.applied
    low, high = np.where(stray, home, low), np.where(stray, home, high)
    narrow = high - low < 2.0 * ROOM_UM
    return np.where(narrow, low - ROOM_UM, low), np.where(narrow, high + ROOM_UM, high)


def _arrow(G0: Matrix, diagonal: float) -> sparse.csc_matrix:
    """The Hessian of |G0 u - s 1|^2/2 + diagonal |u|^2/2 over (u, s): at its least, s is the mean.

    Banded but for the last row and column, where G'G itself would be full.
    """
    boxes, bolts = G0.shape
    edge = -G0.sum(axis=0)
    table = np.zeros((bolts + 1, bolts + 1))
    table[:bolts, :bolts] = G0.T @ G0 + diagonal * np.eye(bolts)
    table[:bolts, bolts] = table[bolts, :bolts] = edge
    table[bolts, bolts] = boxes
    return sparse.csc_matrix(table)


def _binding(p: CdProblem, u: Vector) -> float:
    near = 10.0 * BREACH_UM
    held = int(((u <= p.low + near) | (u >= p.high - near)).sum())
    held += int((np.abs(bending(u)) >= p.bend - near).sum())
    return held / (len(u) + len(p.bend))


def _words(status: object) -> str:
    return str(status).rpartition("PIQP_")[2].lower().replace("_", " ")
