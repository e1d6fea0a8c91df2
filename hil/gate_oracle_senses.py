"""How the oracle looks at raw readings: what may be believed, what stands against a move.

Only what is necessary: a reading that is wrong in a way told here must not be believed; the gate
may be stricter (it also doubts jumps).
"""

# ruff: noqa: ANN401 - it trusts no type
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hil.gate_oracle_table import (
    FROZEN_READING,
    INSTRUMENTS,
    LABOUR,
    OLDEST_S,
    PHASES,
    ROWS,
    SPEEDS,
    TORQUE_BACK,
    TORQUE_BACK_AFTER,
    TORQUE_TRIP,
    TORQUE_TRIP_AFTER,
    VOTE_TOLERANCE,
)

_PERMISSIVES = ("a.running", "a.interlocks_ok")
_GOOD = 2


@dataclass(slots=True)
class Seen:
    """What the oracle makes of one cycle's readings.

    `objection` is 'property|text' if nothing may move; `known_no` names a no the PLC said by a
    good reading; `applied` maps setpoints to words in use; `speeds` are those that have a vote;
    `batch` is the number of the batch, where it is a whole one; `laboured` says that torque and
    every speed that votes are known to be out of balance.
    """

    objection: str = ""
    known_no: str = ""
    active: bool | None = None
    speeds: tuple[float, ...] = ()
    batch: int | None = None
    laboured: bool = False
    applied: dict[str, float] = field(default_factory=dict)


