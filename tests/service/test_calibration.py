"""Calibration dates: what the engine does on the day after, and what it says before it comes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from records.reader import Entry
from records.recorder import MemoryRecorder
from safety.words import RequestedMode
from service.calibration import calibrations, first_end, to_renew
from service.clock import ManualClock
from service.cycle import loop_context
from service.limits_change import changes, refusal_of
from service.loop_runner import LoopRunner
from service.replay import fold
from service.solver_process import SolverProcess
from tests.service.small_line import ACTIVE, LOOP, SP, FakePlanner, FakePlant, small_sealed

pytestmark = pytest.mark.requirement("GMP-15")

LATE = datetime(2026, 3, 31, 23, 50, tzinfo=UTC)  # ten minutes before the last day is over
MIDNIGHT_S = 600.0
PERIOD_S = 8.0


class Over(Exception):  # noqa: N818 - the end of a test's time, and no error
    """The test has seen enough."""


class Calendar(ManualClock):
    """A clock that moves on with every sleep, up to an end; somebody may set its calendar."""

    def __init__(self) -> None:
        super().__init__(0.0, LATE)
        self.end_s = 0.0

    async def sleep_until(self, t_s: float) -> None:
        if t_s > self.end_s:
            raise Over
        await super().sleep_until(t_s)

    def set_calendar(self, moment: datetime) -> None:
        self._utc_start, self._start_s = moment, self._now_s


class Rig:
    """One loop whose only instrument is calibrated until the day that is just ending."""

    def __init__(self) -> None:
        self.clock = Calendar()
        self.plant, self.planner = FakePlant(self.clock), FakePlanner()
        self.recorder = MemoryRecorder()
        self.sealed = small_sealed()
        self.sealed["tags"][ACTIVE]["calibrated_until"] = "2026-03-31"
        given = self.plant, self.planner, self.recorder, self.clock
        loop = loop_context(self.sealed, LOOP, *given, {})
        self.runner = LoopRunner(loop, SolverProcess(LOOP, self.sealed, ["nobody"]))

    def ask(self, mode: RequestedMode = RequestedMode.AUTO) -> None:
        asyncio.run(self.runner.ask_for(mode, "Kim", False, "test"))

    def run_to(self, end_s: float) -> list[str]:
        """Let the loop run; return the modes of its cycles."""
        before, self.clock.end_s = len(self.recorder.bodies), end_s
        asyncio.run(self.until_over())
        return [body["mode"] for body in self.recorder.bodies[before:] if "verdict" in body]

    async def until_over(self) -> None:
        self.runner.metronome.beat = 0  # a run begins its grid where it is
        with pytest.raises(Over):
            await self.runner.run()

    @property
    def last(self) -> dict[str, Any]:
        return dict(self.runner.loop.last.body)


def test_a_closed_loop_holds_when_the_day_is_over_and_is_given_back_without_a_bump() -> None:
    rig = Rig()
    rig.ask()
    assert rig.run_to(MIDNIGHT_S - 1.0)[-1] == "AUTO"
    rig.planner.wish_m += 50e-6  # it is on its way, and would be for six cycles
    rig.plant.commands.clear()
    rig.clock.set_s(MIDNIGHT_S - 4.0)
    modes = rig.run_to(MIDNIGHT_S + 20.0 * PERIOD_S)
    assert modes == ["AUTO"] + ["HOLD"] * 6 + ["SHED"] * (len(modes) - 7)
    moved, *held = [command.setpoints[SP] for command in rig.plant.commands]
    assert 3.05e-4 < moved < rig.planner.wish_m
    assert held == [moved] * 6, "what the PLC takes over is what it has"
    assert rig.plant.gap_m == moved
    bodies = [body for body in rig.recorder.bodies if body.get("mode") == "HOLD"]
    words = f"the calibration of {ACTIVE} ended on 2026-03-31"
    for body in bodies:
        assert {"rule": "IL-07", "action": "HOLD", "tag": "", "text": words} in body["verdict"][
            "reasons"
        ]
    rig.ask()
    assert rig.run_to(rig.clock.now_s() + 20.0 * PERIOD_S)[-1] == "SHADOW", "nor closed again"
    assert words in rig.runner.refusal(RequestedMode.AUTO)


def test_a_clock_that_is_set_neither_sheds_a_loop_nor_keeps_it_closed() -> None:
    rig = Rig()
    rig.ask()
    rig.run_to(200.0)
    rig.clock.set_calendar(datetime(2027, 1, 1, tzinfo=UTC))
    assert set(rig.run_to(MIDNIGHT_S - 1.0)) == {"AUTO"}
    rig.clock.set_calendar(datetime(2026, 1, 1, tzinfo=UTC))
    assert rig.run_to(MIDNIGHT_S + PERIOD_S)[-1] == "HOLD"


def test_a_new_date_that_comes_into_force_lets_the_loop_go_on() -> None:
    rig = Rig()
    rig.ask()
    rig.run_to(MIDNIGHT_S + 2.0 * PERIOD_S)
    assert rig.last["mode"] == "HOLD"
    rules = rig.runner.loop.rules

    async def adopted() -> None:
        taken = asyncio.create_task(rig.runner.adopt(rules, {}, {ACTIVE: "2027-03-31"}))
        await asyncio.sleep(0)
        rig.clock.end_s += 4.0 * PERIOD_S
        await rig.until_over()
        assert taken.done()

    asyncio.run(adopted())
    assert rig.last["mode"] == "AUTO"
    assert rig.runner.refusal(RequestedMode.AUTO) == ""


def test_a_request_for_less_than_auto_rests_on_no_calibration() -> None:
    rig = Rig()
    rig.ask()
    rig.ask(RequestedMode.SHADOW)
    rig.run_to(MIDNIGHT_S + 4.0 * PERIOD_S)
    assert rig.last["mode"] == "SHADOW"
    assert rig.last["verdict"]["action"] in ("ALLOW", "CLAMP")


def test_a_date_is_renewed_by_a_signed_change_and_nothing_else_of_a_tag_is() -> None:
    old = small_sealed()
    new = small_sealed()
    new["tags"][ACTIVE] |= {"calibrated_until": "2027-03-31", "gain": 2.0}
    date, gain = changes(old, new)
    assert (date.path, date.ring) == (f"tags.{ACTIVE}.calibrated_until", "calibration")
    assert refusal_of(date) is None
    assert refusal_of(gain) is not None


def test_how_long_it_lasts_is_counted_in_engine_time() -> None:
    clock = Calendar()
    assert first_end({}, clock)[0] == float("inf")
    days = {"a": "2026-04-02", "b": "2026-03-31"}
    assert first_end(days, clock) == (MIDNIGHT_S, "the calibration of b ended on 2026-03-31")
    assert first_end({"a": "2026-03-30"}, clock)[0] == MIDNIGHT_S - 86400.0

    class Quick(Calendar):
        def wall_s(self, engine_seconds: float) -> float:
            return engine_seconds / 40.0

    assert first_end(days, Quick())[0] == 40.0 * MIDNIGHT_S


def test_people_are_told_thirty_days_ahead() -> None:
    sealed = small_sealed()
    assert calibrations(sealed, sealed["tags"]) == {}
    days = {"a": "2026-03-31", "b": "2026-05-15"}
    told = [to_renew(days, f"2026-{day}T12:00:00.000Z") for day in ("02-15", "03-15", "04-20")]
    assert told == [
        "",
        "the calibration of a ends on 2026-03-31, in 16 days",
        "the calibration of a ended on 2026-03-31; "
        "the calibration of b ends on 2026-05-15, in 26 days",
    ]


def test_a_replay_finds_the_same_holds() -> None:
    rig = Rig()
    rig.ask()
    rig.run_to(MIDNIGHT_S + 10.0 * PERIOD_S)
    assert rig.last["mode"] == "SHED"
    rows = zip(rig.recorder.rows, rig.recorder.bodies, strict=True)
    entries = [
        Entry(row.seq, row.kind, row.loop, row.utc, row.hash, dict(body)) for row, body in rows
    ]
    start = replace(entries[0], kind="start", loop="", body={"sealed": rig.sealed})
    found = fold([start, *entries], "none", plans=False)
    assert found.cycles > MIDNIGHT_S / PERIOD_S
    assert found.differences == []
    assert rig.recorder.bodies[-1]["request"]["lapsed"].startswith("the calibration")
