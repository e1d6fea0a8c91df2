"""The plant as a process of its own, at a settable speed: `python -m hil.plant_process ...`.

It steps on an absolute deadline, answers PLCs on the field link, and writes what really happened
to truth.jsonl in the state directory, where only reports and judges read it.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from typing import Any, TextIO

from hil.bench_door import Door
from hil.bench_process import (
    PlantClock,
    arguments,
    run_until_told,
    write_log,
)
from hil.field_link import receive_frame, send_frame
from hil.virtual_line import Plant
from plant_models.line_plant import LinePlant

STEP_S = 1.0
TRUTH_EVERY_S = 4.0
LONGEST_BURST = 20  # steps before others get a turn


class PlantProcess:
    """The plant, its clock and the drives the PLCs sent last."""

    def __init__(self, plant: Plant, clock: PlantClock, truth: TextIO) -> None:
        self.plant = plant
        self.time_s = 0.0
        self.behind_s = 0.0
        self._clock = clock
        self._truth = truth
        self._drives: dict[str, float] = {}
        self._waited_for = {"coater", "mixer"}
        self._driven = asyncio.Event()

    async def run(self) -> None:
        """Step for ever; the plant stands still until both PLCs drive it."""
        await self._driven.wait()
        start_s = self._clock.now_s()
        while True:
            late = self._clock.now_s() - start_s - self.time_s
            self.behind_s = max(0.0, late - STEP_S)
            for _ in range(min(int(late / STEP_S), LONGEST_BURST)):
                self._step()
            await self._clock.sleep_until(start_s + self.time_s + STEP_S)

    def _step(self) -> None:
        self.plant.step(STEP_S, self._drives)
        self.time_s += STEP_S
        if math.fmod(self.time_s, TRUTH_EVERY_S) < STEP_S:
            row = {"time_s": self.time_s, **self.plant.truth()}
            self._truth.write(json.dumps(row) + "\n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one PLC's frames until it goes away."""
        try:
            while True:
                frame = await receive_frame(reader)
                plc = frame["plc"]
                self._drives.update(frame["drives"])
                if frame["drives"]:
                    self._waited_for.discard(plc)
                if not self._waited_for:
                    self._driven.set()
                sensors = {
                    name: value
                    for name, value in self.plant.sensors().items()
                    if name.startswith(plc + ".")
                }
                await send_frame(writer, {"time_s": self.time_s, "sensors": sensors})
        except (ConnectionError, asyncio.CancelledError):
            writer.close()  # the PLC went away, or we are ending

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer at the side door: 'event' (kind, details), 'truth' or 'status'."""
        if request["do"] == "event":
            self.plant.event(request["kind"], **request.get("details", {}))
            return {"time_s": self.time_s}
        if request["do"] == "truth":
            return {"time_s": self.time_s, "truth": dict(self.plant.truth())}
        if request["do"] == "status":
            return {"time_s": self.time_s, "behind_s": self.behind_s}
        raise ValueError(
            f"the plant's door knows 'event', 'truth', 'status', not {request['do']!r}"
        )


def overrides_of(settings: list[str]) -> dict[str, float]:
    """Return the parameters of `--set path=value` options (SI).

    Raises:
        ValueError: not of the form path=number.
    """
    found = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"--set {setting!r}: write it as path=number")
        found[path] = float(value)
    return found


async def run(argv: list[str] | None = None) -> None:
    """Run the plant until told to end."""
    options = arguments("Rheostat's bench: the plant", argv, field=False)
    plant = LinePlant(overrides_of(options.set), options.seed, start=options.start)
    with write_log(options.state / "truth.jsonl") as truth:
        process = PlantProcess(plant, PlantClock(options.speed), truth)
        server = await asyncio.start_server(process.serve, "127.0.0.1", 0)
        door = Door(options.state / "plant.sock", process.answer)
        await door.open()
        try:
            await run_until_told(process.run(), port=server.sockets[0].getsockname()[1])
        finally:
            server.close()
            await door.close()


if __name__ == "__main__":
    asyncio.run(run())
