"""The lip's part of the coater's PLC: twelve bolts, their own remote door, their own watchdog.

Who has the coat weight need not have the profile: the lip shakes hands by itself. In LOCAL the
bolts stand where they are, or go where the operator's panel says ('bolt3': travel in m).
"""

from __future__ import annotations

import math
from typing import Any

from hil.plc_program import Handshake, Scan, SetpointGuard, Value, Words, number, truth

BOLTS = range(1, 13)
BOLT_GUARD = SetpointGuard(low=-60e-6, high=60e-6, rate_per_s=1.25e-6)
WATCHDOG_S = 24.0


class LipPlc:
    """Follows the engine's bolts while the lip is remote; `active` is what it really uses."""

    def __init__(self) -> None:
        self.active: dict[str, float] = {f"lip.bolt{bolt}_sp": 0.0 for bolt in BOLTS}
        self._handshake = Handshake(WATCHDOG_S)

    def scan(self, dt_s: float, wire: Words, panel: Words, *, allowed: bool) -> Scan:
        """Run one scan of `dt_s` plant seconds; `allowed` is the key in REMOTE and no trip."""
        before = dict(self.active)
        change = self._handshake.scan(
            dt_s,
            request=truth(wire, "lip.remote_request"),
            heartbeat=int(number(wire, "lip.engine_heartbeat", 0.0)),
            allowed=allowed,
        )
        for bolt in BOLTS:
            tag = f"lip.bolt{bolt}_sp"
            wanted = number(panel, f"bolt{bolt}", math.nan)
            if self._handshake.remote:
                wanted = number(wire, tag)
            self.active[tag] = BOLT_GUARD.follow(self.active[tag], wanted, dt_s)
        events: list[dict[str, Any]] = []
        if change:
            events.append({"event": change, "before": before, "after": dict(self.active)})
        drives = {f"coater.bolt{bolt}": self.active[f"lip.bolt{bolt}_sp"] for bolt in BOLTS}
        image: dict[str, Value] = {
            "lip.remote_ready": self._handshake.ready,
            "lip.remote_active": self._handshake.remote,
        }
        image.update({f"{tag}_active": value for tag, value in self.active.items()})
        return Scan(drives, image, events)
