"""The states of one alarm, walked by a machine against a table written from the standard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from service.alarms import states
from service.alarms.delays import Lasting, lasting
from service.alarms.states import AlarmError, Standing, State

pytestmark = [pytest.mark.requirement("FS-03")]

# Written by hand from ISA-18.2: (state, what happens) -> state. What is not here is refused, or
# changes nothing where it is the plant that speaks. `+` the condition comes, `-` it goes.
PLAIN = {
    ("NORM", "+"): "UNACK", ("UNACK", "-"): "RTNUN", ("UNACK", "acknowledge"): "ACKED",
    ("ACKED", "-"): "NORM", ("RTNUN", "+"): "UNACK", ("RTNUN", "acknowledge"): "NORM",
}  # fmt: skip
LATCHING = {
    **PLAIN, ("UNACK", "-"): "LTUNK", ("ACKED", "-"): "LTACK", ("LTUNK", "acknowledge"): "LTACK",
    ("LTUNK", "+"): "UNACK", ("LTACK", "+"): "UNACK", ("LTACK", "reset"): "NORM",
}  # fmt: skip
HIDES = {"shelve": ("unshelve", "SHELVED"), "design": ("undesign", "DSUPR"),
         "suppress": ("unsuppress", "OOSRV")}  # fmt: skip
DEEPER = ("SHELVED", "DSUPR", "OOSRV")
"""What hides more goes before."""


class Model:
    """The standard's alarm: its shown state, and by what it is hidden."""

    def __init__(self, latching: bool) -> None:
        self.table = LATCHING if latching else PLAIN
        self.latching = latching
        self.shown, self.present, self.held = "NORM", False, False
        self.hidden: set[str] = set()

    @property
    def state(self) -> str:
        return max(self.hidden, key=DEEPER.index) if self.hidden else self.shown

    def plant(self, word: str) -> None:
        self.present = word == "+"
        if self.present and self.latching:
            self.held = True
        if not self.hidden:
            self.shown = self.table.get((self.shown, word), self.shown)

    def person(self, word: str) -> bool:
        if self.hidden or (self.shown, word) not in self.table:
            return False
        self.shown = self.table[self.shown, word]
        if word == "reset":
            self.held = False
        return True

    def hide(self, by: str) -> None:
        self.hidden.add(by)

    def reveal(self, by: str) -> None:
        was = bool(self.hidden)
        self.hidden.discard(by)
        if was and not self.hidden:  # it comes into view: new if it stands, forgotten if not
            self.shown = "UNACK" if self.present else ("LTUNK" if self.held else "NORM")


class Alarm(RuleBasedStateMachine):
    """Ours and the standard's side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.ours, self.latching, self.now_s = Standing(), self.kind, 0.0
        self.model = Model(self.kind)

    kind = False

    @rule(comes=st.booleans())
    def the_plant_speaks(self, comes: bool) -> None:
        self.ours = states.seen(self.ours, active=comes, latching=self.latching)
        if comes != self.model.present:
            self.model.plant("+" if comes else "-")

    @rule(what=st.sampled_from(["acknowledge", "reset"]))
    def a_person_acts(self, what: str) -> None:
        act: Callable[[Standing], Standing] = {
            "acknowledge": states.acknowledged, "reset": states.reset,
        }[what]  # fmt: skip
        if self.model.person(what):
            self.ours = act(self.ours)
        else:
            with pytest.raises(AlarmError):
                act(self.ours)

    @rule(minutes=st.floats(-10.0, 1000.0))
    def somebody_shelves_it(self, minutes: float) -> None:
        if not 0.0 < minutes <= 480.0 or self.model.hidden & {"DSUPR", "OOSRV"}:
            with pytest.raises(AlarmError):
                states.shelved(self.ours, self.now_s, 60.0 * minutes)
            return
        self.ours = states.shelved(self.ours, self.now_s, 60.0 * minutes)
        self.model.hide("SHELVED")

    @rule()
    def somebody_takes_it_off_the_shelf(self) -> None:
        if "SHELVED" in self.model.hidden:
            self.ours = states.unshelved(self.ours)
            self.model.reveal("SHELVED")
        else:
            with pytest.raises(AlarmError):
                states.unshelved(self.ours)

    @rule(by_s=st.floats(0.0, 20_000.0))
    def time_passes(self, by_s: float) -> None:
        self.now_s += by_s
        if states.expired(self.ours, self.now_s):
            self.ours = states.unshelved(self.ours)
            self.model.reveal("SHELVED")
        elif self.ours.shelved_until_s is not None:
            assert self.ours.shelved_until_s > self.now_s

    @rule(hidden=st.booleans())
    def the_plant_is_idle_or_not(self, hidden: bool) -> None:
        self.ours = states.by_design(self.ours, suppressed=hidden)
        if hidden:
            self.model.hide("DSUPR")
        else:
            self.model.reveal("DSUPR")

    @rule(out=st.booleans())
    def maintenance(self, out: bool) -> None:
        if out is ("OOSRV" in self.model.hidden):
            with pytest.raises(AlarmError):
                states.service(self.ours, out=out)
            return
        self.ours = states.service(self.ours, out=out)
        if out:
            self.model.hide("OOSRV")
        else:
            self.model.reveal("OOSRV")

    @invariant()
    def they_agree(self) -> None:
        assert self.ours.state.value == self.model.state


class LatchingAlarm(Alarm):
    """One that stays until it is reset."""

    kind = True


_SETTINGS = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAlarm = Alarm.TestCase
TestAlarm.settings = _SETTINGS
TestLatchingAlarm = LatchingAlarm.TestCase
TestLatchingAlarm.settings = _SETTINGS


def test_every_state_of_the_standard_is_one_of_ours() -> None:
    ends = {*PLAIN.values(), *LATCHING.values(), *(hidden for _, hidden in HIDES.values())}
    assert {state.value for state in State} == ends


def test_a_condition_is_believed_when_it_has_lasted() -> None:
    now, told = Lasting(), []
    course = [(0, 1), (4, 1), (5, 0), (6, 1), (11, 1), (12, 0), (20, 0), (21.9, 0)]
    for at_s, raw in course:
        now = lasting(now, bool(raw), float(at_s), 5.0, 10.0)
        told.append(now.believed)
    assert told == [False, False, False, False, True, True, True, True]
    assert not lasting(now, False, 22.1, 5.0, 10.0).believed


def test_a_clock_that_runs_backwards_believes_nothing_sooner() -> None:
    now = lasting(Lasting(), True, 100.0, 5.0, 5.0)
    now = lasting(now, True, 90.0, 5.0, 5.0)
    assert not now.believed
    assert lasting(now, True, 95.0, 5.0, 5.0).believed
