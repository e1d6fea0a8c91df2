"""What both bench PLC programs are made of: guards, handshake, watchdog, trip latch, local PI.

A PLC program is pure logic, one scan at a time: sensors, the words the engine wrote and the
operator's panel in; drives and the image for the wire out. It reads no clock and no socket, so the
same program runs in the simulated line and behind a real OPC UA or Modbus server. It has numbers
and code of its own: nothing here comes from our safety gate, or a mistake there would be
repeated here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Value = float | int | bool
Words = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class SetpointGuard:
    """The PLC's own box and pace for one setpoint (SI and SI/s)."""

    low: float
    high: float
    rate_per_s: float

    def follow(self, active: float, wanted: float, dt_s: float) -> float:
        """Return the setpoint one scan later: inside the box, no faster than the pace.

        A wanted value that is no number changes nothing: the active setpoint holds.
        """
        if not math.isfinite(wanted):
            return active
        target = min(max(wanted, self.low), self.high)
        step = self.rate_per_s * dt_s
        return active + min(max(target - active, -step), step)


class Watchdog:
    """Says whether a counter still moves: unchanged for `patience_s` plant seconds is dead."""

    def __init__(self, patience_s: float) -> None:
        self.patience_s = patience_s
        self._last: int | None = None
        self._silent_s = math.inf

    def scan(self, dt_s: float, counter: int) -> bool:
        """Return True while the counter is alive; it must have moved at least once."""
        if self._last is not None and counter != self._last:
            self._silent_s = 0.0
        else:
            self._silent_s += dt_s
        self._last = counter
        return self.alive

    @property
    def alive(self) -> bool:
        """True while the last change is younger than the patience."""
        return self._silent_s < self.patience_s


class Handshake:
    """Remote or local: who owns the setpoints.

    Remote begins on a rising edge of the request, with the operator's key in REMOTE, no trip and
    the engine's heartbeat alive; it ends at once when any of these goes, and never comes back by
    itself. An edge waits for the heartbeat that follows it on the wire, but no longer than the
    watchdog's patience.
    """

    def __init__(self, watchdog_s: float) -> None:
        self.watchdog = Watchdog(watchdog_s)
        self.ready = False
        self.remote = False
        self._requested = False
        self._edge_age_s = math.inf

    def scan(self, dt_s: float, *, request: bool, heartbeat: int, allowed: bool) -> str:
        """Advance by one scan; return why the owner changed, or '' when it did not."""
        alive = self.watchdog.scan(dt_s, heartbeat)
        self.ready = allowed
        rising = request and not self._requested
        self._requested = request
        self._edge_age_s = 0.0 if rising and allowed else self._edge_age_s + dt_s
        if not (request and allowed):
            self._edge_age_s = math.inf
        if self.remote:
            return self._leave(request=request, alive=alive, allowed=allowed)
        if alive and self._edge_age_s < self.watchdog.patience_s:
            self.remote = True
            self._edge_age_s = math.inf
            return "remote: the engine asked and its heartbeat is alive"
        return ""

    def _leave(self, *, request: bool, alive: bool, allowed: bool) -> str:
        if request and alive and allowed:
            return ""
        self.remote = False
        self._edge_age_s = math.inf
        if not alive:
            patience = self.watchdog.patience_s
            return f"local: the engine's heartbeat stood still for {patience:g} s (watchdog)"
        if not request:
            return "local: the engine gave the loop back"
        return "local: the operator's key or a trip took the loop back"


class TripLatch:
    """Latches every cause of a trip until the operator resets it after the cause is gone."""

    def __init__(self) -> None:
        self.causes: set[str] = set()
        self._reset_was = False

    def scan(self, causes: set[str], *, reset: bool) -> bool:
        """Return True while tripped. `reset` acts on its rising edge, on causes that are gone."""
        self.causes |= causes
        if reset and not self._reset_was:
            self.causes = set(causes)
        self._reset_was = reset
        return bool(self.causes)


class Delay:
    """On-delay: True once its input has been True for `wait_s` plant seconds."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self._held_s = 0.0

    def scan(self, dt_s: float, *, on: bool) -> bool:
        """Advance by one scan."""
        self._held_s = self._held_s + dt_s if on else 0.0
        return self._held_s >= self.wait_s


@dataclass(slots=True)
class VelocityPi:
    """PI in velocity form: it returns moves, so taking over is bumpless by construction.

    du = Kc (de + e dt / Ti). Clamping the sum is all the anti-windup it needs.
    """

    gain: float
    integral_s: float
    _error: float | None = None

    def rest(self) -> None:
        """Forget the last error: the next move starts without a proportional kick."""
        self._error = None

    def move(self, error: float, dt_s: float, gain: float = 1.0, stretch: float = 1.0) -> float:
        """Return the move for this scan; `gain` and `stretch` schedule Kc and Ti."""
        delta = 0.0 if self._error is None else error - self._error
        self._error = error
        return self.gain * gain * (delta + error * dt_s / (self.integral_s * stretch))


@dataclass(slots=True)
class Scan:
    """What one scan brought: drives for the field (SI), image for the wire (SI), log lines."""

    drives: dict[str, float]
    image: dict[str, Value]
    events: list[dict[str, Any]] = field(default_factory=list)


def number(words: Words, name: str, default: float = math.nan) -> float:
    """Return a word as a float; an absent one is `default`."""
    return float(words.get(name, default))


def truth(words: Words, name: str, default: bool = False) -> bool:
    """Return a word as a bool; an absent one is `default`."""
    return bool(words.get(name, default))


def clamp(value: float, low: float, high: float) -> float:
    """Return `value` moved into [low, high]."""
    return min(max(value, low), high)


class Counter:
    """The PLC's heartbeat: one step a scan, wrapping at its width; a fault may freeze it."""

    def __init__(self, bits: int) -> None:
        self._modulus = 1 << bits
        self.value = 0

    def scan(self, *, frozen: bool) -> int:
        """Advance by one scan unless frozen."""
        if not frozen:
            self.value = (self.value + 1) % self._modulus
        return self.value
