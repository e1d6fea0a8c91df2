"""The lip's part of the coater's PLC: twelve bolts, their own remote door, their own watchdog.

Who has the coat weight need not have the profile: the lip shakes hands by itself. In LOCAL the
bolts stand where they are, or go where the operator's panel says ('bolt3': travel in m).
"""

from __future__ import annotations

from typing import Any

from hil.plc_program import Handshake, Scan, SetpointGuard, Value, Words, number, truth

BOLTS = range(1, 13)
SETPOINTS = tuple(f"lip.bolt{bolt}_sp" for bolt in BOLTS)
ACTIVE = tuple(f"{tag}_active" for tag in SETPOINTS)
BY_HAND = tuple(f"bolt{bolt}" for bolt in BOLTS)
DRIVES = tuple(f"coater.bolt{bolt}" for bolt in BOLTS)
BOLT_GUARD = SetpointGuard(low=-60e-6, high=60e-6, rate_per_s=1.25e-6)
WATCHDOG_S = 24.0


class LipPlc:
    """Follows the engine's bolts while the lip is remote; `active` is what it really uses."""

    def __init__(self) -> None:
        self.active: dict[str, float] = dict.fromkeys(SETPOINTS, 0.0)
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
        words, names = (wire, SETPOINTS) if self._handshake.remote else (panel, BY_HAND)
        for tag, name in zip(SETPOINTS, names, strict=True):
            if name in words:
                wanted = number(words, name)
                self.active[tag] = BOLT_GUARD.follow(self.active[tag], wanted, dt_s)
        events: list[dict[str, Any]] = []
        if change:
            events.append({"event": change, "before": before, "after": dict(self.active)})
        drives = dict(zip(DRIVES, self.active.values(), strict=True))
        image: dict[str, Value] = {
            "lip.remote_ready": self._handshake.ready,
            "lip.remote_active": self._handshake.remote,
        }
        image.update(zip(ACTIVE, self.active.values(), strict=True))
        return Scan(drives, image, events)
