"""Degrading any input never makes the gate bolder, from any state a hostile world leads to (P5)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from hil.gate_fuzz import sealed_rules
from hil.gate_fuzz_line import SPEED, SPEED_B, SPEED_C
from hil.gate_fuzz_world import World
from safety.gate import Verdict, judge
from safety.modes import repair_of
from safety.readback import verify
from safety.signals import SignalMemory, validate
from safety.state import GateState, initial_state
from safety.words import Action, Proposal, Quality, Reading, Request, Sample

SPEEDS = {SPEED, SPEED_B, SPEED_C}


@dataclasses.dataclass
class Moment:
    """One cycle of a story: everything `validate` and `judge` are given."""

    raw: Reading
    memory: SignalMemory
    state: GateState
    status: Any
    plan: Any
    request: Request
    now_s: float

    def judged(self) -> Verdict:
        rules = sealed_rules()
        snapshot = validate(self.raw, self.memory, rules, self.now_s, repair_of(self.request))
        return judge(rules, self.state, snapshot, self.status, self.plan, self.request, self.now_s)


def _moments(seed: int, count: int) -> Iterator[Moment]:
    world, state, memory = World(Random(seed)), initial_state(), SignalMemory()
    rules = sealed_rules()
    for cycle in range(count):
        if cycle % 32 == 0:
            world.turn()
        request, now_s = world.ask(state.mode.value), world.pass_time()
        raw = world.read(now_s)
        world.linger(raw, now_s)
        status, plan = world.propose(now_s)
        moment = Moment(raw, memory, state, status, plan, request, now_s)
        yield moment
        memory = validate(raw, memory, rules, now_s, repair_of(request)).memory
        verdict = moment.judged()
        result = world.write(verdict.command) if verdict.command else None
        over_s = world.dawdle()
        state = verify(rules, verdict.state, verdict.command, result, over_s).state


def _degraded_reading(moment: Moment, random: Random) -> tuple[Moment, str]:
    tag = random.choice(sorted(sealed_rules().inputs))
    sample: Any = moment.raw.get(tag)
    raw = dict(moment.raw)
    if not isinstance(sample, Sample) or random.random() < 0.2:
        raw.pop(tag, None)
    else:
        raw[tag] = random.choice([
            Sample.bad("lost", moment.now_s, sample.epoch),
            sample._replace(value=math.nan),
            sample._replace(value="?"),
            sample._replace(received_s=moment.now_s - 1e4),
            sample._replace(received_s=moment.now_s + 1.0),
            sample._replace(quality=Quality.UNCERTAIN),
        ])  # fmt: skip
    return dataclasses.replace(moment, raw=raw), tag


def _degraded_plan(moment: Moment, random: Random) -> Moment:
    plan = moment.plan
    if not isinstance(plan, Proposal) or random.random() < 0.2:
        return dataclasses.replace(moment, status="late", plan=None)
    worse: dict[str, Any] = random.choice([
        {"status": "max_iter"}, {"residual": 1.0}, {"residual": math.nan}, {"cost": math.inf},
        {"iterations": 10**6}, {"made_s": moment.now_s - 100.0}, {"innovation": None},
        {"setpoints": {}}, {"setpoints": dict.fromkeys(plan.setpoints, math.nan)},
    ])  # fmt: skip
    return dataclasses.replace(moment, plan=dataclasses.replace(plan, **worse))


def _no_wider(worse: Verdict, better: Verdict, moment: Moment) -> None:
    """Nothing goes out that did not before, but for repeating what the PLC uses."""
    if worse.command is None:
        return
    assert better.command is not None or not worse.command.setpoints or _repeats(worse, moment)
    before = better.command.setpoints if better.command else {}
    if not _repeats(worse, moment):
        assert worse.command.setpoints == before


def _repeats(verdict: Verdict, moment: Moment) -> bool:
    assert verdict.command is not None
    applied = validate(moment.raw, moment.memory, sealed_rules(), moment.now_s).applied
    rules = sealed_rules().setpoints
    return all(
        abs(value - applied.get(tag, math.inf)) <= rules[tag].tolerance
        for tag, value in verdict.command.setpoints.items()
    )


@pytest.mark.requirement("P5")
@pytest.mark.parametrize("seed", range(3))
def test_degrading_a_reading_never_lowers_the_action_or_widens_the_output(seed: int) -> None:
    random = Random(1000 + seed)
    seen = 0
    for moment in _moments(seed, 900):
        better = moment.judged()
        degraded, tag = _degraded_reading(moment, random)
        worse = degraded.judged()
        if tag in SPEEDS:  # fewer voters may say another speed; what may go out is judged above
            assert worse.action >= min(better.action, Action.HOLD) or _said(
                better, "IL-06", "IL-05"
            )
            continue
        _no_wider(worse, better, moment)
        # a 'no' that can no longer be read is unknown: SHED becomes HOLD, and nothing moves
        blinded = better.action is Action.SHED and worse.action is Action.HOLD
        latent = better.action is Action.TRIP and worse.action >= Action.HOLD
        assert worse.action >= better.action or blinded or latent, (tag, better, worse)
        seen += better.action < Action.HOLD
    assert seen > 200, "most moments have something to lose"


def _said(verdict: Verdict, *names: str) -> bool:
    return any(reason.rule in names for reason in verdict.reasons)


@pytest.mark.requirement("P5")
@pytest.mark.parametrize("seed", range(2))
def test_degrading_a_plan_never_lowers_the_action_or_widens_the_output(seed: int) -> None:
    random = Random(2000 + seed)
    for moment in _moments(50 + seed, 600):
        better, worse = moment.judged(), _degraded_plan(moment, random).judged()
        _no_wider(worse, better, moment)
        # without a plan its own surprise is not counted either: the model's SHED may wait a cycle
        assert worse.action >= better.action or _said(better, "IL-12")
