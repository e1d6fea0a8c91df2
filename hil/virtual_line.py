"""The whole line without a wire: plant and both PLC programs in virtual time, behind a PlantPort.

Everything the engine would see over OPC UA and Modbus it sees here: the same programs, the same
float32 words in the same units, the same handshake. Only time is free, so an hour takes seconds,
and the same seed gives the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fieldbus.tags import NotWritable, range_fault, tags_of, to_si, to_wire, wrapped
from hil.plc_program import Value
from hil.plc_recipes import CoaterRecipe, MixerRecipe
from hil.plc_station import Station, coater_program, mixer_program
from plant_models.line_plant import LinePlant, table_of
from safety.gate import Command
from safety.words import Quality, Reading, Sample, WriteResult

UNIX_AT_START_S = 1_700_000_000.0  # what the virtual PLC clocks show at virtual time zero
DEFAULT_LINE = Path(__file__).resolve().parent.parent / "config" / "line.yaml"


class Plant(Protocol):
    """What the bench needs of a plant."""

    def step(self, dt_s: float, drives: Mapping[str, float]) -> None:
        """Advance by `dt_s` plant seconds under these drives."""
        ...

    def sensors(self) -> Mapping[str, Value]:
        """What the instruments show."""
        ...

    def truth(self) -> Mapping[str, float]:
        """What really is, for judging only."""
        ...

    def event(self, kind: str, **details: Value | str) -> None:
        """Make something happen."""
        ...


def default_sealed() -> dict[str, Any]:
    """The repository's own configuration, sealed."""
    from service.config_load import load_line  # a heavy import that most uses replace by `sealed`

    sealed: dict[str, Any] = load_line(DEFAULT_LINE).sealed
    return sealed


class VirtualLine:
    """Plant and PLCs in virtual time.

    `overrides` are plant parameters by path, `seed` feeds every noise source, `scan_s` is the PLC
    scan in plant seconds, `start` is 'running' or 'cold'. `log` collects what the PLCs would have
    written to their write logs, for the judge.
    """

    def __init__(
        self,
        overrides: Mapping[str, float] | None = None,
        seed: int = 0,
        scan_s: float = 1.0,
        start: str = "running",
        *,
        sealed: Mapping[str, Any] | None = None,
        plant: Plant | None = None,
    ) -> None:
        """Build the line at virtual time zero with one scan done, so there is something to read."""
        self.sealed = sealed if sealed is not None else default_sealed()
        self.plant: Plant = plant or LinePlant(dict(overrides or {}), seed, start=start)
        self.scan_s = scan_s
        self.time_s = 0.0
        self.log: list[dict[str, Any]] = []
        tags = self.sealed["tags"]
        self._programs = coater_program(self.sealed), mixer_program(self.sealed, start)
        self.coater = Station(self._programs[0], tags, self.log.append)
        self.mixer = Station(self._programs[1], tags, self.log.append)
        self.stations = {"coater": self.coater, "mixer": self.mixer}
        self.port = VirtualPort(self)
        self._drives: dict[str, float] = {}
        self._scan(0.0)

    def advance(self, to_s: float) -> None:
        """Let the line run, scan by scan, until virtual time `to_s`."""
        while self.time_s + self.scan_s <= to_s + 1e-9:
            self.plant.step(self.scan_s, self._drives)
            self.time_s += self.scan_s
            self._scan(self.scan_s)

    def panel(self, plc: str, **words: Value) -> None:
        """Turn keys and press buttons on the panel of 'coater' or 'mixer'."""
        self.stations[plc].operate(words)

    def load_recipe(self, recipe: Mapping[str, Any]) -> None:
        """Set both PLCs up for another product, as their operator does."""
        coater, mixer = self._programs
        coater.recipe = CoaterRecipe.from_sealed(recipe)
        mixer.recipe = MixerRecipe.from_sealed(recipe)

    def event(self, kind: str, **details: Value | str) -> None:
        """Make something happen in the plant (batch_change, viscosity_lot, gauge_outage, ...)."""
        self.plant.event(kind, **details)

    def scale(self, path: str, factor: float) -> None:
        """Multiply a parameter of the plant while it runs."""
        self._model().set_parameter(path, factor * self.parameter(path))

    def parameter(self, path: str) -> float:
        """What a parameter of the plant is now (SI): for judging, never for control."""
        return self._model().parameters[table_of(path)][path]

    def _model(self) -> LinePlant:
        if not isinstance(self.plant, LinePlant):
            raise TypeError("only the real plant model has parameters")
        return self.plant

    def truth(self) -> dict[str, float]:
        """What really is, by name (SI): for judging, never for control."""
        return dict(self.plant.truth())

    def _scan(self, dt_s: float) -> None:
        field = self.plant.sensors()
        for station in self.stations.values():
            self._drives.update(station.scan(dt_s, field))


