"""Search and check as machine code: a whole solve costs a fraction of a millisecond.

Both libraries come from the cache of `controller.compiled`. Arrays are laid out once per horizon
and filled again for every question; the C side keeps nothing between calls.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Final

from controller.answer_check import Replay, Told, believed, hopeless, refused
from controller.asked import Asked, aligned
from controller.compiled import library
from controller.native_source import check_source, search_source
from controller.problem import Answer, Question, Shape
from controller.search import STILL_MOVING, Found
from controller.stage_functions import sizes_of
from controller.transcription import Scaling
from plant_models.control_model import Vector

STRICT: Final = ("-O2", "-ffp-contract=off", "-fPIC", "-c")
"""Flags of the check: arithmetic in the order it is written."""
DONE, MOVING, NO_NUMBER, NOT_OPTIMAL, NO_GAIN = range(5)
WORDS: Final = {
    DONE: "",
    MOVING: STILL_MOVING,
    NO_NUMBER: "the model gives no number",
    NOT_OPTIMAL: "not optimal",
    NO_GAIN: "no step makes the plan cheaper",
}
_CType = type[ctypes.c_int | ctypes.c_long | ctypes.c_double | ctypes.c_void_p]
FIGURES: Final = ("cost", "steps", "iterations", "size", "slope", "miss", "gap")
"""What stands at the head of a found plan, in the order of `Found` in `search.c`."""


class NativeLibraries:
    """The two libraries of one shape."""

    def __init__(self, shape: Shape, cache: Path | None, compiler: str | None) -> None:
        """Load them; compiles for some seconds when the cache knows nothing.

        Raises:
            NotCompiledError, OSError, RuntimeError: there is no usable machine code.
        """
        search = library(*search_source(shape), cache, compiler)
        check = library(*check_source(shape), cache, compiler, STRICT)
        self.shape = shape
        whole, place = ctypes.c_long, ctypes.c_void_p
        self.search = _function(
            search, "search", whole, place, place, whole, ctypes.c_double, place, place
        )
        self.memory_of = _function(search, "memory_of", whole, gives=whole)
        self.check = _function(check, "check", whole, place, place, place, place)


class NativeKit:
    """Search and check over one horizon."""

    def __init__(self, libraries: NativeLibraries, steps: int) -> None:
        """Lay out every array for horizons of `steps`."""
        shape = libraries.shape
        self._shape, self._libraries, self._n = shape, libraries, steps
        self._scaling, size = Scaling(shape), sizes_of(shape)
        self._size = size
        nx, nu, n = size.nx, size.nu, steps
        head = len(FIGURES) + 2 * nu
        self._memory = aligned(libraries.memory_of(n))
        self._start = aligned(n * nu).reshape(n, nu)
        self._found = aligned(head + n * (nu + nx))
        self._limits = self._found[len(FIGURES) : head].reshape(2, nu)
        self._of_moves = slice(head, head + n * nu)
        self._of_states = slice(head + n * nu, None)
        self._moves, self._states = aligned(n * nu).reshape(n, nu), aligned(n * nx).reshape(n, nx)
        self._verdict_head = 3 + max(size.nl, 1)
        self._verdict = aligned(self._verdict_head + n * nu + (n + 1) * nx + n * size.ny)

    def search(
        self, asked: Asked, question: Question, start: Vector, most: int, close: float
    ) -> Found:
        """Improve the plan with moves `start` (scaled, N rows) by at most `most` steps.

        A step of no move larger than `close` (tenths of scale) ends the search.
        """
        self._start[...] = start
        ended = self._libraries.search(
            self._n,
            asked.block.ctypes.data,
            self._start.ctypes.data,
            most,
            close,
            self._memory.ctypes.data,
            self._found.ctypes.data,
        )
        figures = dict(zip(FIGURES, self._found.tolist(), strict=False))
        n, size = self._n, self._size
        moves = self._found[self._of_moves].reshape(n, size.nu).copy()
        states = self._found[self._of_states].reshape(n, size.nx).copy()
        low, high = self._limits.tolist()
        why = WORDS[ended]
        if ended == NOT_OPTIMAL:
            signs = ", ".join(f"{name} {figures[name]:.1e}" for name in ("slope", "miss", "gap"))
            why = f"{why} ({signs})"
        told = Told(
            moves=moves * self._scaling.u_scale,
            states=states,
            cost=figures["cost"],
            status=why or "steps closed in",
            success=True,
            iterations=int(figures["steps"]),
            echo=dict(zip(self._shape.mvs, zip(low, high, strict=True), strict=True)),
        )
        return Found(why, figures["size"], moves, told)

    def judge(self, asked: Asked, question: Question, told: Told) -> Answer:
        """Check a plan without trusting who made it."""
        if why := hopeless(told):
            return refused(told, why)
        self._moves[...], self._states[...] = told.moves, told.states
        finite = self._libraries.check(
            self._n,
            asked.block.ctypes.data,
            self._moves.ctypes.data,
            self._states.ctypes.data,
            self._verdict.ctypes.data,
        )
        shape, size, n, head = self._shape, self._size, self._n, self._verdict_head
        overshoot, residual, cost, *over = self._verdict[:head].tolist()
        of_inputs, of_states = head + n * size.nu, head + n * size.nu + (n + 1) * size.nx
        found = self._verdict.copy()
        replay = Replay(
            inputs=found[head:of_inputs].reshape(n, size.nu),
            states=found[of_inputs:of_states].reshape(n + 1, size.nx),
            outputs=found[of_states:].reshape(n, size.ny),
            excess=dict(zip(shape.limits, over, strict=False)),
            overshoot=overshoot,
            residual=residual if finite else float("inf"),
            cost=cost,
        )
        return believed(shape, told, replay)


def _function(
    path: Path, name: str, *takes: _CType, gives: _CType = ctypes.c_int
) -> Callable[..., int]:
    """The function `name` of the library at `path`."""
    function = getattr(ctypes.CDLL(str(path)), name)
    function.argtypes, function.restype = list(takes), gives
    typed: Callable[..., int] = function
    return typed
