"""The scan of a bench PLC process: field in, program, field out, on an absolute deadline."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TextIO

from hil.bench_process import PlantClock
from hil.field_link import FieldCable
from hil.plc_station import Station

SHORTEST_SCAN_S = 0.02  # wall seconds: a faster plant gets longer scans in its own time


def row_writer(lines: TextIO) -> Callable[[dict[str, Any]], None]:
    """Return a log function that adds the monotonic time to each row."""

    def write(row: dict[str, Any]) -> None:
        lines.write(json.dumps({"mono_s": time.monotonic(), **row}) + "\n")

    return write


async def scan_for_ever(
    station: Station,
    cable: FieldCable,
    clock: PlantClock,
    scan_s: float,
    publish: Callable[[], Awaitable[None]],
) -> None:
    """Scan at an even pace of plant time; a missed slot is skipped, never caught up in a burst."""
    period_s = max(scan_s, SHORTEST_SCAN_S * clock.speed)
    field = await _first_field(cable, clock)
    last_s = due_s = clock.now_s()
    while True:
        drives = station.scan(clock.now_s() - last_s, field)
        last_s = clock.now_s()
        await publish()
        due_s += period_s * max(1, int((clock.now_s() - due_s) / period_s) + 1)
        await clock.sleep_until(due_s)
        field = await cable.exchange(drives)


async def _first_field(cable: FieldCable, clock: PlantClock) -> dict[str, Any]:
    while not (field := await cable.exchange({})):
        await clock.sleep_until(clock.now_s() + 0.1 * clock.speed)
    return field


def door_of(station: Station) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return the answers of a PLC's side door: 'panel' with words, or 'status'."""

    def answer(request: Mapping[str, Any]) -> dict[str, Any]:
        if request["do"] == "panel":
            station.operate(request["words"])
            return {}
        if request["do"] == "status":
            return {
                "plant_s": station.plant_s,
                "image": station.image,
                "panel": station.panel,
                "active": station.program.active,
            }
        raise ValueError(f"a PLC's door knows 'panel' and 'status', not {request['do']!r}")

    return answer
