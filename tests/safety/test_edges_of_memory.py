"""What is believed and what is remembered, at every edge."""

from __future__ import annotations

import math
from typing import Any

import pytest

from safety.modes import ModeState
from safety.rules import InputRule, loop_rules
from safety.signal_checks import JITTER_SPAN, Track, bad, check
from safety.signals import SignalMemory, memory_from_json, memory_to_json, validate
from safety.state import GateState, StateError, lasting, restart, state_from_json, state_to_json
from safety.vote import Ballot
from safety.watch import Guard
from safety.wear import Wear
from safety.words import Mode, Quality, Sample
from tests.safety.builders import (
    GAP,
    LOOP,
    PERIOD_S,
    PUMP,
    READY,
    SPEED,
    SPEEDS,
    WEIGHT,
    good,
    readings,
    rules,
    sealed,
)

# --- what is believed ----------------------------------------------------------------------------

FLOAT = InputRule(
    tag="x", source="plc", kind="float", span=(0.0, 8.0), validity=(1.0, 7.0), max_age_s=16.0,
    frozen_after=0, max_step=0.5, max_jitter=0.5, wire_zero=0.0,
)  # fmt: skip


def seen(value: Any, track: Track | None = None, rule: InputRule = FLOAT, **fields: Any) -> str:
    """Return why a sample is not believed, or ''."""
    sample = good(value, 1000.0)._replace(**fields)
    checked, _ = check(sample, track or Track(), rule, fields.pop("reference", None), 1000.0)
    return "" if checked.quality is not Quality.BAD else checked.reason


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(
    ("value", "rule", "well"),
    [
        (1.0, FLOAT, True),
        (7.0, FLOAT, True),
        (0.9375, FLOAT, False),
        (7.0625, FLOAT, False),
        (8.0, FLOAT._replace(validity=None), True),
        (0.0, FLOAT._replace(validity=None), True),
        (8.0625, FLOAT._replace(validity=None), False),
        (3, FLOAT._replace(kind="int", span=None), True),
        (3.0, FLOAT._replace(kind="int", span=None), True),
        (3.5, FLOAT._replace(kind="int", span=None), False),
        (float(2**53), FLOAT._replace(kind="int", span=None), True),
        (float(2**54), FLOAT._replace(kind="int", span=None), False),
        (2**53, FLOAT._replace(kind="int", span=None), True),
        (2**53 + 1, FLOAT._replace(kind="int", span=None), False),
        (math.nan, FLOAT._replace(kind="int", span=None), False),
    ],
)
def test_a_value_on_the_edge_of_its_range_is_believed(value: Any, rule: Any, well: bool) -> None:
    assert (seen(value, rule=rule) == "") is well


def test_a_whole_number_of_a_float_tag_becomes_a_float_and_a_float_stays_as_it_is() -> None:
    checked, track = check(good(3, 1000.0), Track(), FLOAT, None, 1000.0)
    assert (type(checked.value), type(track.last)) == (float, float)
    given = good(3.5, 1000.0)
    assert check(given, Track(), FLOAT, None, 1000.0)[0] is given


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(
    ("received_s", "well"),
    [
        (1000.0, True),
        (984.0, True),
        (983.9375, False),
        (1000.0625, False),
        (1000, True),
        (984, True),
    ],
)
def test_a_sample_may_be_as_old_as_its_limit(received_s: float, well: bool) -> None:
    assert (seen(3.0, received_s=received_s) == "") is well


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(("now_s", "well"), [(math.nan, False), ("now", False), (1000, True)])
def test_without_a_time_of_ours_nothing_is_fresh(now_s: Any, well: bool) -> None:
    checked, _ = check(good(3.0, 1000.0), Track(), FLOAT, None, now_s)
    assert (checked.quality is Quality.GOOD) is well


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(("ahead_s", "well"), [(16.0, True), (16.0625, False)])
def test_a_stamp_may_be_ahead_of_its_device_by_the_limit(ahead_s: float, well: bool) -> None:
    sample = good(3.0, 1000.0, 500.0 + ahead_s)
    checked, _ = check(sample, Track(), FLOAT, 500.0, 1000.0)
    assert (checked.quality is Quality.GOOD) is well


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(("since_s", "well"), [(984.0, True), (983.9375, False)])
def test_a_stamp_may_stand_for_as_long_as_a_sample_may_be_old(since_s: float, well: bool) -> None:
    track = Track(stamp=500.0, stamp_s=since_s)
    checked, _ = check(good(3.0, 1000.0, 500.0), track, FLOAT, None, 1000.0)
    assert (checked.quality is Quality.GOOD) is well


