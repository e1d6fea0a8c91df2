"""A hostile world for the gate: a PLC, a wire, a person and an optimiser, none to be relied on.

Every draw comes from one seeded generator, so a seed and a cycle are a story that can be told
again. The world is mutated, not rebuilt: a campaign lives from cheap cycles.
"""

from __future__ import annotations

import functools
import math
import struct
from dataclasses import replace
from random import Random
from typing import Any

from hil.gate_fuzz_line import (
    ACTIVE,
    BATCH,
    BEAT,
    GAP,
    GAP_IN,
    JACKET,
    JACKET_IN,
    LOCKED,
    PERIOD_S,
    PHASE,
    RATIO,
    RATIO_IN,
    READY,
    RUNNING,
    SPEED,
    SPEED_B,
    SPEED_C,
    TORQUE,
)
from safety.gate import Command
from safety.words import Proposal, Quality, Request, RequestedMode, Sample, WriteResult

HOSTILE: tuple[Any, ...] = (
    math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, -5e-324, 1.7976931348623157e308,
    2.2250738585072014e-308, 1e300, -1e300, True, False, None, "1.0", "", 10**400, -(10**400),
    2**53, 2**63, (), 1, -1, 3.4e38,
)  # fmt: skip
_SETPOINTS = ((GAP, 1e-6, 0.0), (JACKET, 1.0, 273.15), (RATIO, 1.0, 0.0))
_HOME = {GAP: 290.0, JACKET: 25.0, RATIO: 2.6}
_STEP = {GAP: 10.0, JACKET: 0.5, RATIO: 0.1}
_EDGES = {
    GAP: (240.0, 340.1, 180.0, 1400.0, 220.0, 500.0),
    JACKET: (12.1, 34.3, 5.0, 65.0, 10.1, 45.0),
    RATIO: (2.2, 3.1, 0.5, 6.0, 1.8, 3.6),
}
_AUTO, _SHADOW, _OFF = RequestedMode.AUTO, RequestedMode.SHADOW, RequestedMode.OFF
_GOOD, _UNCERTAIN, _BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD
_QUALITIES: tuple[Any, ...] = (_BAD, _UNCERTAIN, _UNCERTAIN, 2, 7, None, "GOOD")
_LABOUR = (399.0, 405.0, 395.0, 420.0, 449.0, 460.0, 470.0)
"""The torque of the next cycles, the last first: over the trip, then slowly back."""

_SINGLE = struct.Struct("<f")
_sample = functools.partial(tuple.__new__, Sample)
"""Makes a sample of all its fields at once: half the price, and fourteen are read a cycle."""
_PAUSES_S = (-1.0, 0.1 * PERIOD_S, PERIOD_S, 1.001 * PERIOD_S, 3.0 * PERIOD_S, 60.0)
_WAYS_S = (0.05 * PERIOD_S, 0.1 * PERIOD_S, 0.2 * PERIOD_S, 0.5 * PERIOD_S, 0.9 * PERIOD_S)
_LEVELS = (0.0, 0.0, 0.01, 0.03, 0.1, 0.4)


