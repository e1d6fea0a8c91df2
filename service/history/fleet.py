"""Many lines at a glance, from the one PostgreSQL server that keeps the history of all. Reads only.

What is told is what the histories hold, at most some seconds behind the lines. A line whose last
cycle is older than its loops' periods allow is not known to be well: it is told as not heard.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import psycopg
from psycopg import sql

from service.history.kept import utc_of
from service.history.postgres import SCHEMA
from service.history.store import HistoryError

LOOKED_BACK_MS = 24 * 3_600_000
HEARD, SILENT, AHEAD, EMPTY, UNREADABLE = "heard", "silent", "ahead", "empty", "unreadable"
"""States of a line or a loop: everything but the first is unknown."""

_SLOWEST_MS = 10_000
_PERIOD_S = 20.0  # of a loop whose configuration the history does not know
_LATE_S = 10.0  # that the historian may be behind
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rheostat\\_%' ORDER BY nspname"
_COUNTS = """
SELECT loop, MIN(seq), MAX(seq), COUNT(*), SUM(CASE WHEN mode = 'AUTO' THEN 1 ELSE 0 END),
  SUM(CASE WHEN action = 'CLAMP' THEN 1 ELSE 0 END)
FROM cycle WHERE t_ms >= %s GROUP BY loop"""
_LAST = """
SELECT loop, t_ms, mode, requested, recipe, batch, phase, equipment FROM cycle
WHERE seq = ANY(%s)"""
_NEWEST = "SELECT t_ms FROM cycle ORDER BY t_ms DESC LIMIT 1"
_CONFIGS = """
(SELECT seq, body FROM event WHERE kind IN ('start', 'seal') AND seq < %s
 ORDER BY seq DESC LIMIT 1)
UNION ALL (SELECT seq, body FROM event WHERE kind IN ('start', 'seal') AND seq >= %s)
ORDER BY seq"""
_ALARMS = """
SELECT body FROM (
  SELECT DISTINCT ON (body::json ->> 'alarm') body FROM event WHERE what = 'alarm'
  ORDER BY body::json ->> 'alarm', seq DESC) newest
