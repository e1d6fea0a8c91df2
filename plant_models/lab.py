"""The laboratory: accurate about a sample that was taken half an hour ago."""

from __future__ import annotations

from dataclasses import dataclass

from plant_models.mixer_instruments import stream
from plant_models.parameters import Parameters

FIRST_ROUTINE_S = 300.0  # a mixer found running is somewhere between two routine samples


@dataclass(frozen=True, slots=True)
class LabResult:
    """Zero-shear viscosity at 25 C of the sample taken at `taken_s`; numbers start at 1."""

    number: int
    taken_s: float
    due_s: float
    viscosity_25c_pa_s: float


class Laboratory:
    """Takes a sample on the rising edge of a command and by the clock; one analyst, in order."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self._parameters = parameters
        self._random = stream(seed, "lab")
        self._asked = False
        self._taken = 0
        self._next_routine_s = min(FIRST_ROUTINE_S, parameters["mixer.lab.interval"])
        self._waiting: list[LabResult] = []
        self.shown: LabResult | None = None

    def step(self, now_s: float, viscosity_25c_pa_s: float, asked: bool, present: bool) -> None:
        """Take what is asked for or due (when mass is `present`), and show what has come back."""
        interval = self._parameters["mixer.lab.interval"]
        routine = interval > 0.0 and now_s >= self._next_routine_s
        if routine:
            self._next_routine_s = now_s + interval
        if present and (routine or (asked and not self._asked)):
            self.take(now_s, viscosity_25c_pa_s)
        self._asked = asked
        while self._waiting and self._waiting[0].due_s <= now_s:
            self.show_next()

    def take(self, now_s: float, viscosity_25c_pa_s: float) -> None:
        """Draw a sample now; its result waits for its turn."""
        p = self._parameters
        self._taken += 1
        due_s = now_s + self._random.uniform(p["mixer.lab.earliest"], p["mixer.lab.latest"])
        if self._waiting:
            due_s = max(due_s, self._waiting[-1].due_s + 60.0)
        error = 1.0 + p["mixer.lab.error"] * self._random.gauss(0.0, 1.0)
        self._waiting.append(LabResult(self._taken, now_s, due_s, viscosity_25c_pa_s * error))

    def show_next(self) -> None:
        """Put the oldest waiting result on the screen."""
        self.shown = self._waiting.pop(0)
