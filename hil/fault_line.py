"""The virtual line of a fault run: instruments, drives and PLCs that can be made to misbehave.

Plant and PLC programs are the bench's own. A fault hooks in where the real one would: between
plant and PLC (what an instrument shows, what a drive does), in the PLC's scan (a program that
stops, restarts or has its setpoints moved by somebody), never inside the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hil.plc_program import Value
from hil.plc_station import Station, coater_program, mixer_program
from hil.virtual_line import VirtualLine
from plant_models.line_plant import LinePlant

Show = Callable[[Value], Value]


class FaultyPlant(LinePlant):
    """The real plant model; `show` spoils what an instrument shows, `drive` what a drive does."""

    def __init__(self, overrides: Mapping[str, float], seed: int, start: str = "running") -> None:
        super().__init__(overrides, seed, start)
        self.show: dict[str, Show] = {}
        self.drive: dict[str, Callable[[float], float]] = {}

    def step(self, dt_s: float, drives: Mapping[str, float]) -> None:
        """Advance under the drives as they really act."""
        acting = {n: self.drive[n](v) if n in self.drive else v for n, v in drives.items()}
        super().step(dt_s, acting)

    def sensors(self) -> dict[str, float | bool | int]:
        """What the instruments show, broken ones included; one that is added shows as well."""
        shown = super().sensors()
        for name, spoil in self.show.items():
            shown[name] = spoil(shown.get(name, 0.0))
        return shown


class FaultyLine(VirtualLine):
    """A virtual line whose PLCs can be stopped, restarted and tampered with between two scans.

    `stopped` PLCs show their last image and act on nothing; `after_scan` is run after every scan.
    """

    def __init__(
        self, overrides: Mapping[str, float], seed: int, sealed: Mapping[str, Any]
    ) -> None:
        self.stopped: set[str] = set()
        self.after_scan: list[Callable[[], None]] = []
        self.faulty_plant = FaultyPlant(overrides, seed)
        super().__init__(seed=seed, sealed=sealed, plant=self.faulty_plant)

    def restart_plc(self, name: str) -> None:
        """Let a PLC come up anew: its program from the start, its registers empty."""
        before = self.stations[name]
        program = coater_program if name == "coater" else _running_mixer
        station = Station(program(self.sealed), self.sealed["tags"], self.log.append)
        station.plant_s = before.plant_s
        self.stations[name] = station
        self.stopped.discard(name)
        self._drives.update(station.scan(self.scan_s, self.plant.sensors()))

    def _scan(self, dt_s: float) -> None:
        field = self.plant.sensors()
        for name, station in self.stations.items():
            if name in self.stopped:
                station.plant_s += dt_s
            else:
                self._drives.update(station.scan(dt_s, field))
        for act in list(self.after_scan):
            act()


def _running_mixer(sealed: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whichever program it is
    return mixer_program(sealed, "running")