@pytest.mark.parametrize("kind", ["implausible", "int"])
def test_a_value_that_tells_nothing_new_leaves_the_track_but_for_the_stamp(kind: str) -> None:
    track = Track(3.0, 2, 3.25, 3.5, 1, 400.0, 900.0, 0.125, 0.0625)
    rule = FLOAT if kind == "implausible" else FLOAT._replace(kind="int", span=None)
    value = 7.5 if kind == "implausible" else 3
    _, after = check(good(value, 1000.0, 500.0), track, rule, None, 1000.0)
    assert after == track._replace(stamp=500.0, stamp_s=1000.0)


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(
    ("value", "track", "says"),
    [
        (3.5, Track(last=3.0, good=3.0), ""),
        (3.5625, Track(last=3.0, good=3.0), "is a spike: 3.5625 after 3"),
        (4.5, Track(last=4.0, good=3.0, suspect=4.0, seen=2), ""),
        (4.5625, Track(last=4.0, good=3.0, suspect=4.0, seen=2), "is a spike: 4.5625 after 3"),
        (3.0, Track(last=3.5, good=3.5, step=0.5, jitter=0.25), ""),
        (
            3.0,
            Track(last=3.5, good=3.5, step=0.5, jitter=0.2501),
            "is noisy: goes to and fro by 0.5",
        ),
    ],
)
def test_a_move_of_just_the_largest_step_is_believed(value: float, track: Track, says: str) -> None:
    assert JITTER_SPAN > 1
    assert seen(value, track) == says


def test_a_bad_sample_keeps_what_can_be_kept() -> None:
    given: list[tuple[Any, int]] = [(3, 3), ("x", 0), (None, 0)]
    for epoch, kept in given:
        sample = good(3.0, 1000.0)._replace(epoch=epoch, reason="lost")
        assert bad(sample, "") == Sample.bad("lost", 1000.0, kept)
    nothing: Any = None
    timeless = Sample(3.0, Quality.GOOD, nothing, None, nothing, 1)
    assert bad(timeless) == Sample.bad("bad", 0.0, 1)
    assert bad(timeless, "is odd") == Sample.bad("is odd", 0.0, 1)


def test_a_stamp_of_the_heartbeat_that_is_no_time_is_nobodys_now() -> None:
    raw: Any = readings(1008.0, 1, coater__heartbeat=good(1, 1008.0, "noon"))  # type: ignore[arg-type]
    raw |= {WEIGHT: good(0.0857, 1008.0, 500.0)}
    snapshot = validate(raw, SignalMemory(), rules(), 1008.0)
    assert snapshot.samples[WEIGHT].quality is Quality.GOOD


@pytest.mark.requirement("IL-08")
def test_a_heartbeat_that_is_not_good_does_not_beat() -> None:
    loop, memory = rules(), SignalMemory()
    for beat, quality in ((1, Quality.GOOD), (2, Quality.UNCERTAIN), (3, Quality.UNCERTAIN)):
        now_s = 1000.0 + PERIOD_S * beat
        sample = good(beat, now_s)._replace(quality=quality)
        snapshot = validate(readings(now_s, beat, coater__heartbeat=sample), memory, loop, now_s)
        memory = snapshot.memory
    assert (memory.pulse, memory.pulse_moved, snapshot.heartbeat_still) == (1, False, 2)


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(("zeros", "empty"), [(3, False), (4, True)])
def test_a_source_of_which_four_tags_are_all_zero_came_up_empty(zeros: int, empty: bool) -> None:
    names = ("oven.a", "oven.b", "oven.c", "oven.d")[:zeros]
    whole = sealed()
    for tag in names:
        whole["tags"][tag] = whole["tags"][SPEED] | {"source": "oven"}
        whole["loops"][LOOP]["optional"].append(tag)
    loop = loop_rules(whole, LOOP)
    raw = readings(1008.0, 1) | {tag: good(0.0, 1008.0) for tag in names}
    snapshot = validate(raw, SignalMemory(), loop, 1008.0)
    assert {snapshot.samples[tag].quality is Quality.BAD for tag in names} == {empty}
    assert snapshot.samples[SPEED].quality is Quality.GOOD


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize("tag", [SPEED, WEIGHT, READY])
def test_a_new_connection_shows_in_any_reading_whatever_is_lost_before_it(tag: str) -> None:
    first = validate(readings(1008.0, 1), SignalMemory(), rules(), 1008.0)
    assert not first.reconnected
    raw = {name: Sample.bad("lost", 1016.0) for name in readings(1016.0, 2)}
    raw |= {tag: readings(1016.0, 2)[tag]._replace(epoch=2)}
    assert validate(raw, first.memory, rules(), 1016.0).reconnected