@dataclass(frozen=True, slots=True)
class Frame:
    """One command as wire words, in their order on the wire: setpoints, then handshake words."""

    source: str
    setpoints: tuple[tuple[str, Value], ...]
    words: tuple[tuple[str, Value], ...]


class VirtualPort:
    """The PlantPort of a virtual line: bulk reads, commands and read-back, without a wire.

    The engine's half of the wire is the fieldbus's own tag table; the PLCs' half is the bench's.
    """

    def __init__(self, line: VirtualLine) -> None:
        self._line = line
        self._tags = tags_of(line.sealed)

    async def open(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def read(self, tags: Sequence[str]) -> Reading:
        """Return one sample per tag, as the wire would have shown it at this virtual time."""
        return {name: self._sample(name) for name in tags}

    async def write(self, command: Command) -> WriteResult:
        """Carry out one command: setpoints first, then request, sequence and heartbeat last."""
        if self._line.time_s > command.expires_s:
            return self.not_sent(command, "the command had expired")
        try:
            frame = self.frame_of(command)
        except NotWritable as fault:
            return self.not_sent(command, str(fault))
        self.deliver(frame)
        return WriteResult("written", dict(self.landed(frame)), "")

    def frame_of(self, command: Command) -> Frame:
        """Return a command as the words that go over the wire, or raise NotWritable."""
        hand = self._line.sealed["loops"][command.loop]["handshake"]
        tags = self._tags
        setpoints = tuple(
            (name, to_wire(tags[name], value)) for name, value in command.setpoints.items()
        )
        sequence, heartbeat = tags[hand["sequence"]], tags[hand["heartbeat_out"]]
        words = (
            (hand["remote_request"], command.remote),
            (sequence.name, wrapped(sequence, command.sequence)),
            (heartbeat.name, wrapped(heartbeat, command.heartbeat)),
        )
        return Frame(hand["source"], setpoints, words)

    def deliver(self, frame: Frame, only: int | None = None) -> None:
        """Let the PLC take the words of a frame, or only the first so many of them."""
        station = self._line.stations[frame.source]
        for name, wire in (*frame.setpoints, *frame.words)[:only]:
            station.accept(name, wire)

    def landed(self, frame: Frame) -> Mapping[str, float]:
        """Return the setpoints of a frame as the read-back of its registers shows them."""
        return {name: float(to_si(self._tags[name], wire)) for name, wire in frame.setpoints}

    def not_sent(self, command: Command, why: str) -> WriteResult:
        """Return the result of a command that never left."""
        return WriteResult("not-sent", dict.fromkeys(command.setpoints), why)

    def _sample(self, name: str) -> Sample:
        line = self._line
        tag = self._tags.get(name)
        if tag is None or tag.direction != "read":
            return Sample.bad(f"{name} is not a tag that can be read", line.time_s)
        value = to_si(tag, line.stations[tag.source].shown(name))
        if not math.isfinite(value):
            return Sample.bad("the PLC shows no number", line.time_s, epoch=1)
        if fault := range_fault(tag, value):
            return Sample.bad(fault, line.time_s, epoch=1)
        stamped = line.sealed["sources"][tag.source]["protocol"] == "opcua"
        source_time_s = UNIX_AT_START_S + line.time_s if stamped else None
        return Sample(value, Quality.GOOD, "", source_time_s, line.time_s, 1)
