"""The mixer's batch sequence: ISA-88 phases with hold, restart and abort, and nothing of the plant.

The sequence decides which phase runs; the program decides what a phase drives and when it is done.
"""

from __future__ import annotations

from hil.plc_program import Words, truth
from plant_models.mixer_phases import Phase

CONTROLLED = frozenset({Phase.HOMOGENISE, Phase.TRIM, Phase.DEAERATE, Phase.SAMPLE_HOLD})
"""Phases in which the PLC lets anybody else move its setpoints."""


class Sequence:
    """Where the batch stands; `phase` None is an idle vessel.

    Commands act on their rising edge: start, hold, restart, abort.
    """

    def __init__(self, phase: Phase | None = None, batch: int = 1) -> None:
        self.phase = phase
        self.batch = batch
        self.held = False
        self.phase_s = 0.0
        self._was: dict[str, bool] = {}

    def command(self, panel: Words) -> str:
        """Obey the panel's edges; return what happened, or ''."""
        if self._edge(panel, "abort") and self.phase is not None:
            self._enter(Phase.CLEAN)
            return f"batch {self.batch} aborted: cleaning"
        if self._edge(panel, "hold") and self.phase is not None and not self.held:
            self.held = True
            return f"held in {self.phase.name}"
        if self._edge(panel, "restart") and self.held and self.phase is not None:
            self.held = False
            return f"restarted in {self.phase.name}"
        if self._edge(panel, "start_batch") and self.phase is None:
            self.batch += 1
            self._enter(Phase.INERT)
            return f"batch {self.batch} started"
        return ""

    def advance(self, dt_s: float, *, done: bool) -> str:
        """Let time pass in the phase; a phase that is done gives way to the next one."""
        if self.held or self.phase is None:
            return ""
        self.phase_s += dt_s
        if not done:
            return ""
        following = None if self.phase is Phase.CLEAN else Phase(self.phase + 1)
        self._enter(following)
        return f"phase {following.name}" if following else "batch finished"

    def _enter(self, phase: Phase | None) -> None:
        self.phase = phase
        self.phase_s = 0.0
        self.held = False

    def _edge(self, panel: Words, word: str) -> bool:
        now = truth(panel, word)
        was = self._was.get(word, False)
        self._was[word] = now
        return now and not was
