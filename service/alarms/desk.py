"""All alarms of a line together: what changed, what stands, what a person may do with it.

Pure: time comes as an argument, and what happened is returned, to be recorded by whoever calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from service.alarms import states
from service.alarms.catalogue import PRIORITIES, Alarm
from service.alarms.delays import Lasting, lasting
from service.alarms.flood import Flood
from service.alarms.states import HIDDEN, AlarmError, Standing, State

ACTS = ("acknowledge", "reset", "shelve", "unshelve", "suppress", "unsuppress")
_NEED_A_REASON = ("shelve", "suppress")
_TEXTS = ("since", "text", "who", "why")
_TOLD = ("priority", "cause", "consequence", "action", "response_min")
_UNSEEN = (State.UNACK, State.RTNUN, State.LTUNK)


class Kept(NamedTuple):
    """What is remembered of one alarm: where it stands, since when, in which words, by whom."""

    standing: Standing = Standing()
    lasting: Lasting = Lasting()
    since_s: float = 0.0
    since: str = ""
    text: str = ""
    who: str = ""
    why: str = ""


class Desk:
    """Keeps every alarm of the catalogue."""

    def __init__(
        self, alarms: Mapping[str, Alarm], memory: Mapping[str, Any], now_s: float
    ) -> None:
        """Begin with `memory`, as `to_json` left it, where the alarm still exists.

        Times do not outlive an engine, so nothing stays shelved: it comes into view again.
        Raises ValueError, KeyError or TypeError when the memory is none.
        """
        self.alarms = alarms
        self.flood = Flood()
        kept = {n: _from_json(row, now_s) for n, row in memory.items() if n in alarms}
        self._kept = {name: kept.get(name, Kept()) for name in alarms}

    # -- what the plant does ---------------------------------------------------------------------

    def look(
        self, scope: str, found: Mapping[str, str], now_s: float, utc: str, *, idle: bool
    ) -> list[dict[str, Any]]:
        """Take the conditions of one `scope` (a group of the catalogue) in; return what changed.

        `found` are those that stand, with their words; every other of the scope does not. `idle`:
        nobody wants this controlled, so what is about control means nothing (suppressed by design).
        """
        events = []
        for name, alarm in self.alarms.items():
            if alarm.group != scope:
                continue
            old = self._kept[name]
            now = lasting(old.lasting, name in found, now_s, alarm.on_s, alarm.off_s)
            kept = old._replace(lasting=now, text=found.get(name, old.text))
            standing = states.seen(kept.standing, active=now.believed, latching=alarm.kind.latching)
            hide = idle and not alarm.kind.idle_too
            standing = states.by_design(standing, suppressed=hide)
            if states.expired(standing, now_s):
                standing = states.unshelved(standing)
            events += self._keep(name, kept, standing, now_s, utc)
        return events

    def believed(self, scope: str) -> dict[str, bool]:
        """Return which conditions of a scope are believed now."""
        return {n: self._kept[n].lasting.believed for n, a in self.alarms.items()
                if a.group == scope}  # fmt: skip

    # -- what people do --------------------------------------------------------------------------

    def act(
        self, what: str, name: str, who: str, why: str, now_s: float, utc: str, minutes: float = 0.0
    ) -> list[dict[str, Any]]:
        """Let a person act on an alarm; return what changed. Raises AlarmError in words."""
        if name not in self.alarms:
            raise AlarmError(f"there is no alarm {name!r}")
        if what not in ACTS:
            raise AlarmError(f"an alarm can be {', '.join(ACTS)}, not {what!r}")
        if what in _NEED_A_REASON and not why:
            raise AlarmError(f"to {what} an alarm needs a reason ('why')")
        kept = self._kept[name]
        now = kept.standing
        after = {
            "acknowledge": lambda: states.acknowledged(now),
            "reset": lambda: states.reset(now),
            "shelve": lambda: states.shelved(now, now_s, 60.0 * minutes),
            "unshelve": lambda: states.unshelved(now),
            "suppress": lambda: states.service(now, out=True),
            "unsuppress": lambda: states.service(now, out=False),
        }[what]()
        note = kept._replace(who=who, why=why)
        return self._keep(name, note, after, now_s, utc, act=what)

    # -- what stands -----------------------------------------------------------------------------

    def standing(self) -> list[dict[str, Any]]:
        """Return every alarm worth a look, most urgent and oldest first."""
        rows = [self._row(name) for name, kept in self._kept.items() if _worth(kept.standing)]
        firsts = self._firsts()
        for row in rows:
            row["first_out"] = row["id"] in firsts
        return sorted(rows, key=lambda r: (PRIORITIES.index(r["priority"]), r["since_s"], r["id"]))

    def metrics(self, now_s: float) -> dict[str, Any]:
        """Return how the alarm system itself does (ISA-18.2, section 16)."""
        shown = {name: kept for name, kept in self._kept.items() if kept.standing.active
                 and kept.standing.state not in HIDDEN}  # fmt: skip
        return self.flood.told(now_s, {name: kept.since_s for name, kept in shown.items()})

    def to_json(self) -> dict[str, Any]:
        """Return the memory of what is not as at the very first start."""
        return {
            name: {"standing": kept.standing._asdict(), **{k: getattr(kept, k) for k in _TEXTS}}
            for name, kept in self._kept.items()
            if kept.standing != Standing()
        }

    def _keep(
        self, name: str, kept: Kept, after: Standing, now_s: float, utc: str, act: str = ""
    ) -> list[dict[str, Any]]:
        """Remember; return the event of a change of state, or of a person's act."""
        before = self._kept[name].standing
        if after.active and not before.active:
            kept = kept._replace(since_s=now_s, since=utc)
            if after.state not in HIDDEN:
                self.flood.note(name, now_s)
        self._kept[name] = kept._replace(standing=after)
        if not act and (after.state is before.state or not (_worth(before) or _worth(after))):
            return []
        event = {
            "event": "alarm", "alarm": name, "loop": self.alarms[name].loop,
            "title": self.alarms[name].title, "priority": self.alarms[name].kind.priority,
            "from": before.state.value, "to": after.state.value, "text": kept.text,
        }  # fmt: skip
        return [{**event, "act": act, "who": kept.who, "why": kept.why} if act else event]

    def _row(self, name: str) -> dict[str, Any]:
        alarm, kept = self.alarms[name], self._kept[name]
        standing = kept.standing
        return {
            "id": name, "kind": alarm.name, "loop": alarm.loop, "group": alarm.group,
            "title": alarm.title, **{key: getattr(alarm.kind, key) for key in _TOLD},
            "state": standing.state.value, "active": standing.active,
            "unacknowledged": standing.state in _UNSEEN, "since": kept.since,
            "since_s": kept.since_s, "text": kept.text, "who": kept.who, "why": kept.why,
            "shelved_until_s": standing.shelved_until_s,
        }  # fmt: skip

    def _firsts(self) -> set[str]:
        """Return the alarm of each group that came first: the others may be its followers."""
        first: dict[str, tuple[float, str]] = {}
        for name, kept in self._kept.items():
            if kept.standing.active and kept.standing.state not in HIDDEN:
                group = self.alarms[name].group
                first[group] = min(first.get(group, (kept.since_s, name)), (kept.since_s, name))
        return {name for _, name in first.values()}


def _worth(standing: Standing) -> bool:
    """Say whether there is anything to tell: most alarms of an idle loop are hidden and absent."""
    absent = not (standing.active or standing.latched)
    return standing.state is not State.NORM and not (standing.state is State.DSUPR and absent)


def _from_json(row: Mapping[str, Any], now_s: float) -> Kept:
    standing = Standing(**row["standing"])
    if standing.shelved_until_s is not None:
        standing = states.unshelved(standing)
    return Kept(standing, Lasting(standing.active), now_s, *(str(row[key]) for key in _TEXTS))