# --- what is remembered --------------------------------------------------------------------------

ALL = GateState(
    modes=ModeState(Mode.TRIPPED, 1, 2, 3, asked=True, spent="5:AUTO", tripped_by="5"),
    sequence=1, heartbeat=2, request_mark="6:AUTO", latches=("first",), now_s=3.0, commanded_s=4.0,
    commanded={PUMP: 2.5}, lawful={PUMP: (2.0, 3.0)}, outcome="written", outcome_reason="r",
    mismatches=1, unbalanced={"b": 2}, newest=7,
    wear={PUMP: Wear(1.0, 2.0, -1, 2.5, 9.0), GAP: Wear(0.5, 0.25, 1, 1.0, None)},
    guards={WEIGHT: Guard(holds=True, cycles=2)}, misfit=3, struck=(SPEED,), batch=17, trips=2,
)  # fmt: skip


def test_the_whole_state_comes_back_from_json() -> None:
    assert all(getattr(ALL, name) != getattr(GateState(), name) for name in GateState._fields), (
        "every field has something to lose"
    )
    assert state_from_json(state_to_json(ALL)) == ALL


@pytest.mark.requirement("SVC-02")
def test_what_lasts_is_all_of_what_no_restart_forgets() -> None:
    kept = ("sequence", "heartbeat", "request_mark", "newest", "wear", "guards", "misfit",
            "struck", "batch", "trips")  # fmt: skip
    assert lasting(ALL) == GateState(**{name: getattr(ALL, name) for name in kept})
    rested_wear = {tag: one._replace(moved_s=None) for tag, one in ALL.wear.items()}
    assert restart(ALL) == lasting(ALL)._replace(
        modes=ModeState(Mode.TRIPPED, spent="6:AUTO", tripped_by="5"),
        latches=("first",),
        wear=rested_wear,
    )
    closed = ALL._replace(modes=ALL.modes._replace(mode=Mode.AUTO))
    assert restart(closed) == lasting(ALL)._replace(
        modes=ModeState(Mode.OFF, spent="6:AUTO"), wear=rested_wear
    )


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ((), "gate state"),
        (("modes",), "mode state"),
        (("wear", PUMP), "wear"),
        (("guards", WEIGHT), "guard"),
    ],
)
def test_a_record_of_another_version_is_named(place: tuple[str, ...], what: str) -> None:
    body: Any = state_to_json(ALL)
    part = body
    for key in place:
        part = part[key]
    part["more"] = 1
    with pytest.raises(StateError) as refused:
        state_from_json(body)
    assert str(refused.value) == f"The recorded {what} has other fields than this version writes."


@pytest.mark.parametrize("heading", [-2, 2, True, 1.0])
def test_a_heading_is_down_none_or_up(heading: Any) -> None:
    body: Any = state_to_json(ALL)
    body["wear"][PUMP]["heading"] = heading
    with pytest.raises(StateError, match="-1, 0 or 1"):
        state_from_json(body)


def test_the_ballot_comes_back_from_json() -> None:
    memory = SignalMemory(ballot=Ballot({SPEED: 2}, (SPEEDS[1],), "7:A"))
    assert memory_from_json(memory_to_json(memory)) == memory