class Senses:
    """The oracle's own memory of the readings."""

    def __init__(self) -> None:
        self.guard_holds, self.guard_count = False, 0
        self.struck: set[str] = set()  # as the gate said after the cycle before
        self.restarted()

    def restarted(self) -> None:
        """Forget what an engine forgets."""
        self.repair = ("", -1)
        self.pulse: int | None = None
        self.still, self.moved = 0, False
        self.epoch: int | None = None
        self.same: dict[str, tuple[float, int]] = {}
        self.stamps: dict[str, tuple[float, float]] = {}

    def look(self, raw: Mapping[str, Any], now_s: float, request: Any, *, refused: bool) -> Seen:
        """Look at the readings of one cycle; in a `refused` one the guards stand still."""
        seen = Seen()
        who = request.who.strip() if isinstance(request.who, str) else ""
        if request.reset and who and (who, request.number) != self.repair:
            self.repair = (who, request.number)
            self.struck = set()
        fresh = self._fresh(raw, now_s)
        self._pulse(fresh, seen)
        self._words(fresh, seen)
        for row in ROWS:
            value = fresh.get(row.read)
            low, high = row.instrument
            if type(value) is float and low <= (word := row.word(value)) <= high:
                seen.applied[row.tag] = word
            else:
                seen.objection = seen.objection or f"IL-07|{row.read} is not known"
        if self.still > 0:
            seen.applied = {}  # it may be as old as the heartbeat beside it
        seen.speeds = self._vote(fresh, seen)
        torque: Any = fresh.get("a.torque")
        if type(torque) in (float, int) and 0.0 <= torque <= 600.0 and seen.speeds:
            low, high = LABOUR
            shares = [torque / speed for speed in seen.speeds]
            seen.laboured = max(shares) < low or min(shares) > high
        if not refused:
            self._guard(fresh, seen)
        return seen

    def _fresh(self, raw: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """Return the values that are good, of now and from a clock that moves."""
        fresh: dict[str, Any] = {}
        reference = getattr(raw.get("a.heartbeat"), "source_time_s", None)
        if type(reference) is not float or not abs(reference) < 1e300:
            reference = None
        epochs, stamps = set(), self.stamps
        for tag, sample in raw.items():
            if not isinstance(sample, tuple):
                continue
            value, quality, _, stamp, received_s, its_epoch = sample
            if type(quality) is int or quality not in (1, 2):
                continue
            epochs.add(its_epoch)
            if not (type(received_s) is float and 0.0 <= now_s - received_s <= OLDEST_S):
                continue
            if stamp is not None:
                if reference is not None and not stamp - reference <= OLDEST_S:
                    continue
                old, since = stamps.get(tag, (None, now_s))
                stamps[tag] = (stamp, since if old == stamp else now_s)
                if old == stamp and now_s - since > OLDEST_S:
                    continue
            elif tag in stamps:
                del stamps[tag]
            if quality == _GOOD:
                fresh[tag] = value
        known = epochs | ({self.epoch} - {None})
        self.reconnected = len(known) > 1
        self.epoch = None if self.reconnected or not known else known.pop()
        return fresh

    def _pulse(self, fresh: Mapping[str, Any], seen: Seen) -> None:
        value: Any = fresh.get("a.heartbeat")
        if type(value) in (int, float) and abs(value) <= 2**53 and value == int(value):
            if self.pulse is not None and value != self.pulse:
                self.moved, self.still = True, 0
            else:
                self.still += 1
            self.pulse = value
        else:
            self.still += 1
        if not self.moved or self.still > 0:
            seen.objection = "IL-08|the PLC's heartbeat stands still"
        if self.reconnected:
            seen.objection = seen.objection or "IL-07|a new connection"

    def _words(self, fresh: Mapping[str, Any], seen: Seen) -> None:
        # a heartbeat of 0 may be a device that came up empty: then its no is not known to be one
        alive = fresh.get("a.heartbeat") not in (None, 0)
        for tag in _PERMISSIVES:
            if fresh.get(tag) is not True:
                seen.objection = f"IL-03|{tag} is {fresh.get(tag)!r}"
            if fresh.get(tag) is False and alive:
                seen.known_no = f"{tag} is false"
        phase = fresh.get("a.phase")
        if type(phase) not in (int, float) or phase not in PHASES:
            seen.objection = f"IL-10|phase {phase!r}"
            if type(phase) is int and 0 < phase < 2**53 and alive:
                seen.known_no = seen.known_no or f"the phase is {phase}"
        batch: Any = fresh.get("a.batch")
        if type(batch) in (int, float) and 0 < batch <= 2**53 and batch == int(batch):
            seen.batch = int(batch)
        active = fresh.get("a.remote_active")
        seen.active = active if type(active) is bool else None
        if active is False and alive:
            seen.known_no = seen.known_no or "the PLC took the loop back"

    def _vote(self, fresh: Mapping[str, Any], seen: Seen) -> tuple[float, ...]:
        votes: list[float] = []
        for tag in SPEEDS:
            value: Any = fresh.get(tag)
            low, high = INSTRUMENTS[tag]
            if type(value) not in (float, int) or not low <= value <= high:
                continue
            old, count = self.same.get(tag, (-1.0, 0))
            count = count + 1 if old == value else 0
            self.same[tag] = (value, count)
            if count < FROZEN_READING and tag not in self.struck:
                votes.append(float(value))
        votes_in_order = sorted(votes)
        result: float | None = None
        if len(votes) == 3:
            result = votes_in_order[1]
        elif len(votes) == 2:
            result = (votes[0] + votes[1]) / 2
        near = sum(1 for v in votes if result is not None and abs(v - result) <= VOTE_TOLERANCE)
        spread = votes_in_order[-1] - votes_in_order[0] if votes else 0.0
        agree = near >= 2 and (len(votes) == 3 or spread <= VOTE_TOLERANCE * (1 + 1e-12))
        if result is None or not agree:
            seen.objection = f"IL-05|of the speeds {votes} are good"
            return ()
        return tuple(votes)

    def _guard(self, fresh: Mapping[str, Any], seen: Seen) -> None:
        torque: Any = fresh.get("a.torque")
        number = type(torque) in (float, int) and 0.0 <= torque <= 600.0
        if self.guard_holds:
            back = number and TORQUE_BACK[0] <= torque <= TORQUE_BACK[1]
            self.guard_count = self.guard_count + 1 if back else 0
            if self.guard_count >= TORQUE_BACK_AFTER:
                self.guard_holds, self.guard_count = False, 0
        else:
            out = not number or torque > TORQUE_TRIP
            self.guard_count = self.guard_count + 1 if out else 0
            if self.guard_count >= TORQUE_TRIP_AFTER:
                self.guard_holds, self.guard_count = True, 0
        if self.guard_holds:
            seen.objection = seen.objection or "IL-15|the torque was too high"
