"""A line whose records and engine are a few lines of text, for the outward server's tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from records.store import RecordStore
from service.clock import utc_text
from service.commands import CommandDoor
from service.sealed_file import write_sealed
from tests.service.small_line import ACTIVE, LOOP, SP, small_sealed

CV = "coater.dry_coat_weight"
READ = {"source": "coater", "direction": "read", "type": "float"}


def outward_sealed() -> dict[str, Any]:
    """Return a small line with one CV and one MV that have units and ranges."""
    sealed = small_sealed()
    weight = {"unit": "g/m2", "gain": 1e-3, "offset": 0.0, "low": 0.0, "high": 0.2}
    gap = {"unit": "um", "gain": 1e-6, "offset": 0.0, "low": 1.5e-4, "high": 1.5e-3}
    sealed["tags"][CV] = {**READ, **weight, "max_age": 20.0}
    sealed["tags"][SP] |= gap
    sealed["tags"][ACTIVE] |= gap
    sealed["loops"][LOOP]["optional"] = [CV]
    sealed["loops"][LOOP]["controller"]["cvs"] = {CV: {"rank": 1}}
    return sealed


def cycle(age_s: float = 0.0, mode: str = "AUTO", quality: int = 2) -> dict[str, Any]:
    """Return the record of a cycle that was `age_s` seconds ago."""
    return {
        "utc": utc_text(datetime.now(UTC) - timedelta(seconds=age_s)),
        "now_s": 100.0,
        "requested": "AUTO",
        "mode": mode,
        "inputs": {CV: [0.0857, quality, "", None, 99.0]},
        "applied": {SP: 3.0e-4},
        "plan": {"status": "solved", "solve_ms": 12.5, "targets": {CV: 0.0855}},
        "verdict": {
            "action": "CLAMP", "limiting": "IL-02", "requested": {SP: 3.2e-4},
            "allowed": {SP: 3.1e-4},
            "reasons": [{"rule": "IL-02", "action": "CLAMP", "tag": SP, "text": "too fast"}],
        },
        "written": {"outcome": "written"},
    }  # fmt: skip


class World:
    """A state folder with records one can add to, and an engine's door that answers."""

    def __init__(self, state: Path) -> None:
        self.state = state
        state.mkdir(parents=True, exist_ok=True)
        write_sealed(outward_sealed(), state / "sealed.json")
        self.store = RecordStore(state / "records.sqlite")
        self.asked: list[Mapping[str, Any]] = []
        self.alarms: list[Any] = []
        self._door = CommandDoor(state, self._answer)

    def record(self, body: dict[str, Any]) -> None:
        self.store.append("cycle", LOOP, body["utc"], body)

    async def open_door(self) -> None:
        await self._door.open()

    async def close(self) -> None:
        await self._door.close()
        self.store.close()

    async def _answer(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        if message["do"] == "status":
            return {"ok": True, "hashes": {"seal": "ab" * 32, "software": "cd" * 32},
                    "alarms": self.alarms}  # fmt: skip
        self.asked.append(json.loads(json.dumps(message)))
        for alarm in self.alarms:
            if alarm["id"] == message["alarm"] and alarm["state"] == "UNACK":
                alarm |= {
                    "state": "ACKED",
                    "unacknowledged": False,
                    "who": message["who"],
                    "why": message["why"],
                }
                return {"ok": True, "text": "acknowledged"}
        return {"ok": False, "text": "no such alarm"}
