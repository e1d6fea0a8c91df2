"""The states of one alarm (ANSI/ISA-18.2-2016, section 6) as a pure machine.

state     condition  seen by a person  shown
NORM      no         -                 no
UNACK     yes        no                yes
ACKED     yes        yes               yes
RTNUN     no         no                yes: it came and went
LTUNK     no         no                yes: latched
LTACK     no         yes               yes: latched, waits for its reset
SHELVED   either     -                 no: a person put it away, for a time and for a reason
DSUPR     either     -                 no: it means nothing in this state of the plant
OOSRV     either     -                 no: taken out of service, for maintenance

An alarm that comes back into view is new: whoever acknowledged it before has not seen this one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

LONGEST_SHELF_S = 8 * 3600.0


class State(StrEnum):
    """What an alarm is for the operator."""

    NORM = "NORM"
    UNACK = "UNACK"
    ACKED = "ACKED"
    RTNUN = "RTNUN"
    LTUNK = "LTUNK"
    LTACK = "LTACK"
    SHELVED = "SHELVED"
    DSUPR = "DSUPR"
    OOSRV = "OOSRV"


HIDDEN = (State.SHELVED, State.DSUPR, State.OOSRV)


class AlarmError(ValueError):
    """What was asked cannot be done in this state; the text says why."""


class Standing(NamedTuple):
    """Where one alarm stands; `shelved_until_s` is engine time [s], None when it is not shelved."""

    active: bool = False
    acked: bool = True
    latched: bool = False
    shelved_until_s: float | None = None
    suppressed: bool = False
    out: bool = False

    @property
    def state(self) -> State:
        """Return the state; what hides an alarm most goes before."""
        if self.out:
            return State.OOSRV
        if self.suppressed:
            return State.DSUPR
        if self.shelved_until_s is not None:
            return State.SHELVED
        if self.active:
            return State.ACKED if self.acked else State.UNACK
        if self.latched:
            return State.LTACK if self.acked else State.LTUNK
        return State.NORM if self.acked else State.RTNUN


def seen(now: Standing, *, active: bool, latching: bool) -> Standing:
    """Return where the alarm stands after its condition was looked at."""
    if active == now.active:
        return now
    after = now._replace(active=active, latched=now.latched or (active and latching))
    if now.state in HIDDEN or not active:
        return after
    return after._replace(acked=False)


def acknowledged(now: Standing) -> Standing:
    """A person has seen it. Raises AlarmError when there is nothing to see."""
    if now.state not in (State.UNACK, State.RTNUN, State.LTUNK):
        raise AlarmError(f"nothing to acknowledge: the alarm is {now.state}")
    return now._replace(acked=True)


def reset(now: Standing) -> Standing:
    """A person lets a latched alarm go. Raises AlarmError before it was seen, or while it lasts."""
    if now.state is not State.LTACK:
        raise AlarmError(f"only a latched, acknowledged alarm is reset; this one is {now.state}")
    return now._replace(latched=False)


def shelved(now: Standing, now_s: float, for_s: float) -> Standing:
    """Put it away for `for_s` seconds. Raises AlarmError for a time that is not in (0, 8 h]."""
    if not 0.0 < for_s <= LONGEST_SHELF_S:
        raise AlarmError(f"an alarm is shelved for at most {LONGEST_SHELF_S / 60.0:.0f} minutes")
    if now.state in (State.OOSRV, State.DSUPR):
        raise AlarmError(f"nothing to shelve: the alarm is {now.state}")
    return now._replace(shelved_until_s=now_s + for_s)


def unshelved(now: Standing) -> Standing:
    """Take it off the shelf. Raises AlarmError when it is not there."""
    if now.shelved_until_s is None:
        raise AlarmError(f"the alarm is not shelved but {now.state}")
    return _in_view(now, now._replace(shelved_until_s=None))


def by_design(now: Standing, *, suppressed: bool) -> Standing:
    """Hide it, or not, because of the state the plant is in."""
    return _in_view(now, now._replace(suppressed=suppressed))


def service(now: Standing, *, out: bool) -> Standing:
    """Take it out of service, or back. Raises AlarmError when it is so already."""
    if now.out is out:
        raise AlarmError(f"the alarm is {'out of' if out else 'in'} service already")
    return _in_view(now, now._replace(out=out))


def expired(now: Standing, now_s: float) -> bool:
    """Say whether its time on the shelf is over."""
    return now.shelved_until_s is not None and now_s >= now.shelved_until_s


def _in_view(before: Standing, after: Standing) -> Standing:
    """An alarm that comes into view is new if it stands, and forgotten if it does not."""
    if before.state not in HIDDEN or after.state in HIDDEN:
        return after
    return after._replace(acked=not (after.active or after.latched))
