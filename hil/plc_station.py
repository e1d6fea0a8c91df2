"""A PLC with its panel and its wire words: what stands between a program and whoever talks to it.

The simulated line, the OPC UA server and the Modbus server all run a program through a `Station`,
so all three accept, log and show exactly the same words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from hil.plc_coater import CoaterPlc
from hil.plc_mixer import MixerPlc
from hil.plc_program import Scan, Value, Words
from hil.plc_recipes import CoaterRecipe, MixerRecipe
from hil.wire_words import from_wire, to_wire
from plant_models.mixer_phases import Phase

BUTTONS = frozenset({"reset", "hold", "restart", "abort", "start_batch"})
"""Panel words that spring back after one scan; all others stay as they were put."""


class Program(Protocol):
    """What a PLC program offers its station."""

    name: str
    active: dict[str, float]

    def first_panel(self) -> dict[str, Value]:
        """The panel at start."""
        ...

    def scan(self, dt_s: float, field: Words, wire: Words, panel: Words) -> Scan:
        """One scan."""
        ...


class Station:
    """One PLC: its program, its panel, the words written to it and the image it shows.

    `log` gets one row for every accepted write and every event of the program: the evidence an
    independent judge reads afterwards. Times in rows are this PLC's own plant seconds.
    """

    def __init__(
        self,
        program: Program,
        tags: Mapping[str, Mapping[str, Any]],
        log: Callable[[dict[str, Any]], None],
    ) -> None:
        """Take the tags whose source is this PLC; until written, setpoints are no number."""
        self.program = program
        self.reads = _tags_of(tags, program.name, "read")
        self.writes = _tags_of(tags, program.name, "write")
        self.panel: dict[str, Value] = program.first_panel()
        self.wire: dict[str, Value] = {
            name: math.nan if tag["type"].startswith(("float", "double")) else 0
            for name, tag in self.writes.items()
        }
        self.image: dict[str, Value] = {}
        self.plant_s = 0.0
        self._log = log

    def scan(self, dt_s: float, field: Words) -> dict[str, float]:
        """Run one scan; the image is the new one afterwards. Returns the drives."""
        self.plant_s += dt_s
        scan = self.program.scan(dt_s, field, self.wire, self.panel)
        self.image = scan.image
        for event in scan.events:
            self._log({"plant_s": self.plant_s, **event})
        for button in BUTTONS & self.panel.keys():
            self.panel[button] = False
        return scan.drives

    def shown(self, name: str) -> Value:
        """Return the wire word of a read tag; an instrument that says nothing is NaN (or 0)."""
        tag = self.reads[name]
        silent = math.nan if tag["type"].startswith(("float", "double")) else 0
        return to_wire(tag, self.image.get(name, silent))

    def accept(self, name: str, wire: Value) -> float | int | bool:
        """Take a written wire word, log it, and return its SI value."""
        value = from_wire(self.writes[name], wire)
        self.wire[name] = value
        self._log(
            {
                "plant_s": self.plant_s,
                "tag": name,
                "value": value,
                "active": self.program.active.get(name),
                "remote": bool(self.image.get(f"{name.partition('.')[0]}.remote_active", False)),
            }
        )
        return value

    def operate(self, words: Mapping[str, Value]) -> None:
        """Turn keys and press buttons on the panel.

        Raises:
            KeyError: the panel has no such word.
        """
        allowed = self.panel.keys() | {"emergency_stop"}
        for word, value in words.items():
            if word not in allowed and not word.startswith("bolt"):
                raise KeyError(f"the {self.program.name} panel has no '{word}': {sorted(allowed)}")
            self.panel[word] = value


def coater_program(sealed: Mapping[str, Any]) -> CoaterPlc:
    """The coater's program with the recipe of a sealed configuration."""
    return CoaterPlc(CoaterRecipe.from_sealed(sealed["recipe"]))


def mixer_program(sealed: Mapping[str, Any], start: str) -> MixerPlc:
    """The mixer's program; a running line starts in TRIM, a cold one with an idle vessel."""
    phase, batch = (Phase.TRIM, 1) if start == "running" else (None, 0)
    return MixerPlc(MixerRecipe.from_sealed(sealed["recipe"]), phase, batch)


def _tags_of(
    tags: Mapping[str, Mapping[str, Any]], source: str, direction: str
) -> dict[str, Mapping[str, Any]]:
    return {
        name: tag
        for name, tag in tags.items()
        if tag["source"] == source and tag["direction"] == direction
    }
