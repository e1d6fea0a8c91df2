"""A stateful machine: people, PLC, wire and time do what they like in any order.

After every step it asks what an independent reader on the PLC's side would ask: was every setpoint
in the box and slow enough, did anything come from a loop nobody had asked to close?
"""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from safety.gate import Verdict
from safety.modes import ARMED, CLOSED
from safety.state import restart, state_from_json, state_to_json
from safety.words import Mode, RequestedMode, Sample, WriteResult
from tests.safety.builders import APPLIED, GAP, PUMP, Drive, ask

BOX = {PUMP: (Fraction(2.2), Fraction(3.1)), GAP: (Fraction(240e-6), Fraction(340e-6))}
STEP = {PUMP: Fraction(0.01 * 8.0), GAP: Fraction(1e-6 * 8.0)}


class GateMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.drive = Drive()
        self.number = 0
        self.request = ask("OFF", 0)
        self.modes = [Mode.OFF]
        self.shadows = 0

    def _cycle(self, **bends: object) -> Verdict:
        before = dict(self.drive.plant.applied)
        was = self.drive.state.mode
        verdict = self.drive.cycle(self.request, **bends)  # type: ignore[arg-type]
        self._frame(verdict, before)
        if verdict.mode in CLOSED and was not in CLOSED:
            assert was is Mode.INIT
            assert self.drive.snapshot is not None
            assert self.drive.snapshot.remote_active is True
        if verdict.mode is Mode.INIT and was is not Mode.INIT:
            assert self.shadows >= 2
        self.shadows = self.shadows + 1 if verdict.mode is Mode.SHADOW else 0
        self.modes.append(verdict.mode)
        return verdict

    def _frame(self, verdict: Verdict, before: dict[str, float]) -> None:
        command = verdict.command
        if command is None:
            return
        if command.setpoints:
            assert self.request.mode is RequestedMode.AUTO
            assert verdict.mode in ARMED
        else:
            assert verdict.mode is Mode.HOLD or command.remote is False
        for tag, value in command.setpoints.items():
            assert BOX[tag][0] <= Fraction(value) <= BOX[tag][1]
            assert abs(Fraction(value) - Fraction(before[tag])) <= STEP[tag]

    @rule(mode=st.sampled_from(["OFF", "SHADOW", "AUTO", "AUTO", "AUTO"]), reset=st.booleans())
    def a_person_asks(self, mode: str, reset: bool) -> None:
        self.number += 1
        self.request = ask(mode, self.number, reset=reset)

    @rule(pump=st.floats(2.0, 3.4), gap=st.floats(200e-6, 400e-6), times=st.integers(1, 6))
    def cycles_pass(self, pump: float, gap: float, times: int) -> None:
        for _ in range(times):
            self._cycle(wanted={PUMP: pump, GAP: gap})

    @rule()
    def the_solver_fails(self) -> None:
        self._cycle(status="late", proposal=lambda now_s: None)

    @rule()
    def the_wire_goes_quiet(self) -> None:
        self._cycle(
            bend=lambda raw: {tag: Sample.bad("no answer", 0.0) for tag in raw},
            write=lambda c: WriteResult("not-sent", {}, "") if c else None,
        )

    @rule()
    def a_write_times_out(self) -> None:
        self._cycle(write=lambda c: WriteResult("unknown", {}, "") if c else None)

    @rule()
    def the_operator_turns_the_key(self) -> None:
        self.drive.plant.remote_active = False
        was = self.drive.state.mode
        verdict = self._cycle(coater__remote_ready=False)
        if was in ARMED and self.request.mode is RequestedMode.AUTO:
            assert verdict.mode in (Mode.SHED, Mode.TRIPPED)

    @rule(pump=st.floats(2.2, 3.1))
    def somebody_else_moves_a_setpoint(self, pump: float) -> None:
        self.drive.plant.applied[PUMP] = pump
        self._cycle()

    @rule(elapsed_s=st.sampled_from([0.0, 0.1, 7.0, 9.0, 60.0]))
    def time_is_odd(self, elapsed_s: float) -> None:
        self._cycle(elapsed_s=elapsed_s)

    @rule()
    def the_engine_dies_and_comes_back(self) -> None:
        tripped = self.drive.state.mode is Mode.TRIPPED
        self.drive.state = restart(
            state_from_json(json.loads(json.dumps(state_to_json(self.drive.state))))
        )
        assert self.drive.state.mode is (Mode.TRIPPED if tripped else Mode.OFF)
        standing = dataclasses.replace(self.request, reset=False)
        self.request = standing
        assert self._cycle().command is None

    @rule()
    def something_impossible_is_seen(self) -> None:
        was = self.drive.state.mode
        before = self.drive.plant.applied[PUMP]
        self.drive.plant.applied[PUMP] = 6.5
        verdict = self._cycle()
        self.drive.plant.applied[PUMP] = before
        if was in ARMED and verdict.mode is not Mode.OFF:
            assert verdict.mode is Mode.TRIPPED

    @invariant()
    def what_the_plc_uses_is_in_the_box(self) -> None:
        for tag, (low, high) in BOX.items():
            assert low <= Fraction(self.drive.plant.applied[tag]) <= high

    @invariant()
    def shed_and_tripped_do_not_end_by_themselves(self) -> None:
        assert set(APPLIED) == set(self.drive.plant.applied)
        if len(self.modes) >= 2 and self.modes[-2] in (Mode.SHED, Mode.TRIPPED):
            assert self.modes[-1] not in ARMED


GateMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestGateMachine = GateMachine.TestCase
