"""What the readers of the gate refuse, each in a sentence; and a heartbeat that stands still."""

from __future__ import annotations

import json
from typing import Any

import pytest

from safety.rules import loop_rules
from safety.signals import SignalMemory, validate
from safety.state import GateState, StateError, state_from_json, state_to_json
from safety.strict import LARGEST_INTEGER, RuleError, not_negative_at
from safety.watch import Guard
from safety.wear import Wear
from safety.wire import single
from safety.words import Quality
from tests.safety.builders import LOOP, PUMP, SPEED, WEIGHT, readings, rules, sealed


def test_a_number_below_zero_is_refused_where_it_makes_no_sense() -> None:
    with pytest.raises(RuleError, match=r"^limits\.dwell must not be below zero, but is -1"):
        not_negative_at({"dwell": -1.0}, "dwell", "limits")


@pytest.mark.requirement("IL-14")
@pytest.mark.parametrize(("name", "value"), [("direction", "read"), ("type", "uint16")])
def test_a_setpoint_goes_out_through_a_tag_to_write_of_a_floating_point_type(
    name: str, value: str
) -> None:
    whole = sealed()
    whole["tags"][PUMP][name] = value
    with pytest.raises(RuleError, match=rf"tags\.{PUMP} must be a tag to write"):
        loop_rules(whole, LOOP)


@pytest.mark.requirement("IL-14")
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_no_register_can_hold_becomes_the_largest_it_can(sign: float) -> None:
    assert single(sign * 1e300) == sign * 3.4028234663852886e38


BROKEN = [
    ("wear", [], "wear must map"),
    ("guards", 7, "guards must map"),
    ("unbalanced", [], "unbalanced must map"),
    ("unbalanced", {"film": -1}, "film must be a count"),
    ("wear", {PUMP: {"heading": 2}}, "heading must be -1, 0 or 1"),
    ("wear", {PUMP: {"heading": 1.0}}, "heading must be -1, 0 or 1"),
    ("wear", {PUMP: {"turn": None}}, "turn must be a number"),
    ("wear", {PUMP: {"travel": -0.1}}, "travel must not be below zero"),
]


@pytest.mark.requirement("IL-17")
@pytest.mark.parametrize(("name", "value", "words"), BROKEN)
def test_a_memory_of_wear_that_is_not_understood_is_refused(
    name: str, value: Any, words: str
) -> None:
    state = GateState(wear={PUMP: Wear()}, guards={"hot": Guard()})
    body = json.loads(json.dumps(state_to_json(state)))
    if name == "wear" and isinstance(value, dict):
        value = {PUMP: {**body["wear"][PUMP], **value[PUMP]}}
    with pytest.raises(StateError, match=words):
        state_from_json({**body, name: value})


@pytest.mark.requirement("IL-08")
def test_a_still_heartbeat_spoils_what_its_source_says_and_nothing_else() -> None:
    whole = sealed()
    whole["tags"][WEIGHT]["source"] = "gauge"
    loop, memory = loop_rules(whole, LOOP), SignalMemory()
    for cycle in range(loop.heartbeat_cycles + 2):
        read = readings(10.0 * cycle, 7, coater__dry_coat_weight=0.0857 + 1e-5 * cycle)
        snapshot = validate(read, memory, loop, 10.0 * cycle)
        memory = snapshot.memory
    assert not snapshot.heartbeat_alive
    assert snapshot.samples[SPEED].quality is Quality.BAD
    assert snapshot.samples[WEIGHT].quality is Quality.GOOD


def test_counters_end_where_integers_do() -> None:
    memory = SignalMemory(pulse=7, pulse_still=LARGEST_INTEGER, pulse_moved=True)
    assert validate(readings(0.0, 7), memory, rules(), 0.0).heartbeat_still == LARGEST_INTEGER
