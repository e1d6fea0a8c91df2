"""A write nobody confirmed: the loop waits for the PLC's own words before a person may have it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from records.recorder import MemoryRecorder
from safety.words import RequestedMode
from service.clock import ManualClock
from service.cycle import loop_context, run_cycle
from service.loop_runner import LoopRunner
from service.requests import RequestDesk
from service.solver_process import SolverProcess
from service.unconfirmed import unconfirmed
from tests.service.small_line import LOOP, SP, FakePlanner, FakePlant, small_sealed


class Rig:
    """One loop whose last run ended after the intent of row 12, with the gap at `wrote_m`."""

    def __init__(self, wrote_m: float) -> None:
        self.clock = ManualClock()
        self.plant = FakePlant(self.clock)
        self.recorder = MemoryRecorder()
        sealed = small_sealed()
        loop = loop_context(sealed, LOOP, self.plant, FakePlanner(), self.recorder, self.clock, {})
        self.runner = LoopRunner(loop, SolverProcess(LOOP, sealed, ["nobody"]))
        intent = {"sequence": 7, "setpoints": {SP: wrote_m}}
        self.runner.unconfirmed = unconfirmed(LOOP, (12, intent))

        async def nothing(*_: Any) -> dict[str, Any]:
            return {}

        async def nobody(*_: Any) -> str:
            return ""

        self.desk = RequestDesk({LOOP: self.runner}, nothing, nothing, nobody)

    def cycle(self) -> None:
        self.clock.set_s(self.clock.now_s() + 8.0)
        asyncio.run(run_cycle(self.runner.loop, self.clock.now_s()))
        asyncio.run(self.runner._reconcile())

    def ask(self, mode: str) -> dict[str, Any]:
        message = {"do": "mode", "loop": "all", "mode": mode, "who": "Kim"}
        return dict(asyncio.run(self.desk.answer(message)))

    def events(self) -> list[Any]:
        rows = zip(self.recorder.rows, self.recorder.bodies, strict=True)
        return [body for row, body in rows if row.kind == "event"]


@pytest.mark.requirement("SVC-04")
def test_auto_is_refused_until_the_plc_has_been_read_and_then_acknowledged() -> None:
    rig = Rig(wrote_m=3e-4)
    answer = rig.ask("AUTO")
    assert answer["ok"] is False
    assert "intent 12" in answer["text"]
    assert "not been read yet" in answer["text"]
    assert rig.runner.loop.request.mode is RequestedMode.OFF
    rig.cycle()
    (event,) = rig.events()
    assert event["intent"] == 12
    assert event["agrees"] is True
    assert event["in_use"] == {SP: 3e-4}
    assert "exactly these setpoints" in rig.runner.status()["unconfirmed"]
    rig.cycle()
    assert len(rig.events()) == 1, "said once"
    assert rig.ask("AUTO")["ok"]
    assert rig.recorder.bodies[-1]["acknowledges"] == 12
    assert rig.runner.status()["unconfirmed"] == ""


@pytest.mark.requirement("SVC-04")
def test_a_write_that_did_not_land_is_said_so() -> None:
    rig = Rig(wrote_m=3.1e-4)
    rig.cycle()
    (event,) = rig.events()
    assert event["agrees"] is False
    assert f"other values of {SP}" in event["text"]


@pytest.mark.requirement("SVC-04")
def test_a_plc_that_cannot_be_read_keeps_the_loop_off_and_shadow_open() -> None:
    rig = Rig(wrote_m=3e-4)
    rig.plant.trouble = OSError("no line")
    with pytest.raises(OSError, match="no line"):
        rig.cycle()
    asyncio.run(rig.runner._reconcile())
    assert rig.events() == []
    assert rig.ask("AUTO")["ok"] is False
    assert rig.ask("SHADOW")["ok"]
    assert rig.ask("OFF")["ok"]


def test_nothing_unresolved_needs_nothing() -> None:
    assert unconfirmed(LOOP, None) is None
