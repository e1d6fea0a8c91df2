"""The operator of a scenario: asks for modes, sets the speed, starts the line, changes the recipe.

They do the same whatever controls the line, so that no controller is helped. They know what an
operator knows: what the panel shows, and what the plan of the day says.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from typing import Any

from hil.scenario import Event
from hil.virtual_line import VirtualLine
from safety.rules import loop_rules
from safety.words import Request, RequestedMode
from service.cycle import LoopContext

ASKED_AT_S = 30.0
CREEP_M_MIN = 2.0
RECIPE_WORDS: Mapping[str, tuple[str, str, float]] = {
    "coat_weight_g_m2": ("targets", "coater.dry_coat_weight", 1e-3),
    "viscosity_pa_s": ("targets", "mixer.viscosity_25c", 1.0),
    "gap_um": ("nominal", "gap", 1e-6),
    "line_speed_m_min": ("nominal", "line_speed", 1.0 / 60.0),
}
"""What a `recipe` event may say: its word, where it stands in a recipe, and one of it in SI."""

ChangeController = Callable[[str, Mapping[str, Any]], None]


def changed_recipe(sealed: Mapping[str, Any], details: Mapping[str, float | str]) -> dict[str, Any]:
    """Return the configuration with another recipe in it.

    Raises:
        ValueError: the event says something a recipe does not have.
    """
    new = copy.deepcopy(dict(sealed))
    for word, value in details.items():
        if word not in RECIPE_WORDS:
            known = ", ".join(RECIPE_WORDS)
            raise ValueError(f"a recipe event has no {word!r}; known are {known}")
        part, name, si = RECIPE_WORDS[word]
        new["recipe"][part][name] = float(value) * si
    return new


class Operator:
    """One person at both panels. `sealed` is the configuration in force."""

    def __init__(
        self,
        line: VirtualLine,
        loops: Mapping[str, LoopContext],
        sealed: Mapping[str, Any],
        start: str,
        change_controller: ChangeController,
    ) -> None:
        """Take the panels; on a cold line the run switch is off."""
        self.sealed = sealed
        self._line, self._loops = line, loops
        self._change_controller = change_controller
        self._auto_due = set(loops)
        self._wanted_m_s = 0.0
        self._cold = start == "cold"
        if self._cold:
            line.panel("coater", run=False)
            self._ask(RequestedMode.SHADOW, loops)

    def look(self, now_s: float) -> None:
        """Look at the panels once a scan: ask for AUTO as soon as it can be had, bring up speed."""
        if self._auto_due and now_s >= ASKED_AT_S:
            ready = {name for name in self._auto_due if not self._cold or self._runs(name)}
            self._ask(RequestedMode.AUTO, ready)
            self._auto_due -= ready
        if self._wanted_m_s > 0.0 and self._coater_runs():
            self._line.panel("coater", line_speed_sp=self._wanted_m_s)
            self._wanted_m_s = 0.0

    def act(self, event: Event) -> bool:
        """Carry out an event that is an operator's doing; False when it is none."""
        if event.kind == "line_speed":
            self._line.panel("coater", line_speed_sp=float(event.details["m_min"]) / 60.0)
        elif event.kind == "start":
            self._wanted_m_s = float(event.details["m_min"]) / 60.0
            self._line.panel("coater", line_speed_sp=CREEP_M_MIN / 60.0, run=True)
        elif event.kind == "recipe":
            self._change_recipe(event.details)
        else:
            return False
        return True

    def _ask(self, mode: RequestedMode, loops: Collection[str]) -> None:
        for name in loops:
            context = self._loops[name]
            context.request = Request(mode, "simulation", False, context.request.number + 1)

    def _runs(self, loop: str) -> bool:
        """Whether the panels show all that the loop needs before it may be closed."""
        rules, stations = self._loops[loop].rules, self._line.stations
        return all(
            bool(stations[rules.inputs[tag].source].image.get(tag, False))
            for tag in rules.permissives
        )

    def _coater_runs(self) -> bool:
        return bool(self._line.coater.image.get("coater.running", False))

    def _change_recipe(self, details: Mapping[str, float | str]) -> None:
        """PLCs, limits, targets and models change between two scans: nothing in between exists."""
        self.sealed = changed_recipe(self.sealed, details)
        recipe = self.sealed["recipe"]
        self._line.load_recipe(recipe)
        for name, context in self._loops.items():
            context.rules = loop_rules(self.sealed, name)
            self._change_controller(name, self.sealed)