WHERE body::json ->> 'to' IN ('UNACK', 'ACKED')"""
_OFF = """
SELECT COUNT(*), SUM(CASE WHEN s.value < %s OR s.value > %s THEN 1 ELSE 0 END)
FROM tag t JOIN sample s ON s.tag = t.id
WHERE t.loop = %s AND t.name = %s AND s.t_ms >= %s AND s.seq >= %s AND s.seq < %s
  AND s.quality > 0 AND s.value IS NOT NULL"""
_NO_END = 2**62
_PRIORITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class LoopNow:
    """One loop of a line. Shares are of its cycles of the last 24 h, None where there are none."""

    loop: str
    title: str
    state: str
    age_s: float | None = None
    mode: str = ""
    requested: str = ""
    equipment: str = ""
    recipe: str = ""
    batch: int | None = None
    phase: str | None = None
    hours: float = 0.0
    """How much of the 24 h its cycles cover."""
    auto: float | None = None
    clamped: float | None = None
    """Share of cycles in which the gate let less through than was wished."""
    off_spec: float | None = None
    """Share of usable readings of its key value that are off its target or beyond its limits."""


@dataclass(frozen=True, slots=True)
class LineNow:
    """One line; `alarms` are those that are active, most urgent first."""

    line: str
    state: str
    site: str = ""
    product: str = ""
    last_utc: str = ""
    age_s: float | None = None
    loops: Sequence[LoopNow] = ()
    alarms: Sequence[Mapping[str, str]] = ()


def fleet(url: str, now_ms: int, tolerance: float) -> list[LineNow]:
    """Return every line that keeps its history on the server at `url`, by name.

    `now_ms` is the time now [ms since 1970]; `tolerance` says how far from its target a key value
    may be, as a share of it. Raises HistoryError when the server does not answer; a line that
    cannot be read is told as such.
    """
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute(f"SET statement_timeout = {_SLOWEST_MS}".encode())
            names = [str(name) for (name,) in connection.execute(_SCHEMAS)]
            connection.commit()
            return [_line(connection, name, now_ms, tolerance) for name in names]
    except psycopg.Error as error:
        raise HistoryError(
            f"the history server cannot be used: {error}. Next: look at RHEOSTAT_HISTORY_URL"
        ) from error


def _line(
    connection: psycopg.Connection[Any], schema: str, now_ms: int, tolerance: float
) -> LineNow:
    name = schema.removeprefix(SCHEMA)
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(schema)))
            return _Look(cursor, now_ms, tolerance).line(name)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable,
            psycopg.errors.QueryCanceled):  # fmt: skip
        return LineNow(name, UNREADABLE)


class _Look:
    """One look at one line, all in one transaction."""

    def __init__(self, cursor: psycopg.Cursor[Any], now_ms: int, tolerance: float) -> None:
        self._cursor, self._now_ms, self._tolerance = cursor, now_ms, tolerance
        self._from_ms = now_ms - LOOKED_BACK_MS

    def line(self, name: str) -> LineNow:
        """Return what its history says of the line."""
        newest = self._rows(_NEWEST)
        if not newest:
            return LineNow(name, EMPTY)
        counts = {loop: rest for loop, *rest in self._rows(_COUNTS, self._from_ms)}
        first = min((first for first, *_ in counts.values()), default=_NO_END)
        configs = [(seq, json.loads(body).get("line") or {})
                   for seq, body in self._rows(_CONFIGS, first, first)]  # fmt: skip
        about = configs[-1][1] if configs else {}
        last = {loop: rest for loop, *rest in self._rows(_LAST, [n[1] for n in counts.values()])}
        loops = [
            self._loop(loop, (about.get("loops") or {}).get(loop, {}), counts.get(loop),
                       last.get(loop), list(_aims(loop, configs)))
            for loop in dict.fromkeys([*(about.get("loops") or {}), *sorted(counts)])
        ]  # fmt: skip
        [(t_ms,)] = newest
        states = [loop.state for loop in loops]
        state = next((one for one in (HEARD, AHEAD) if one in states), SILENT)
        return LineNow(
            name, state, about.get("site", ""), about.get("product", ""), utc_of(t_ms),
            self._age_s(t_ms), loops, self._alarms(),
        )  # fmt: skip

    def _loop(
        self,
        loop: str,
        about: Mapping[str, Any],
        counts: Sequence[int] | None,
        last: Sequence[Any] | None,
        aims: Sequence[tuple[int, int, Mapping[str, Any]]],
    ) -> LoopNow:
        title, period_s = about.get("title", loop), about.get("period_s", _PERIOD_S)
        if counts is None or last is None:
            return LoopNow(loop, title, SILENT)
        _, _, cycles, auto, clamped = counts
        t_ms, mode, requested, recipe, batch, phase, equipment = last
        age_s, patience_s = self._age_s(t_ms), 3.0 * period_s + _LATE_S
        state = AHEAD if age_s < -patience_s else SILENT if age_s > patience_s else HEARD
        return LoopNow(
            loop, title, state, age_s, mode, requested, equipment, recipe, batch, phase,
            hours=min(24.0, cycles * period_s / 3600.0), auto=auto / cycles,
            clamped=clamped / cycles, off_spec=self._off_spec(loop, aims),
        )  # fmt: skip

    def _off_spec(
        self, loop: str, aims: Sequence[tuple[int, int, Mapping[str, Any]]]
    ) -> float | None:
        counted = off = 0
        for first, end, key in aims:
            low, high = _bounds(key, self._tolerance)
            values = (low, high, loop, key["tag"], self._from_ms, first, end)
            [(readings, beyond)] = self._rows(_OFF, *values)
            counted, off = counted + readings, off + (beyond or 0)
        return off / counted if counted else None

    def _alarms(self) -> list[dict[str, str]]:
        bodies = [json.loads(body) for (body,) in self._rows(_ALARMS)]
        told = [{key: str(body.get(key, "")) for key in ("alarm", "loop", "title", "priority")}
                | {"state": str(body["to"])} for body in bodies]  # fmt: skip
        return sorted(told, key=lambda one: (_rank(one["priority"]), one["alarm"]))

    def _age_s(self, t_ms: int) -> float:
        return (self._now_ms - t_ms) / 1000.0

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._cursor.execute(statement.encode(), values).fetchall()


def _aims(
    loop: str, configs: Sequence[tuple[int, Mapping[str, Any]]]
) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    """Yield from which record to before which a loop had which key; starts change it seldom."""
    found = [(seq, ((about.get("loops") or {}).get(loop) or {}).get("key"))
             for seq, about in configs]  # fmt: skip
    stretches = [next(group) for _, group in groupby(found, key=lambda one: one[1])]
    for (first, key), (end, _) in pairwise([*stretches, (_NO_END, None)]):
        if key is not None:
            yield first, end, key


def _bounds(key: Mapping[str, Any], tolerance: float) -> tuple[float | None, float | None]:
    """Return below and above which a key value is off; with a target by `tolerance` of it."""
    if target := key.get("target"):
        return target - tolerance * abs(target), target + tolerance * abs(target)
    return key.get("low"), key.get("high")


def _rank(priority: str) -> int:
    return _PRIORITIES.index(priority) if priority in _PRIORITIES else len(_PRIORITIES)
