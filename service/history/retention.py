"""What of the history may be deleted by now, and why the rest may not.

Two rules, each only where the configuration in force has it. A day leaves the store when it is old
enough, stands whole in the archive, and none of its batches is open or waits for its review. A day
leaves the archive when it is old enough, is not in the store, and every one of its batches is
reviewed and as long past its shelf life as the rule asks. The line of the manifest comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from service.history.archive import Archive, batches_of, mark_of
from service.history.kept import day_of, day_span
from service.history.manifest import (
    ARCHIVE_PRUNED,
    STORE_PRUNED,
    ManifestError,
    append,
    locked,
)
from service.history.reviews import left_open
from service.history.store import BatchSpan, HistoryError, Store, joined

STORE, ARCHIVE = "store", "archive"
Reviewed = Sequence[tuple[int, int]]
"""First and last record of every stretch whose review was signed."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one day in one place; `kept` is why it stays, '' when it may go."""

    place: str
    day: str
    kept: str


def fates(
    store: Store, archive: Archive, rules: Mapping[str, Any], reviewed: Reviewed, today: str
) -> list[Fate]:
    """Return for every closed day in store and archive whether it may go.

    Raises HistoryError when the archive is not whole: then nothing may.
    """
    if faults := archive.faults():
        raise HistoryError(
            f"the archive is not whole: {'; '.join(faults[:5])}. Next: ./rheostat history verify"
        )
    stored, archived = store.days(), archive.days()
    told = [span for line in archived.values() for span in batches_of(line)]
    batches = joined([*store.batches(), *told])  # who counts twice only keeps more
    opened = {span.batch for span in _last_in_each_loop(batches)}
    today = min(today, stored[-1]) if stored else ""  # a clock that is ahead makes nothing older
    found = []
    for day in stored[:-1]:
        why = _too_young(rules.get(STORE), day, today)
        if not why and (day not in archived or mark_of(archived[day]) != store.day_mark(day)):
            why = "not archived as it stands"
        found.append(Fate(STORE, day, why or _waiting(day, batches, opened, reviewed)))
    for day in archived:
        rule = rules.get(ARCHIVE)
        why = _too_young(rule, day, today) or ("still in the store" if day in stored else "")
        why = why or _waiting(day, batches, opened, reviewed)
        if rule and not why:
            why = _within_batch_life(day, batches, rule, today)
        found.append(Fate(ARCHIVE, day, why))
    return found


def prune(
    store: Store, archive: Archive, going: Iterable[Fate], utc: str, who: str, why: str
) -> None:
    """Delete what `fates` let go; each is in the manifest, on the disk, before it is deleted.

    Raises HistoryError at the first that cannot be; what was deleted before stays deleted.
    """
    body = {"who": who, "why": why}
    for fate in going:
        if fate.kept:
            raise HistoryError(f"{fate.day} must stay in the {fate.place}: {fate.kept}")
        do = STORE_PRUNED if fate.place == STORE else ARCHIVE_PRUNED
        try:
            with locked(archive.folder):
                append(archive.folder, do, fate.day, utc, body)
                if fate.place == STORE:
                    store.drop(fate.day)
                else:
                    archive.clear()
        except (ManifestError, OSError) as error:
            raise HistoryError(f"{fate.day} was not deleted whole: {error}") from error


def _too_young(rule: Mapping[str, Any] | None, day: str, today: str) -> str:
    if not rule:
        return "no rule deletes it"
    if not today:
        return "the store is empty: nothing tells how old it is"
    age_days = (date.fromisoformat(today) - date.fromisoformat(day)).days
    return "" if age_days > rule["days"] else f"kept for {rule['days']} days, {age_days} so far"


def _waiting(day: str, batches: Sequence[BatchSpan], opened: set[int], reviewed: Reviewed) -> str:
    here = _of_day(day, batches)
    if numbers := sorted({span.batch for span in here if span.batch in opened}):
        return f"batch {_listed(numbers)} is open"
    late = {span.batch for span in here}
    waiting = {
        span.batch for span in batches
        if span.batch in late and left_open(span.first_seq, span.last_seq, reviewed)
    }  # fmt: skip
    return f"batch {_listed(sorted(waiting))} is not reviewed" if waiting else ""


def _within_batch_life(
    day: str, batches: Sequence[BatchSpan], rule: Mapping[str, Any], today: str
) -> str:
    life_days = rule["shelf_life_days"] + rule["after_expiry_days"]
    here = {span.batch for span in _of_day(day, batches)}
    ends = [(day_of(s.last_ms), s.batch) for s in batches if s.batch in here]
    if not ends:
        return ""
    end, number = max(ends)
    until = date.fromisoformat(end) + timedelta(days=life_days)
    return f"batch {number} is kept until {until}" if date.fromisoformat(today) <= until else ""


def _of_day(day: str, batches: Sequence[BatchSpan]) -> list[BatchSpan]:
    begin, end = day_span(day)
    return [span for span in batches if span.last_ms >= begin and span.first_ms < end]


def _last_in_each_loop(batches: Sequence[BatchSpan]) -> list[BatchSpan]:
    last: dict[str, BatchSpan] = {}
    for span in batches:
        if span.loop not in last or span.last_seq > last[span.loop].last_seq:
            last[span.loop] = span
    return list(last.values())


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
