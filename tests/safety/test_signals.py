"""What is believed and what is not, cycle by cycle; a story for each way an instrument lies."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.rules import LoopRules
from safety.signal_checks import Track, check
from safety.signals import SignalMemory, Snapshot, memory_from_json, memory_to_json, validate
from safety.words import Quality, Sample
from tests.safety.builders import (
    ACTIVE,
    APPLIED,
    BEAT,
    GAP_ACTIVE,
    PERIOD_S,
    PHASE,
    PUMP,
    PUMP_ACTIVE,
    READY,
    RUNNING,
    SPEED,
    WEIGHT,
    good,
    readings,
    rules,
)

RULES = rules()


class Watch:
    """Reads cycle after cycle with one memory."""

    def __init__(self, loop: LoopRules = RULES) -> None:
        self.loop, self.memory, self.now_s, self.beat = loop, SignalMemory(), 1000.0, 0

    def cycle(self, *, beat: int | None = None, **values: Any) -> Snapshot:
        self.now_s += PERIOD_S
        self.beat = self.beat + 1 if beat is None else beat
        return self.take(readings(self.now_s, self.beat, **values))

    def take(self, raw: Any) -> Snapshot:
        snapshot = validate(raw, self.memory, self.loop, self.now_s)
        self.memory = snapshot.memory
        return snapshot


def _weight(value: Any, **fields: Any) -> Snapshot:
    watch = Watch()
    watch.cycle()
    sample = good(value, watch.now_s + PERIOD_S)._replace(**fields)
    return watch.cycle(coater__dry_coat_weight=sample)


def test_a_healthy_reading_passes_as_it_came() -> None:
    watch = Watch()
    watch.cycle()
    snapshot = watch.cycle()
    assert all(sample.quality is Quality.GOOD for sample in snapshot.samples.values())
    assert snapshot.applied == APPLIED
    assert snapshot.heartbeat_alive
    assert (snapshot.remote_ready, snapshot.remote_active) == (True, False)
    assert snapshot.bad_critical == ()
    assert not snapshot.reconnected
    assert snapshot.usable()[SPEED] == 0.1667
    assert set(snapshot.quality().values()) == {2}


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, True, "0.08", None, 10**400, 10**17, b"1", [1.0], -0.001, 0.3],
)
def test_a_value_that_is_no_measurement_is_bad(value: Any) -> None:
    snapshot = _weight(value)
    assert snapshot.samples[WEIGHT].quality is Quality.BAD
    assert snapshot.samples[WEIGHT].value is None
    assert snapshot.samples[WEIGHT].reason
    assert WEIGHT not in snapshot.usable()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_not_finite_is_called_so(value: float) -> None:
    assert _weight(value).samples[WEIGHT].reason == "is not a finite number"


def test_a_whole_number_is_a_measurement_too() -> None:
    watch = Watch(rules(limits__inputs={}))
    watch.cycle()
    snapshot = watch.cycle(coater__dry_coat_weight=0)
    assert snapshot.samples[WEIGHT].value == 0.0
    assert type(snapshot.samples[WEIGHT].value) is float


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize("value", [0.039, 0.141])
def test_a_value_outside_the_validity_range_is_bad(value: float) -> None:
    assert "validity" in _weight(value).samples[WEIGHT].reason


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(
    "fields",
    [
        {"quality": 2},
        {"quality": "GOOD"},
        {"quality": Quality.BAD},
        {"quality": None},
        {"received_s": math.nan},
        {"received_s": None},
        {"received_s": 10**400},
        {"received_s": True},
        {"received_s": 1e12},
        {"received_s": -1e12},
        {"received_s": 990.0},
        {"source_time_s": math.inf},
        {"source_time_s": "now"},
    ],
)
def test_a_sample_that_is_no_sample_is_bad(fields: dict[str, Any]) -> None:
    assert _weight(0.0857, **fields).samples[WEIGHT].quality is Quality.BAD


@pytest.mark.parametrize(
    ("received_s", "quality"),
    [(1016, Quality.GOOD), (996, Quality.GOOD), (995, Quality.BAD), (1017, Quality.BAD)],
)
def test_a_time_of_receipt_in_whole_seconds_is_a_time(received_s: int, quality: Quality) -> None:
    assert _weight(0.0857, received_s=received_s).samples[WEIGHT].quality is quality


@pytest.mark.parametrize(
    ("tag", "value"), [(RUNNING, 1), (RUNNING, 1.0), (PHASE, 3.5), (BEAT, 1e300)]
)
def test_each_kind_of_tag_takes_its_own_kind_of_value(tag: str, value: Any) -> None:
    watch = Watch()
    watch.cycle()
    assert watch.cycle(**{tag.replace(".", "__"): value}).samples[tag].quality is Quality.BAD


def test_uncertain_stays_uncertain_and_is_not_good_enough_for_a_critical_input() -> None:
    watch = Watch()
    watch.cycle()
    unsure = Sample(0.1667, Quality.UNCERTAIN, "sensor noise", None, watch.now_s + PERIOD_S, 1)
    snapshot = watch.cycle(coater__line_speed=unsure)
    assert snapshot.samples[SPEED].quality is Quality.UNCERTAIN
    assert snapshot.bad_critical == (SPEED,)
    assert snapshot.usable()[SPEED] == 0.1667


@pytest.mark.requirement("P3")
@pytest.mark.parametrize("raw", [None, 7, [], {}, {WEIGHT: None}, {WEIGHT: 0.08}, {1: 2}])
def test_whatever_is_read_every_tag_gets_a_sample(raw: Any) -> None:
    snapshot = Watch().take(raw)
    assert set(snapshot.samples) == set(RULES.inputs)
    assert all(sample.quality is Quality.BAD for sample in snapshot.samples.values())
    assert snapshot.applied == {}
    assert snapshot.remote_active is None


def test_a_tag_the_loop_does_not_name_is_dropped() -> None:
    watch = Watch()
    assert "coater.secret" not in watch.cycle(coater__secret=1.0).samples


@pytest.mark.parametrize("now_s", [math.nan, math.inf, True, "now"])
def test_without_a_time_nothing_is_believed(now_s: Any) -> None:
    snapshot = validate(readings(1000.0, 1), SignalMemory(), RULES, now_s)
    assert all(sample.quality is Quality.BAD for sample in snapshot.samples.values())


@pytest.mark.requirement("IL-07")
def test_a_frozen_value_is_found_after_the_configured_cycles() -> None:
    watch = Watch()
    found = [watch.cycle(coater__dry_coat_weight=0.0857).samples[WEIGHT].quality for _ in range(11)]
    assert found == [Quality.GOOD] * 8 + [Quality.BAD] * 3
    assert watch.cycle(coater__dry_coat_weight=0.0858).samples[WEIGHT].quality is Quality.GOOD


def test_zero_means_no_frozen_check() -> None:
    watch = Watch()
    assert all(watch.cycle().samples[SPEED].quality is Quality.GOOD for _ in range(40))


@pytest.mark.requirement("IL-07")
def test_a_single_spike_is_not_believed_and_leaves_no_trace() -> None:
    watch = Watch()
    watch.cycle(coater__dry_coat_weight=0.085)
    assert "spike" in watch.cycle(coater__dry_coat_weight=0.12).samples[WEIGHT].reason
    assert watch.cycle(coater__dry_coat_weight=0.086).samples[WEIGHT].value == 0.086


@pytest.mark.requirement("IL-07")
def test_a_new_level_is_believed_once_it_has_stayed() -> None:
    watch = Watch()
    watch.cycle(coater__dry_coat_weight=0.085)
    for value, believed in ((0.12, None), (0.121, None), (0.122, 0.122)):
        snapshot = watch.cycle(coater__dry_coat_weight=value)
        assert snapshot.usable().get(WEIGHT) == believed


@pytest.mark.parametrize(
    ("values", "noisy"),
    [
        ([0.001 * (-1) ** n for n in range(30)], False),
        ([0.012 * (-1) ** n for n in range(30)], True),  # to and fro by 24, allowed are 20
        ([0.001 * n for n in range(30)], False),  # a ramp of 30 in all
        ([0.0] * 9 + [0.02] * 20, False),  # a step that lasts
        ([0.0] * 9 + [0.024] + [0.0] * 20, False),  # a lone spike
    ],
)
@pytest.mark.requirement("IL-07")
def test_noise_is_told_from_movement(values: list[float], noisy: bool) -> None:
    watch = Watch()
    shown = [
        watch.cycle(coater__dry_coat_weight=0.0857 + value + 1e-9 * n).samples[WEIGHT]
        for n, value in enumerate(values)
    ]
    assert any("noisy" in sample.reason for sample in shown) == noisy
    calm = [watch.cycle(coater__dry_coat_weight=0.0857 + 1e-6 * n) for n in range(40)]
    assert calm[-1].samples[WEIGHT].quality is Quality.GOOD
    assert memory_from_json(memory_to_json(calm[-1].memory)) == calm[-1].memory


def test_spikes_to_different_places_are_never_a_level() -> None:
    watch = Watch()
    watch.cycle(coater__dry_coat_weight=0.085)
    for value in (0.12, 0.05, 0.125, 0.045, 0.13):
        assert WEIGHT not in watch.cycle(coater__dry_coat_weight=value).usable()


@pytest.mark.requirement("IL-07")
def test_fresh_reads_of_an_old_value_are_stale() -> None:
    """StatusCode Good, read just now, and a source time that stands still (F08, F33)."""
    watch = Watch()
    seen: list[Sample] = []
    for _ in range(5):
        sample = good(0.0857 + 1e-4 * len(seen), watch.now_s + PERIOD_S, source_time_s=5.0e8)
        seen.append(watch.cycle(coater__dry_coat_weight=sample).samples[WEIGHT])
    assert [s.quality for s in seen[:3]] == [Quality.GOOD] * 3
    assert "source time stands" in seen[3].reason
    moved = good(0.0857, watch.now_s + PERIOD_S, source_time_s=5.0e8 + 1)
    assert watch.cycle(coater__dry_coat_weight=moved).samples[WEIGHT].quality is Quality.GOOD


@pytest.mark.requirement("IL-07")
def test_a_stamp_ahead_of_its_own_device_is_not_believed() -> None:
    watch = Watch()
    watch.cycle()
    now_s = watch.now_s + PERIOD_S
    snapshot = watch.cycle(
        coater__heartbeat=good(99, now_s, source_time_s=1.0e9),
        coater__dry_coat_weight=good(0.0857, now_s, source_time_s=1.0e9 + 60.0),
        coater__line_speed=good(0.1667, now_s, source_time_s=1.0e9 + 1.0),
    )
    assert "ahead" in snapshot.samples[WEIGHT].reason
    assert snapshot.samples[SPEED].quality is Quality.GOOD


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_a_device_whose_clock_is_set_anew_changes_nothing(jump_s: float) -> None:
    """F39, F40: the clock of the PLC steps by an hour."""
    watch = Watch()
    for cycle in range(6):
        now_s = watch.now_s + PERIOD_S
        stamp = 1.0e9 + 8.0 * cycle + (jump_s if cycle >= 3 else 0.0)
        raw = {
            tag: good(sample.value, now_s, source_time_s=stamp)
            for tag, sample in readings(now_s, cycle).items()
        }
        watch.now_s = now_s
        snapshot = watch.take(raw)
        assert snapshot.bad_critical == ()


@pytest.mark.requirement("IL-08")
def test_a_heartbeat_must_be_seen_moving_and_a_frozen_one_spoils_everything() -> None:
    watch = Watch()
    assert not watch.cycle(beat=5).heartbeat_alive
    assert watch.cycle(beat=6).heartbeat_alive
    assert watch.cycle(beat=6).heartbeat_alive
    assert watch.cycle(beat=6).heartbeat_alive
    frozen = watch.cycle(beat=6)
    assert not frozen.heartbeat_alive
    assert frozen.heartbeat_still == 3
    assert all("heartbeat frozen" in sample.reason for sample in frozen.samples.values())
    assert frozen.remote_active is None
    assert watch.cycle(beat=7).heartbeat_alive


@pytest.mark.requirement("IL-08")
def test_a_heartbeat_that_cannot_be_read_counts_as_standing() -> None:
    watch = Watch()
    watch.cycle()
    watch.cycle()
    for _ in range(3):
        snapshot = watch.cycle(coater__heartbeat=Sample.bad("no answer", watch.now_s))
    assert not snapshot.heartbeat_alive


def test_a_new_connection_is_noted_once() -> None:
    watch = Watch()
    watch.cycle()
    assert not watch.cycle().reconnected
    for expected in (True, False):
        now_s = watch.now_s + PERIOD_S
        raw = {t: good(s.value, now_s, epoch=2) for t, s in readings(now_s, watch.beat + 1).items()}
        watch.now_s, watch.beat = now_s, watch.beat + 1
        assert watch.take(raw).reconnected is expected
    assert not watch.take({}).reconnected


@pytest.mark.requirement("IL-07")
def test_a_read_of_two_connections_is_of_a_new_one_whichever_tag_comes_last() -> None:
    for tag in readings(0.0, 0):
        watch = Watch()
        watch.cycle()
        assert not watch.cycle().reconnected
        for epoch, expected in ((2, True), (1, False), (1, False), (2, True)):
            now_s = watch.now_s + PERIOD_S
            raw = dict(readings(now_s, watch.beat + 1))
            raw[tag] = good(raw[tag].value, now_s, epoch=epoch)
            watch.now_s, watch.beat = now_s, watch.beat + 1
            assert watch.take(raw).reconnected is expected


@pytest.mark.requirement("IL-07")
def test_an_image_of_nothing_but_zeros_is_no_image() -> None:
    """Acceptance 17: registers zeroed after a reconnection. A zero in degC is not 0 K."""
    loop = rules(**{"tags__coater.line_speed__offset": 0.05})
    watch = Watch(loop)
    zeros: dict[str, Any] = dict.fromkeys((BEAT, PHASE), 0)
    zeros |= dict.fromkeys((READY, ACTIVE, RUNNING), False)
    zeros |= dict.fromkeys((WEIGHT, PUMP_ACTIVE, GAP_ACTIVE), 0.0)
    raw = {tag: good(value, watch.now_s) for tag, value in zeros.items()}
    snapshot = watch.take(raw | {SPEED: good(0.05, watch.now_s)})
    assert all("image of coater is zero" in snapshot.samples[tag].reason for tag in raw)
    assert snapshot.remote_active is None
    alive = watch.take(raw | {SPEED: good(0.1, watch.now_s)})
    assert alive.remote_active is False


@pytest.mark.requirement("P4")
@given(
    values=st.lists(
        st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=3)),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_memory_goes_through_json_and_back_and_nothing_changes(values: list[Any]) -> None:
    straight, through = Watch(), Watch()
    for value in values:
        first = straight.cycle(coater__dry_coat_weight=value)
        second = through.cycle(coater__dry_coat_weight=value)
        through.memory = memory_from_json(json.loads(json.dumps(memory_to_json(through.memory))))
        assert repr(first.samples) == repr(second.samples)
        assert first.memory == through.memory


@pytest.mark.requirement("P11")
def test_a_snapshot_cannot_be_changed() -> None:
    snapshot = Watch().cycle()
    with pytest.raises(TypeError):
        snapshot.samples[WEIGHT] = good(1.0, 0.0)  # type: ignore[index]
    with pytest.raises(TypeError):
        snapshot.applied[PUMP] = 1.0  # type: ignore[index]
    with pytest.raises(AttributeError):
        snapshot.heartbeat_alive = True  # type: ignore[misc]


def test_a_stamp_is_followed_also_while_our_own_time_stands() -> None:
    rule = next(rule for rule in RULES.inputs.values() if rule.kind == "bool")
    track = Track()
    for stamp in (1.0, 2.0, None):
        sample = Sample(True, Quality.GOOD, "", stamp, 1000.0, 1)
        track = check(sample, track, rule, None, 1000.0)[1]
        assert (track.stamp, track.stamp_s) == (stamp, stamp and 1000.0)
