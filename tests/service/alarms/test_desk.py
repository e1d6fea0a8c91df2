"""All alarms of a line: what a cycle's record raises, what people do, what is told."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hil.virtual_line import default_sealed
from service.alarms.catalogue import ENGINE_KINDS, LOOP_KINDS, PRIORITIES, catalogue
from service.alarms.conditions import of_cycle
from service.alarms.desk import Desk
from service.alarms.flood import Flood
from service.alarms.states import AlarmError

SEALED = default_sealed()
UTC = "2026-01-01T00:00:00.000Z"
LOOP = "coating"
WEB, COAT = "coater.web_temp", "coater.dry_coat_weight"


def body(**changes: Any) -> dict[str, Any]:
    """Return the record of a cycle in which nothing is wrong."""
    return {
        "requested": "AUTO", "mode": "AUTO", "now_s": 0.0,
        "verdict": {"limiting": "", "reasons": []},
        "written": {"outcome": "written", "reason": "", "reasons": []},
        "plan": {"status": "solved", "targets": {COAT: 0.0857}, "estimate": {}},
        "inputs": {COAT: [0.0857, 2, ""], WEB: [355.0, 2, ""]},
        "timing": {"late": False, "late_s": 0.0},
    } | changes  # fmt: skip


def found(standing: dict[str, bool] | None = None, **changes: Any) -> dict[str, str]:
    return of_cycle(LOOP, SEALED, body(**changes), standing or {})


def reason(rule: str, tag: str = "", action: str = "SHED") -> dict[str, Any]:
    return {"limiting": f"{rule}: x", "reasons": [
        {"rule": rule, "action": action, "tag": tag, "text": "why"}]}  # fmt: skip


def test_nothing_wrong_raises_nothing() -> None:
    assert found() == {}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"mode": "TRIPPED"}, "tripped"),
        ({"mode": "SHED"}, "shed"),
        ({"mode": "HOLD"}, "hold"),
        ({"verdict": reason("IL-08")}, "heartbeat"),
        ({"verdict": reason("IL-18", "coater.gap_sp_active")}, "foreign-writer"),
        ({"verdict": reason("IL-18", "coater.gap_sp", "CLAMP")}, "held-back"),
        ({"verdict": reason("IL-12")}, "model"),
        ({"verdict": reason("IL-05")}, "vote"),
        ({"written": {"outcome": "unknown", "reason": "time-out", "reasons": []}}, "not-confirmed"),
        ({"written": {"outcome": "refused", "reason": "no", "reasons": []}}, "not-confirmed"),
        ({"written": {"outcome": "written", "reason": "", "reasons": [
            {"rule": "IL-13", "action": "HOLD", "tag": "a", "text": "differs"}]}}, "not-confirmed"),
        ({"inputs": {WEB: [None, 0, "frozen"]}}, "reading"),
        ({"inputs": {COAT: [float("nan"), 0, "not a number"]}}, "reading"),
        ({"plan": {"status": "late"}}, "solver"),
        ({"plan": {"status": "max_iter"}}, "solver"),
        ({"timing": {"late": True, "late_s": 0.7}}, "late"),
        ({"inputs": {WEB: [358.3, 2, ""]}}, f"limit.{WEB}"),
        ({"inputs": {COAT: [0.0857 + 0.0027, 2, ""]}}, f"target.{COAT}"),
        ({"inputs": {COAT: [0.0857 - 0.0027, 2, ""]}}, f"target.{COAT}"),
    ],
)  # fmt: skip
def test_what_a_cycle_shows_raises_its_alarm_and_no_other(
    changes: dict[str, Any], kind: str
) -> None:
    told = found(**changes)
    assert list(told) == [f"{LOOP}.{kind}"]
    assert f"{LOOP}.{kind}" in catalogue(SEALED)


@pytest.mark.parametrize("status", ["waiting: the web stands", "not-asked", "solved", "", None])
def test_a_plan_that_is_not_due_is_no_failure(status: str | None) -> None:
    assert found(plan={"status": status}) == {}


def test_a_broken_off_cycle_has_hardly_a_record_and_raises_its_mode() -> None:
    bare = {"requested": "AUTO", "mode": "SHED", "verdict": {"limiting": "IL-00: x", "reasons": []}}
    assert of_cycle(LOOP, SEALED, bare, {}) == {f"{LOOP}.shed": "IL-00: x"}


@pytest.mark.requirement("FS-04")
def test_a_value_at_its_limit_does_not_chatter() -> None:
    cv = SEALED["loops"][LOOP]["controller"]["cvs"][WEB]
    high = cv["high"] + cv["alarm"]
    by, desk = f"{LOOP}.limit.{WEB}", Desk(catalogue(SEALED), {}, 0.0)
    desk_events = []
    for cycle in range(400):
        reads = {WEB: [high + 0.3 * (-1) ** cycle, 2, ""]}
        told = of_cycle(LOOP, SEALED, body(inputs=reads), desk.believed(LOOP))
        desk_events += desk.look(LOOP, told, 8.0 * cycle, UTC, idle=False)
    assert [event["alarm"] for event in desk_events] in ([], [by])
    assert of_cycle(LOOP, SEALED, body(inputs={WEB: [high - 0.3, 2, ""]}), {by: True}).keys() == {
        by
    }
    assert of_cycle(LOOP, SEALED, body(inputs={WEB: [high - 1.0, 2, ""]}), {by: True}) == {}


def test_values_are_told_in_the_units_people_know() -> None:
    (words,) = found(inputs={WEB: [358.3, 2, ""]}).values()
    assert words == "85.15 degC above 85 degC"
    (words,) = found({f"{LOOP}.limit.{WEB}": True}, inputs={WEB: [357.9, 2, ""]}).values()
    assert words == "84.75 degC just back below 85 degC"
    (words,) = found(inputs={COAT: [0.0900, 2, ""]}).values()
    assert words == "90 g/m2, target 85.7 g/m2"


@pytest.mark.requirement("FS-05")
def test_every_alarm_says_what_a_person_needs() -> None:
    alarms = catalogue(SEALED)
    assert len(alarms) > 40
    for alarm in alarms.values():
        kind = alarm.kind
        assert kind.priority in PRIORITIES
        assert min(len(kind.cause), len(kind.consequence), len(kind.action)) > 10
        assert kind.response_min > 0
    urgent = [a for a in alarms.values() if a.kind.priority == "critical"]
    assert len(urgent) <= 0.15 * len(alarms), "what is urgent must be rare"
    kinds = {alarm.name for alarm in alarms.values()}
    assert kinds == {*LOOP_KINDS, *ENGINE_KINDS, "limit", "target", "source"}


class Line:
    """A desk fed with conditions by hand, second by second."""

    def __init__(self, memory: dict[str, Any] | None = None, now_s: float = 0.0) -> None:
        self.desk, self.now_s = Desk(catalogue(SEALED), memory or {}, now_s), now_s

    def pass_(self, seconds: float, *names: str, idle: bool = False) -> list[dict[str, Any]]:
        events = []
        for _ in range(int(seconds)):
            self.now_s += 1.0
            told = {f"{LOOP}.{name}": "words" for name in names}
            events += self.desk.look(LOOP, told, self.now_s, UTC, idle=idle)
        return events

    def act(self, what: str, name: str, why: str = "", minutes: float = 0.0) -> Any:
        return self.desk.act(what, f"{LOOP}.{name}", "Kim", why, self.now_s, UTC, minutes)


def test_an_alarm_comes_is_seen_and_goes_and_each_is_an_event() -> None:
    line = Line()
    (came,) = line.pass_(3, "shed")
    assert (came["event"], came["alarm"], came["from"], came["to"]) == (
        "alarm", "coating.shed", "NORM", "UNACK")  # fmt: skip
    (seen,) = line.act("acknowledge", "shed")
    assert (seen["to"], seen["act"], seen["who"]) == ("ACKED", "acknowledge", "Kim")
    (gone,) = line.pass_(3)
    assert gone["to"] == "NORM"
    assert line.desk.standing() == []


def test_what_is_about_control_means_nothing_while_nobody_wants_control() -> None:
    line = Line()
    line.pass_(60, "hold", "reading", "tripped", idle=True)
    shown = {row["id"]: row["state"] for row in line.desk.standing() if row["unacknowledged"]}
    assert shown == {"coating.tripped": "UNACK"}
    line.pass_(1, "hold", "reading", "tripped")
    assert {row["id"] for row in line.desk.standing() if row["unacknowledged"]} == {
        "coating.tripped", "coating.hold", "coating.reading"}  # fmt: skip


def test_the_first_of_a_group_is_told_apart() -> None:
    line = Line()
    line.pass_(2, "heartbeat")
    line.pass_(30, "heartbeat", "shed", "reading")
    firsts = [row["id"] for row in line.desk.standing() if row["first_out"]]
    assert firsts == ["coating.heartbeat"]
    assert [row["priority"] for row in line.desk.standing()][:2] == ["high", "high"]


@pytest.mark.requirement("FS-03")
def test_shelving_ends_by_itself_and_needs_a_reason() -> None:
    line = Line()
    line.pass_(2, "shed")
    for minutes, why in ((10.0, ""), (0.0, "x"), (481.0, "x"), (float("nan"), "x")):
        with pytest.raises(AlarmError):
            line.act("shelve", "shed", why, minutes)
    line.act("shelve", "shed", "pump is being changed", 10.0)
    assert line.pass_(599, "shed") == []
    (back,) = line.pass_(2, "shed")
    assert (back["from"], back["to"]) == ("SHELVED", "UNACK")


def test_a_restart_remembers_what_was_seen_and_shelves_nothing() -> None:
    line = Line()
    line.pass_(20, "shed", "heartbeat", "late")
    line.act("acknowledge", "shed")
    line.act("shelve", "heartbeat", "known", 60.0)
    again = Line(copy.deepcopy(line.desk.to_json()), 5.0)
    states = {row["id"]: row["state"] for row in again.desk.standing()}
    assert states == {"coating.shed": "ACKED", "coating.heartbeat": "UNACK"}
    assert again.pass_(3, "shed", "heartbeat") == []
    assert {row["since"] for row in again.desk.standing()} == {UTC}


STRANGE = {"active": True, "unknown": 1}
TEXTS = {"since": "", "text": "", "who": "", "why": ""}


@pytest.mark.parametrize("row", [1, {}, {"standing": {}}, {"standing": STRANGE, **TEXTS}])
def test_a_memory_that_is_none_is_refused(row: Any) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        Desk(catalogue(SEALED), {"coating.shed": row}, 0.0)


def test_acts_on_nothing_are_refused_in_words() -> None:
    line = Line()
    with pytest.raises(AlarmError, match="no alarm"):
        line.desk.act("acknowledge", "x", "Kim", "", 0.0, UTC)
    with pytest.raises(AlarmError, match="not 'delete'"):
        line.act("delete", "shed")
    with pytest.raises(AlarmError, match="nothing to acknowledge"):
        line.act("acknowledge", "shed")


def test_floods_and_chatter_are_counted() -> None:
    flood = Flood()
    for at in range(12):
        flood.note("a", 1000.0 + 15.0 * at)
    flood.note("b", 5000.0)
    told = flood.told(1500.0, {"a": 1000.0})
    assert (told["standing"], told["peak_per_10_min"], told["in_a_day"]) == (1, 12, 13)
    assert told["chattering"] == ["a"]
    assert told["most_frequent"][0] == ("a", 12)
    assert flood.told(1180.0, {})["flood"]
    assert flood.told(100_000.0, {"b": 5000.0})["stale"] == ["b"]


@pytest.mark.requirement("FS-04")
def test_a_controller_at_its_limit_all_day_tells_nobody_before_what_was_agreed() -> None:
    """The web temperature is kept at 84 degC; the product's limit, and the alarm's, is 85."""
    assert found(inputs={WEB: [357.15 + 0.9, 2, ""]}) == {}
    assert list(found(inputs={WEB: [357.15 + 1.1, 2, ""]})) == [f"{LOOP}.limit.{WEB}"]


@pytest.mark.requirement("FS-04")
def test_what_only_follows_from_a_lost_plc_is_no_alarm_of_its_own() -> None:
    frozen = {WEB: [None, 0, "heartbeat frozen for 4 cycles"]}
    unfit = {"status": "unfit: no read-back"}
    told = found(verdict=reason("IL-08"), inputs=frozen, plan=unfit)
    assert list(told) == [f"{LOOP}.heartbeat"]
    assert set(found(inputs=frozen, plan=unfit)) == {f"{LOOP}.reading", f"{LOOP}.solver"}
    also = {**frozen, COAT: [None, 0, "out of range"]}
    told = found(verdict=reason("IL-08"), inputs=also)
    assert told[f"{LOOP}.reading"] == f"{COAT}: out of range"
    taken = {"limiting": "IL-09: x", "reasons": [
        {"rule": rule, "action": "SHED", "tag": "", "text": "x"} for rule in ("IL-18", "IL-09")
    ]}  # fmt: skip
    assert found(verdict=taken) == {}, "the PLC took its loop back and writes its own setpoints"
