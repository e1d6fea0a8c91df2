"""A storm of random faults over one line: strikes, ends them, and brings the loop back.

It hangs in the line's scan and looks once per period. All it does is drawn from one source of dice.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from typing import Any

from hil.fault_catalogue import Play, load_catalogue
from hil.fault_verbs import VIRTUAL
from hil.fault_world import MOMENTS, FaultWorld
from safety.words import Mode, RequestedMode

LONGEST = 8  # cycles a fault lasts at most
REST = (2, 6)  # cycles of AUTO between two storms
DOUBLE, WILD, MOVED = 0.3, 0.25, 0.5
"""How often a second fault comes along, a controller that proposes anything, another moment."""
ASK_EVERY, RESTART_AFTER, GIVEN_UP_AFTER = 3, 18, 48  # cycles without AUTO

FOR_GOOD = ("records_damaged", "second_engine", "other_device", "plant_parameter")
"""Verbs that nothing ends: after them there is no storm to come."""
HERE_ONLY = ("panel", "reading", "instrument")
"""Verbs whose arguments mean something on their own loop's PLC only."""
WANDERS = Play(name="wanders", verb="wanders")
"""What makes a loop move while the others strike; a loop that stands still proves no gate."""


@cache
def plays_of(loop: str) -> tuple[tuple[str, Play], ...]:
    """Return (fault, play) of everything that can strike this loop again and again."""
    return tuple(
        (fault.id, play)
        for fault in load_catalogue()
        for play in fault.plays
        if play.medium == "virtual"
        and not play.config
        and play.verb not in FOR_GOOD
        and (play.loop == loop or (play.verb not in HERE_ONLY and not _names_a_tag(play.args)))
    )


class Storm:
    """Strikes `world` until it has had `cycles`; `struck` counts by fault and play.

    `restless`: the controller wanders about while a storm lasts.
    """

    def __init__(
        self, world: FaultWorld, draw: random.Random, cycles: int, *, restless: bool
    ) -> None:
        self.world, self.draw, self.restless = world, draw, restless
        self.struck: Counter[str] = Counter()
        self._ends_s = cycles * world.period_s
        self._calm_s = 4.0 * world.period_s  # from then on something may strike
        self._lost_s: float | None = None  # since when there is no AUTO
        self._plays = plays_of(world.loop)
        self._wild = [one for one in self._plays if one[1].verb == "random_wishes"]

    def look(self) -> None:
        """Do what is due after this scan."""
        world, now_s = self.world, self.world.line.time_s
        if now_s % world.period_s != 0.0:
            return
        if now_s >= self._ends_s:
            world.ends_s = now_s
        elif world.running:
            if world.mode is not Mode.AUTO:
                self._bring_back(now_s)
                return
            self._lost_s = None
            if now_s >= self._calm_s:
                self._strike(now_s)

    def _strike(self, now_s: float) -> None:
        draw = self.draw
        drawn = [draw.choice(self._plays)]
        if draw.random() < DOUBLE:
            drawn.append(draw.choice(self._plays))
        if self._wild and draw.random() < WILD:
            drawn.append(draw.choice(self._wild))
        last = max(
            self._plan(fault, play, now_s, draw.randint(1, LONGEST)) for fault, play in drawn
        )
        rest = draw.randint(*REST)
        if self.restless:
            self._plan("", WANDERS, now_s, last + rest)
        self._calm_s = now_s + (last + rest) * self.world.period_s

    def _plan(self, fault: str, play: Play, now_s: float, lasts: int) -> int:
        """Let a fault strike soon; return after how many cycles it is over."""
        world, draw = self.world, self.draw
        injection = VIRTUAL[play.verb](world, **play.args)
        after = draw.randint(0, 3) if fault else 0
        phase_s = round(draw.random() * (world.period_s - 1.0))
        when = draw.choice(MOMENTS) if draw.random() < MOVED else play.when

        def strike() -> None:
            if fault:
                self.struck[f"{fault} {play.name}"] += 1
            world.end_at(world.line.time_s + lasts * world.period_s - 0.5, injection.end)
            injection.begin()

        world.strike_at(when, now_s + after * world.period_s + phase_s, strike)
        return after + lasts

    def _bring_back(self, now_s: float) -> None:
        """What people do, even in the storm: ask for AUTO and reset; start all anew; give up."""
        world = self.world
        if self._lost_s is None:
            self._lost_s = now_s
        lost = round((now_s - self._lost_s) / world.period_s)
        if lost >= GIVEN_UP_AFTER:
            world.ends_s = now_s
        elif lost == RESTART_AFTER:
            anew = VIRTUAL["killed"](world, away_s=world.period_s, power_cut=True)
            world.strike_at("anytime", now_s, anew.begin)
        elif lost % ASK_EVERY == 0:
            world.ask_at(now_s, RequestedMode.AUTO, reset=world.mode is Mode.TRIPPED)


def _names_a_tag(args: Any) -> bool:  # noqa: ANN401 - the arguments of any verb
    if isinstance(args, dict):
        return any(_names_a_tag(value) for value in args.values())
    if isinstance(args, list):
        return any(map(_names_a_tag, args))
    return isinstance(args, str) and "." in args
