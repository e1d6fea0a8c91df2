"""What the registers hold is compared with what was written, as closely as the wire can carry."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.readback import verify
from safety.state import GateState
from safety.words import Action, WriteResult
from tests.safety.builders import APPLIED, GAP, PUMP, Drive, ask, forge, rules

RULES = rules()


def _verify(landed: Any, outcome: str = "written", state: GateState | None = None) -> Any:
    result = WriteResult(outcome, landed, "")
    return verify(RULES, state or GateState(outcome="pending"), forge(APPLIED), result, 0.0)


@pytest.mark.requirement("IL-13")
def test_what_landed_as_written_is_written() -> None:
    verified = _verify(dict(APPLIED))
    assert (verified.state.outcome, verified.reasons) == ("written", ())


@given(value=st.floats(2.2, 3.1))
def test_a_32_bit_float_is_alike(value: float) -> None:
    (narrow,) = struct.unpack("<f", struct.pack("<f", value))
    result = WriteResult("written", {PUMP: narrow}, "")
    verified = verify(RULES, GateState(), forge({PUMP: value}), result, 0.0)
    assert verified.state.outcome == "written"


@pytest.mark.requirement("IL-13")
@pytest.mark.parametrize("value", [2.601, 2.599, math.nan, math.inf, True, "2.6", 0.0])
def test_what_landed_otherwise_is_counted_and_told(value: Any) -> None:
    verified = _verify({PUMP: value, GAP: 280e-6})
    assert verified.state.outcome == "unknown"
    assert verified.state.mismatches == 1
    assert verified.reasons[0].action is Action.HOLD
    assert verified.reasons[0].tag == PUMP
    assert PUMP in verified.state.outcome_reason


@pytest.mark.parametrize("landed", [{PUMP: 2.6}, {PUMP: 2.6, GAP: None}, {}])
def test_what_cannot_be_read_back_is_unknown_but_no_mismatch(landed: Any) -> None:
    verified = _verify(landed, state=GateState(mismatches=1))
    assert (verified.state.outcome, verified.state.mismatches) == ("unknown", 1)


@pytest.mark.parametrize("outcome", ["refused", "unknown", "not-sent"])
def test_an_outcome_is_remembered_as_it_was(outcome: str) -> None:
    verified = _verify({}, outcome)
    assert verified.state.outcome == outcome
    assert verified.reasons[0].rule == "IL-13"


@pytest.mark.parametrize("result", [None, "written", WriteResult("fine", APPLIED, "")])
def test_a_result_that_is_not_understood_is_unknown(result: Any) -> None:
    assert verify(RULES, GateState(), forge(APPLIED), result, 0.0).state.outcome == "unknown"


def test_without_a_command_there_is_nothing_to_verify() -> None:
    state = GateState(outcome="none")
    assert verify(RULES, state, None, None, 9.0).state is state


def test_a_mismatch_is_forgotten_by_a_good_comparison_only() -> None:
    once = GateState(mismatches=1)
    assert _verify(dict(APPLIED), state=once).state.mismatches == 0
    empty = verify(RULES, once, forge({}), WriteResult("written", {}, ""), 9.0)
    assert (empty.state.outcome, empty.state.mismatches) == ("written", 1)


@pytest.mark.requirement("IL-02")
@pytest.mark.parametrize(
    ("takes_s", "from_s"),
    [(-1.0, 100.0), (0.0, 100.0), (0.8, 100.0), (0.9, 100.1), (4.0, 103.2), (90.0, 189.2),
     (math.nan, 100.0), (math.inf, 100.0), (None, 100.0)],
)  # fmt: skip
@pytest.mark.parametrize("outcome", ["written", "unknown", "refused", "not-sent", "?"])
def test_a_move_counts_from_when_the_last_write_was_over(
    takes_s: Any, from_s: float, outcome: str
) -> None:
    state, over_s = GateState(commanded_s=100.0), None if takes_s is None else 100.0 + takes_s
    known: Any = over_s
    result = WriteResult(outcome, dict(APPLIED), "")
    verified = verify(RULES, state, forge(APPLIED), result, known)
    assert verified.state.commanded_s == pytest.approx(from_s, abs=1e-9)


@pytest.mark.requirement("IL-02")
def test_words_without_setpoints_move_nothing_and_count_nothing() -> None:
    result = WriteResult("written", {}, "")
    assert (
        verify(RULES, GateState(commanded_s=3.0), forge({}), result, 9.0).state.commanded_s == 3.0
    )
    none = verify(RULES, GateState(), forge(APPLIED), result, 9.0)
    assert none.state.commanded_s is None


@pytest.mark.requirement("IL-02")
def test_after_a_write_that_took_half_a_period_only_what_is_left_may_be_moved() -> None:
    drive = Drive()
    drive.to_auto()
    drive.write_takes_s = 4.0
    drive.cycle(ask("AUTO"), APPLIED)
    drive.write_takes_s = 0.0
    verdict = drive.cycle(ask("AUTO"), {**APPLIED, PUMP: 3.0})
    assert verdict.allowed[PUMP] == pytest.approx(2.6 + 0.01 * 4.8, abs=2e-4)
    verdict = drive.cycle(ask("AUTO"), {**APPLIED, PUMP: 3.0})
    assert verdict.allowed[PUMP] == pytest.approx(2.6 + 0.01 * 12.8, abs=2e-4)