class World:
    """The plant, the people and the optimiser of one story."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.draw = random.random
        self.now_s = 1000.0
        self.epoch, self.beat = 1, 100
        self.words = dict(_HOME)
        self.wishes = dict(_HOME)
        self.remote, self.request_was = False, False
        self.number = 1
        self.request = Request(_AUTO, "A. Operator", reset=False, number=1)
        self.old_request = self.request
        self.hostility = 0.0
        self.speed = 0.1667
        self.waited = 0
        self.batch = 40

    # -- people ----------------------------------------------------------------------------------

    def ask(self, mode: str) -> Request:
        """Let a person do something sensible, or something else, and return what stands."""
        draw = self.draw
        if mode in ("SHED", "TRIPPED", "OFF") or self.waited > 12:
            self.batch += mode == "OFF" and draw() < 0.02
            if draw() < 0.4:
                self._new_request(_AUTO, reset=mode == "TRIPPED" and draw() < 0.7)
                if draw() < 0.8:  # somebody puts the line in order first
                    self.words, self.speed = dict(_HOME), 0.1667
        self.waited = self.waited + 1 if mode != "AUTO" else 0
        if draw() < 0.1 * self.hostility:
            pick = int(draw() * 10)
            if pick == 0:
                self._new_request(_OFF, reset=False)
            elif pick == 1:
                self._new_request(_SHADOW, reset=False)
            elif pick == 2:
                self._new_request(_AUTO, reset=True)
            elif pick == 3:  # somebody kept an old request and sends it again
                self.request, self.old_request = self.old_request, self.request
            elif pick == 4:
                self.request = Request(_AUTO, " ", reset=draw() < 0.5, number=self.number + 1)
            elif pick == 5:
                self.request = Request("AUTO", "X", reset=False, number=self.number)  # type: ignore[arg-type]
            elif pick == 6:
                self.request = Request(_AUTO, "X", reset=False, number=True)
            elif pick in (7, 8):  # what it rested on has run out; or nobody knows whether
                lapsed: Any = "the gauge was due yesterday" if pick == 7 else 7
                self.request = replace(self.request, lapsed=lapsed)
            else:
                self.request = Request(_AUTO, "X", reset=False, number=max(0, self.number - 3))
        return self.request

    def _new_request(self, mode: RequestedMode, *, reset: bool) -> None:
        self.number += 1
        self.old_request = self.request
        self.request = Request(mode, "A. Operator", reset, self.number)
        self.waited = 0

    # -- the plant -------------------------------------------------------------------------------

    def turn(self) -> None:
        """Begin an episode: from now on the world is this hostile; it may be another batch."""
        self.batch += self.draw() < 0.02
        self.hostility = _LEVELS[int(self.draw() * 6)]
        self.restless = self.draw() < 0.06

    def pass_time(self) -> float:
        """Let time pass and return the engine's time."""
        draw = self.draw()
        if draw > 0.08:
            self.now_s += PERIOD_S - self.took_s
        elif draw > 0.02:
            self.now_s += PERIOD_S * (0.02 + 20.0 * draw * self.draw())
        elif draw > 0.01 * (1.0 - self.hostility):
            self.now_s += 0.0
        elif self.hostility > 0.0 and draw < 0.002:
            self.now_s -= 5.0 * self.draw()
        else:
            self.now_s += 300.0 * self.draw()
        self.took_s = 0.0
        return self.now_s

    took_s = 0.0

    def dawdle(self) -> float:
        """Let a write take its time, and return the engine's; the next cycle is due as ever."""
        if self.draw() < 0.01 + 0.05 * self.hostility:
            self.took_s = self.random.choice(_WAYS_S)
            self.now_s += self.took_s
        return self.now_s

    def stand_still(self) -> float:
        """Let the machine stand still between reading and judging; return the engine's time."""
        if self.draw() < 0.01 * self.hostility:
            self.now_s += self.random.choice(_PAUSES_S)
        return self.now_s

    def read(self, now_s: float) -> dict[str, Any]:
        """Return one bulk read, honest or not."""
        draw = self.draw
        self.beat += 1
        self.epoch += self.lost
        self.lost = False
        words = self.words
        jitter = 1e-4 * draw()
        speed, epoch, good = self.speed + jitter, self.epoch, _GOOD
        raw: dict[str, Any] = {
            BEAT: _sample((self.beat, good, "", now_s + 5e8, now_s, epoch)),
            READY: _sample((True, good, "", None, now_s, epoch)),
            ACTIVE: _sample((self.remote, good, "", None, now_s, epoch)),
            RUNNING: _sample((True, good, "", None, now_s, epoch)),
            LOCKED: _sample((True, good, "", None, now_s, epoch)),
            PHASE: _sample((8, good, "", None, now_s, epoch)),
            BATCH: _sample((self.batch, good, "", None, now_s, epoch)),
            SPEED: _sample((speed, good, "", None, now_s, epoch)),
            SPEED_B: _sample((speed + 0.001, good, "", None, now_s, epoch)),
            SPEED_C: _sample((speed - 0.001 - 2.0 * jitter, good, "", None, now_s, epoch)),
            TORQUE: _sample((200.0 + 1e3 * jitter, good, "", None, now_s, epoch)),
            GAP_IN: _sample((words[GAP] * 1e-6, good, "", now_s + 5e8, now_s, epoch)),
            JACKET_IN: _sample((words[JACKET] + 273.15, good, "", None, now_s, epoch)),
            RATIO_IN: _sample((words[RATIO], good, "", None, now_s, epoch)),
        }
        if draw() < self.hostility:
            self._spoil(raw, now_s)
            while draw() < 0.3:
                self._spoil(raw, now_s)
        return raw

    def _spoil(self, raw: dict[str, Any], now_s: float) -> None:
        """Do one bad thing to a read."""
        random, draw = self.random, self.draw
        tag = random.choice(_TAGS)
        honest = raw.get(tag)
        if not isinstance(honest, Sample):
            return
        value, epoch = honest.value, honest.epoch
        pick = int(draw() * 19)
        if pick == 0:
            del raw[tag]
        elif pick == 1:
            raw[tag] = random.choice((None, 1.0, "sample", Sample.bad("lost", now_s)))
        elif pick == 2:
            raw[tag] = Sample(random.choice(HOSTILE), _GOOD, "", None, now_s, epoch)
        elif pick == 3:
            raw[tag] = Sample(value, random.choice(_QUALITIES), "", None, now_s, epoch)
        elif pick == 4:
            late = random.choice((24.9, 25.1, 60.0, -0.1, -1e6, math.nan, math.inf))
            raw[tag] = Sample(value, _GOOD, "", None, now_s - late, epoch)
        elif pick == 5:
            ahead = random.choice((24.0, 26.0, 1e6, math.nan))
            raw[tag] = Sample(value, _GOOD, "", now_s + 5e8 + ahead, now_s, epoch)
        elif pick == 6:  # a source clock that stands
            raw[GAP_IN] = Sample(self.words[GAP] * 1e-6, _GOOD, "", 5e8, now_s, epoch)
            self.stuck = 5
        elif pick == 7:
            name = random.choice((RUNNING, LOCKED, ACTIVE, READY))
            raw[name] = Sample(False, _GOOD, "", None, now_s, epoch)
        elif pick == 8:
            raw[PHASE] = Sample(
                random.choice((12, 0, 7, 9.0, 2**40)), _GOOD, "", None, now_s, epoch
            )
        elif pick == 9:
            self.beat -= 1  # the heartbeat freezes, now and then for long
            raw[BEAT] = Sample(self.beat, _GOOD, "", now_s + 5e8, now_s, epoch)
            self.frozen = 6
        elif pick == 10:
            self.lost = True  # from the next read on it is another connection
        elif pick == 11:
            off = random.choice((0.004, 0.02, -0.03, 0.1))
            raw[tag] = honest
            name = random.choice((SPEED, SPEED_B, SPEED_C))
            if isinstance(raw.get(name), Sample) and type(raw[name].value) is float:
                raw[name] = Sample(raw[name].value + off, _GOOD, "", None, now_s, epoch)
                self.odd, self.odd_by = name, off
        elif pick == 12:
            torque = random.choice((451.0, 449.0, 600.0, 700.0))
            raw[TORQUE] = Sample(torque, _GOOD, "", None, now_s, epoch)
            self.laboured = len(_LABOUR)
        elif pick == 13:
            self.speed = random.choice((0.1667, 0.05, 0.28, 0.3, 0.02))
        elif pick == 14:  # somebody else moves a setpoint
            name = random.choice((GAP, JACKET, RATIO))
            self.words[name] = self._near(name, self.words[name] + draw() * 6 * _STEP[name])
        elif pick == 15:
            name = random.choice((GAP, JACKET, RATIO))
            self.words[name] = self._near(
                name, random.choice(_EDGES[name]) * (0.99 + 0.02 * draw())
            )
        elif pick == 16:
            zero = Sample(0, _GOOD, "", None, now_s, epoch)
            for name in raw:
                raw[name] = zero
        elif pick == 17:
            raw[SPEED] = Sample(self.speed, _GOOD, "", None, now_s, epoch)
            self.still = 12
        else:  # one instrument doubts itself and another is lost
            doubtful, lost = random.sample((SPEED, SPEED_B, SPEED_C), 2)
            raw[doubtful] = Sample(self.speed, _UNCERTAIN, "", None, now_s, epoch)
            raw[lost] = Sample.bad("lost", now_s)

    frozen = stuck = laboured = still = 0
    lost = False
    odd, odd_by = "", 0.0

    def linger(self, raw: dict[str, Any], now_s: float) -> None:
        """Let troubles last that last for some cycles."""
        if self.frozen:
            self.frozen -= 1
            self.beat -= 1
            raw[BEAT] = Sample(self.beat, _GOOD, "", now_s + 5e8, now_s, self.epoch)
        if self.stuck:
            self.stuck -= 1
            raw[GAP_IN] = Sample(self.words[GAP] * 1e-6, _GOOD, "", 5e8, now_s, self.epoch)
        if self.laboured:
            self.laboured -= 1
            raw[TORQUE] = Sample(_LABOUR[self.laboured], _GOOD, "", None, now_s, self.epoch)
        if self.still:
            self.still -= 1
            raw[SPEED] = Sample(self.speed, _GOOD, "", None, now_s, self.epoch)
        if self.odd and isinstance(raw.get(self.odd), Sample):
            raw[self.odd] = Sample(self.speed + self.odd_by, _GOOD, "", None, now_s, self.epoch)
            if self.draw() < 0.1:
                self.odd = ""

    def _near(self, name: str, word: float) -> float:
        if name == RATIO:
            return word
        return float(_SINGLE.unpack(_SINGLE.pack(word))[0])

    # -- the optimiser ---------------------------------------------------------------------------

    def propose(self, now_s: float) -> tuple[Any, Any]:
        """Return a status and a proposal: a random one with no manners."""
        random, draw = self.random, self.draw
        wishes = self.wishes
        if self.restless:  # an optimiser that swings to and fro
            side = 1.0 if self.beat % 4 < 2 else -1.0
            for name, home in _HOME.items():
                wishes[name] = home + 2.5 * side * _STEP[name]
        elif draw() < 0.15:
            name = (GAP, JACKET, RATIO)[int(draw() * 3)]
            pick = draw()
            if pick < 0.6:
                wishes[name] = self.words[name] + (draw() - 0.5) * 4.0 * _STEP[name]
            elif pick < 0.8:
                low, high = _EDGES[name][0], _EDGES[name][1]
                wishes[name] = low + (high - low) * draw() * 1.1
            else:
                wishes[name] = _EDGES[name][int(draw() * 2)] * (1.0 + 1e-3 * (draw() - 0.5))
        setpoints: dict[Any, Any] = {
            GAP: wishes[GAP] * 1e-6, JACKET: wishes[JACKET] + 273.15, RATIO: wishes[RATIO],
        }  # fmt: skip
        if draw() >= 0.5 * self.hostility + 0.002:
            if self.surprised:
                self.surprised -= 1
                return "solved", Proposal(setpoints, "solved", 3, 1e-9, 0.5, now_s, 30.0)
            return "solved", Proposal(setpoints, "solved", 3, 1e-9, 0.5, now_s, 1.1)
        return self._mad(setpoints, now_s, int(draw() * 13), random)

    surprised = 0
    restless = False

    def _mad(
        self, setpoints: dict[Any, Any], now_s: float, pick: int, random: Random
    ) -> tuple[Any, Any]:
        status: Any = "solved"
        solved: Any = "solved"
        iterations: Any = 3
        residual: Any = 0.0
        cost: Any = 0.5
        made_s: Any = now_s
        innovation: Any = 1.0
        name = random.choice((GAP, JACKET, RATIO))
        if pick == 0:
            return random.choice(("solved", "late", None)), None
        if pick in (1, 2):
            setpoints[name] = random.choice(HOSTILE)
        elif pick == 3:
            del setpoints[name]
        elif pick == 4:
            setpoints[random.choice(("a.other", 7, None))] = 1.0
        elif pick == 5:
            status = random.choice(("max_iter", None, 1, "SOLVED"))
        elif pick == 6:
            solved = random.choice(("infeasible", None, 1, ""))
        elif pick == 7:
            iterations = random.choice((201, -1, True, 3.0, None, 10**400))
        elif pick == 8:
            residual = random.choice((1.1e-4, -1.0, math.nan, math.inf, None, True))
        elif pick == 9:
            cost = random.choice((math.nan, math.inf, None, "0"))
        elif pick == 10:
            made_s = random.choice((now_s - 7.1, now_s + 0.1, math.nan, None, -1e300))
        elif pick == 11:
            innovation = random.choice((30.0, math.nan, None, -1.0, math.inf))
            self.surprised = 8
        else:
            low_high = _EDGES[name][2:4]
            word = random.choice(low_high) * random.choice((0.9, 1.1, 1e3))
            setpoints[name] = word * (1e-6 if name == GAP else 1.0) + 273.15 * (name == JACKET)
        return status, Proposal(setpoints, solved, iterations, residual, cost, made_s, innovation)

    # -- the wire --------------------------------------------------------------------------------

    twisted = False

    def write(self, command: Command) -> WriteResult:
        """Carry a command, with the bad luck of a wire."""
        landed: dict[str, float | None] = dict(command.setpoints)
        pick = 99
        if self.draw() < 0.3 * self.hostility:
            pick = int(self.draw() * 8)
        if pick == 0:
            return WriteResult("not-sent", {}, "down")
        if pick == 1:
            return WriteResult("refused", {}, "no")
        if pick == 2 and self.draw() < 0.5:
            return WriteResult("unknown", {}, "time-out")
        if command.remote and not self.request_was:
            self.remote = True
        if not command.remote:
            self.remote = False
        self.request_was = command.remote
        if self.remote and command.setpoints:
            share = 0.5 if pick == 3 else 1.0  # a slow PLC is half-way there
            for tag, scale, zero in _SETPOINTS:
                word = (command.setpoints[tag] - zero) / scale
                old = self.words[tag]
                self.words[tag] = self._near(tag, old + share * (word - old) if share < 1 else word)
        if pick == 2:
            return WriteResult("unknown", {}, "time-out")
        if pick == 4:
            landed = dict.fromkeys(landed)
        elif landed and (pick == 5 or (self.twisted and self.draw() < 0.5)):
            self.twisted = pick == 5
            name = self.random.choice(tuple(landed))
            landed[name] = (landed[name] or 0.0) * 1.01
        elif pick == 6:
            return WriteResult("certainly", landed, "")
        elif pick == 7:
            self.remote = self.request_was = False
        return WriteResult("written", landed, "")


_TAGS = (
    BEAT, READY, ACTIVE, RUNNING, LOCKED, PHASE, BATCH, SPEED, SPEED_B, SPEED_C, TORQUE, GAP_IN,
    JACKET_IN, RATIO_IN,
)  # fmt: skip
