"""The real-time optimiser: a few Gauss-Newton steps from the shifted last plan, in microseconds.

Every step solves the linearised horizon as a quadratic programme (Diehl et al. 2005, real-time
iteration); then the moves are run forward through the model itself and must cost less than before,
or the step is shortened. So each plan in between obeys model and hard limits, and none is worse
than carrying on. When the steps do not close in, more of them are made; then the search begins
again from standing still; then the recovery (`ShootingOptimizer`, cold) gets the same question.
Bounded by iterations, one thread: same questions, same bits.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from controller.asked import Asked
from controller.compiled import NotCompiledError
from controller.interpreted import InterpretedKit
from controller.native import NativeKit, NativeLibraries
from controller.optimizer import ShootingOptimizer
from controller.problem import Answer, Optimizer, Question, Shape
from controller.search import STILL_MOVING, Kit
from controller.transcription import Scaling
from plant_models.control_model import Vector

STEPS: Final = 3
"""Quadratic programmes per question at most, where the last plan is a good start."""
PATIENT_STEPS: Final = 20
"""The same from standing still, after a jump, or where the plan still moves a lot."""
CLOSE: Final = 0.1
"""A step of no move larger than this, in tenths of scale, ends the search."""
PATIENT_CLOSE: Final = 0.01
"""The same where `PATIENT_STEPS` are allowed: there is no good plan next to this one yet."""
FAR_OFF: Final = 1.0
"""After the last step, a plan that still moves by more than this, in tenths of scale, is poor."""
JUMP: Final = 1.0
"""A limit, target or weight that changes by more than this, in its own unit, is a jump."""


class RealtimeOptimizer:
    """Gauss-Newton steps on the horizon's own structure, with `ShootingOptimizer` as recovery."""

    def __init__(
        self,
        shape: Shape,
        *,
        cache: Path | None = None,
        compiler: str | None = None,
        recovery: Optimizer | None = None,
    ) -> None:
        """Load the machine code; compiles for some seconds when the cache knows nothing.

        `cache` is where machine code is kept (default: the user's cache directory), `compiler` the
        only command to try (default: cc, gcc, clang). The recovery is built when it is needed.
        """
        self._shape, self._scaling = shape, Scaling(shape)
        self._libraries: NativeLibraries | None = None
        self.note = ""
        try:
            self._libraries = NativeLibraries(shape, cache, compiler)
        except (NotCompiledError, OSError, RuntimeError) as error:
            self.note = f"solving with CasADi's interpreter, some times slower: {error}"
        self._recovery = {} if recovery is None else {shape.horizon: recovery}
        self._kits: dict[int, tuple[Kit, Asked]] = {}
        self._tools(shape.horizon)
        self._last: Vector | None = None
        self._asked: Vector | None = None
        self.recoveries = 0

    @property
    def shape(self) -> Shape:
        """What it was built for; questions may have shorter horizons."""
        return self._shape

    def forget(self) -> None:
        """Drop every warm start."""
        self._last = self._asked = None
        for recovery in self._recovery.values():
            recovery.forget()

    def solve(self, question: Question) -> Answer:
        """Solve one question from the last good answer; where that is not enough, anew."""
        steps = len(question.disturbances) - 1
        if not 1 <= steps <= self._shape.horizon:
            self.forget()
            return Answer(f"not asked: a horizon of {steps} steps was not built", None)
        kit, asked = self._tools(steps)
        if fault := asked.fill(question):
            self.forget()
            return Answer(f"not asked: {fault}", None)
        wishes = asked.wishes()
        jumped = self._asked is None or bool((np.abs(wishes - self._asked) > JUMP).any())
        answer = self._answer(kit, asked, question, jumped)
        self._asked = None if answer.moves is None else wishes
        return answer

    def _answer(self, kit: Kit, asked: Asked, question: Question, jumped: bool) -> Answer:
        """Ask each way to an answer in turn, the quickest first; keep only a good one."""
        last, self._last = self._last, None
        spent, failed = 0, ""
        if last is not None and len(last) == asked.steps:
            start = np.vstack([last[1:], np.zeros_like(last[:1])])
            answer = self._search(kit, asked, question, start, patiently=jumped)
            if answer.moves is not None:
                return answer
            spent, failed = answer.iterations, answer.status
        still = np.zeros((asked.steps, len(self._shape.mvs)))
        answer = self._search(kit, asked, question, still, patiently=True)
        spent += answer.iterations
        note = f"searched from standing still: {failed}" if failed else ""
        if answer.moves is None:
            note = f"solved patiently: {answer.status}"
            answer = self._recover(asked.steps, question)
            spent += answer.iterations
        return replace(answer, iterations=spent, notes=self._notes(note, *answer.notes))

    def _search(
        self,
        kit: Kit,
        asked: Asked,
        question: Question,
        start: Vector,
        *,
        patiently: bool,
    ) -> Answer:
        """Search from `start`; what passes the check starts the next search.

        A patient search must close in. A quick one that is far from it goes on patiently.
        """
        steps = 0
        if not patiently:
            found = kit.search(asked, question, start, STEPS, CLOSE)
            start, steps = found.moves, found.told.iterations
            patiently = found.why == STILL_MOVING and found.size > FAR_OFF
            settled = found.why in ("", STILL_MOVING) and not patiently
        if patiently:
            found = kit.search(asked, question, start, PATIENT_STEPS, PATIENT_CLOSE)
            steps += found.told.iterations
            settled = not found.why or (found.why == STILL_MOVING and found.size <= CLOSE)
        if not settled:
            return Answer(f"no answer: {found.why} ({found.size:.2g})", None, steps)
        answer = kit.judge(asked, question, replace(found.told, iterations=steps))
        if answer.moves is not None:
            self._last = found.moves
            answer = replace(answer, notes=self._notes()) if self.note else answer
        return answer

    def _recover(self, steps: int, question: Question) -> Answer:
        """Ask the patient optimiser, cold; a good answer starts the next search."""
        if steps not in self._recovery:
            self._recovery[steps] = ShootingOptimizer(replace(self._shape, horizon=steps))
        recovery = self._recovery[steps]
        self.recoveries += 1
        recovery.forget()
        answer = recovery.solve(question)
        recovery.forget()
        if answer.moves is not None and answer.inputs is not None:
            applied = np.array([question.mvs[tag].applied for tag in self._shape.mvs])
            moves = np.diff(np.vstack([applied, answer.inputs]), axis=0)
            self._last = moves / self._scaling.u_scale
        return answer

    def _tools(self, steps: int) -> tuple[Kit, Asked]:
        """Search, check and question block for horizons of `steps`, built when first needed."""
        if steps not in self._kits:
            shape = replace(self._shape, horizon=steps)
            kit: Kit = (
                InterpretedKit(shape)
                if self._libraries is None
                else NativeKit(self._libraries, steps)
            )
            self._kits[steps] = (kit, Asked(shape, self._scaling, steps))
        return self._kits[steps]

    def _notes(self, *more: str) -> tuple[str, ...]:
        return tuple(text for text in (self.note, *more) if text)
