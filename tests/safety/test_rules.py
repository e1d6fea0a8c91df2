"""The rules are read strictly: nothing has a default, and a refusal names the place."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from safety.rules import loop_rules
from safety.strict import RuleError
from service.config_load import load_line
from tests.safety.builders import (
    ACTIVE,
    BATCH,
    BEAT,
    GAP,
    GAP_ACTIVE,
    LOOP,
    PHASE,
    PUMP,
    PUMP_ACTIVE,
    SEALED,
    WEIGHT,
    rules,
    sealed,
)

NOT_THE_GATES = (
    ("tags", PUMP),  # the wire's business
    ("tags", GAP),
    ("tags", "coater.remote_request"),
    ("loops", LOOP, "handshake", "source"),
    ("loops", LOOP, "handshake", "remote_request"),
    ("loops", LOOP, "gate", "deadline_share"),
    ("loops", LOOP, "phase"),  # a loop without phases has none
    ("loops", LOOP, "trips"),  # nor one without batches a count of trips in them
)


def _paths(part: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in part.items():
        here = (*way, key)
        if here in NOT_THE_GATES:
            continue
        ignored = way[:1] == ("tags",) and (
            key in ("gain", "low", "high")
            or (key in ("direction", "max_age", "source", "offset") and "engine" in way[1])
        )
        optional = way in (("limits", "inputs"), ("loops", LOOP, "mvs"))
        if not ignored and not optional:
            yield here
        if isinstance(value, dict) and len(here) < 5:
            yield from _paths(value, here)


def _put(path: tuple[str, ...], value: Any, *, remove: bool = False) -> dict[str, Any]:
    result = copy.deepcopy(SEALED)
    place: Any = result
    for key in path[:-1]:
        place = place[key]
    if remove:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return result


def test_the_test_loop_is_a_good_one() -> None:
    loop = rules()
    assert loop.limits() == {PUMP: (2.2, 3.1), GAP: (240e-6, 340e-6)}
    assert loop.max_step() == pytest.approx({PUMP: 0.08, GAP: 8e-6})
    assert loop.handshake.heartbeat_modulus == 2**16
    assert loop.phase is not None
    assert loop.phase.allowed == frozenset({3})
    assert loop.inputs[WEIGHT].frozen_after == 8
    assert loop.inputs[BEAT].kind == "int"


@pytest.mark.requirement("IL-20")
@pytest.mark.parametrize("path", list(_paths(SEALED)), ids="/".join)
def test_nothing_that_is_missing_gets_a_default(path: tuple[str, ...]) -> None:
    with pytest.raises(RuleError, match=r"\w+"):
        loop_rules(_put(path, None, remove=True), LOOP)


NUMBERS = [
    *(("limits", "setpoints", PUMP, key) for key in ("rate", "resolution", "tolerance")),
    *(("loops", LOOP, "gate", key) for key in ("max_plan_age", "max_residual", "command_life")),
    ("loops", LOOP, "period"),
    ("tags", WEIGHT, "max_age"),
    ("limits", "inputs", WEIGHT, "max_step"),
    ("limits", "inputs", WEIGHT, "max_jitter"),
]


@pytest.mark.requirement("IL-20")
@pytest.mark.parametrize("path", NUMBERS, ids="/".join)
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 0.0, True, "1", None, 2**2000])
def test_a_number_that_is_none_is_refused(path: tuple[str, ...], value: Any) -> None:
    with pytest.raises(RuleError, match=path[-1]):
        loop_rules(_put(path, value), LOOP)


@pytest.mark.requirement("IL-20")
@pytest.mark.parametrize("key", ["equipment", "proven", "operating"])
@pytest.mark.parametrize(
    "value",
    [[3.0, 2.0], [2.5, 2.5], [math.nan, 3.0], [2.0, math.inf], [2.0], "2..3", None, [True, 3]],
)
def test_a_range_that_is_none_is_refused(key: str, value: Any) -> None:
    with pytest.raises(RuleError, match=f"limits.setpoints.{PUMP}.{key}"):
        loop_rules(_put(("limits", "setpoints", PUMP, key), value), LOOP)


@pytest.mark.requirement("GMP-12")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("operating", [1.7, 3.0]),
        ("operating", [2.2, 3.7]),
        ("proven", [0.4, 3.6]),
        ("proven", [1.8, 6.1]),
    ],
)
def test_the_inner_range_lies_within_the_outer(key: str, value: list[float]) -> None:
    with pytest.raises(RuleError, match="must lie within"):
        loop_rules(_put(("limits", "setpoints", PUMP, key), value), LOOP)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("loops", LOOP, "mvs"), {}, "without a setpoint"),
        (("loops", LOOP, "mvs", PUMP), "", "names no tag"),
        (("loops", LOOP, "critical"), [GAP_ACTIVE], "must be critical"),
        (("loops", LOOP, "critical"), "abc", "list of names"),
        (("loops", LOOP, "critical"), [1], "list of names"),
        (("loops", LOOP, "permissives"), [WEIGHT], "must be of type bool"),
        (("loops", LOOP, "handshake", "remote_active"), BEAT, "must be of type bool"),
        (("loops", LOOP, "handshake", "heartbeat_in"), ACTIVE, "must be of type int"),
        (("loops", LOOP, "handshake", "heartbeat_in"), "", "must be a name"),
        (("loops", LOOP, "phase", "tag"), ACTIVE, "must be of type int"),
        (("loops", LOOP, "trips", "batch"), ACTIVE, "must be of type int"),
        (("loops", LOOP, "trips", "most"), 0, "whole number from 1"),
        (("loops", LOOP, "trips"), {"batch": BATCH}, "most"),
        (("loops", LOOP, "trips"), {"most": 2}, "batch"),
        (("recipe", "phases_in_control"), ["BAKE"], "is not a phase"),
        (("recipe", "phases_in_control"), [], "is not a phase"),
        (("tags", PUMP_ACTIVE, "type"), "int32", "must be of type float"),
        (("tags", PUMP_ACTIVE, "type"), "string", "known are"),
        (("tags", "coater.engine_heartbeat", "type"), "float", "must be an integer type"),
        (("tags", WEIGHT, "direction"), "write", "not a tag to read"),
        (("tags", WEIGHT, "low"), None, "range low"),
        (("limits", "inputs", WEIGHT), 7, "no section"),
        (("limits", "inputs", WEIGHT, "frozen_after"), -1, "whole number"),
        (("loops", LOOP, "gate", "hold_cycles"), 0, "whole number from 1"),
        (("loops", LOOP, "gate", "hold_cycles"), True, "whole number from 1"),
        (("loops", LOOP, "gate", "max_iterations"), 2.0, "whole number from 1"),
    ],
)
def test_a_contradiction_is_refused(path: tuple[str, ...], value: Any, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        loop_rules(_put(path, value), LOOP)


def test_a_number_without_a_range_is_refused() -> None:
    broken = copy.deepcopy(SEALED)
    broken["tags"][WEIGHT] |= {"low": None, "high": None}
    with pytest.raises(RuleError, match="has no range"):
        loop_rules(broken, LOOP)


def test_a_loop_may_have_no_phases_and_an_unknown_loop_is_refused() -> None:
    assert rules(loops__coating__phase=None).phase is None
    assert PHASE not in rules(loops__coating__phase=None).inputs
    with pytest.raises(RuleError, match="no section 'mixing'"):
        loop_rules(sealed(), "mixing")
    with pytest.raises(RuleError, match="no section 'loops'"):
        loop_rules({}, LOOP)


@pytest.mark.parametrize("loop", ["coating", "mixing"])
def test_the_line_we_ship_gives_every_loop_its_rules(loop: str) -> None:
    line = load_line(Path(__file__).parents[2] / "config" / "line.yaml")
    found = loop_rules(line.sealed, loop)
    for tag, rule in found.setpoints.items():
        wire = line.sealed["tags"][tag]
        assert wire["low"] <= rule.equipment[0] < rule.equipment[1] <= wire["high"]
        assert rule.resolution < rule.rate_per_s * found.period_s
    assert (found.phase is not None) is (loop == "mixing")


@pytest.mark.requirement("P11")
def test_rules_cannot_be_changed_while_running() -> None:
    source = sealed()
    loop = loop_rules(source, LOOP)
    source["limits"]["setpoints"][PUMP]["operating"][1] = 99.0
    assert loop.limits()[PUMP] == (2.2, 3.1)
    with pytest.raises(AttributeError):
        loop.setpoints[PUMP].operating = (0.0, 9.0)  # type: ignore[misc]
    with pytest.raises(AttributeError):
        loop.hold_cycles = 10**6  # type: ignore[misc]
    with pytest.raises(TypeError):
        loop.setpoints[PUMP] = loop.setpoints[GAP]  # type: ignore[index]
