"""What history knows of one batch: its passage through each loop, its signals, what people did."""

from __future__ import annotations

import json
from typing import Any

from service.history.kept import utc_of
from service.history.store import BatchSpan, Store

FORMAT = "rheostat batch 1"
_MODES = """
SELECT mode, action, COALESCE(phase, ''), COUNT(*), SUM(late) FROM cycle
WHERE batch = ? AND loop = ? AND recipe = ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
_CONFIGS = """
SELECT config, MIN(seq), MAX(seq) FROM cycle WHERE batch = ? AND config IS NOT NULL
GROUP BY config ORDER BY 2"""
_GOOD = "CASE WHEN s.quality > 0 THEN s.value END"
_SIGNALS = f"""
SELECT t.name, MIN({_GOOD}), MAX({_GOOD}), SUM({_GOOD}), COUNT({_GOOD}),
  SUM(CASE WHEN s.quality = 0 OR s.value IS NULL THEN 1 ELSE 0 END)
FROM tag t JOIN sample s ON s.tag = t.id
WHERE t.loop = ? AND s.t_ms >= ? AND s.t_ms <= ? GROUP BY t.name ORDER BY t.name"""
_EVENTS = """
SELECT seq, t_ms, loop, kind, what, body, hash FROM event
WHERE seq >= ? AND seq <= ? ORDER BY seq"""


def batch_list(store: Store) -> list[dict[str, Any]]:
    """Return every batch once, newest first: its recipe, where it went, from when to when."""
    found: dict[int, list[BatchSpan]] = {}
    for span in store.batches():
        found.setdefault(span.batch, []).append(span)
    heads = [_head(number, spans) for number, spans in found.items()]
    return sorted(heads, key=lambda head: int(head["records"][0]), reverse=True)


def batch_record(store: Store, batch: int) -> dict[str, Any] | None:
    """Return all that history knows of `batch`, or None when it never was here. Values in SI."""
    spans = [span for span in store.batches() if span.batch == batch]
    if not spans:
        return None
    head = _head(batch, spans)
    first, last = head["records"]
    events = store.ask(_EVENTS, (first, last), _from(spans), _to(spans))
    return {
        "format": FORMAT,
        **head,
        "configurations": _configurations(store, batch, _from(spans), _to(spans)),
        "loops": [_passage(store, span) for span in spans],
        "events": [
            {"record": seq, "utc": utc_of(t_ms), "loop": loop, "kind": kind, "what": what,
             "body": json.loads(body), "hash": hash_}
            for seq, t_ms, loop, kind, what, body, hash_ in events
        ],
    }  # fmt: skip


def _configurations(store: Store, batch: int, from_ms: int, to_ms: int) -> list[dict[str, Any]]:
    """Return the sealed configurations in force by their hash, with first and last record."""
    found: dict[str, list[int]] = {}
    for sha256, first, last in store.ask(_CONFIGS, (batch,), from_ms, to_ms):
        ends = found.setdefault(sha256, [first, last])
        ends[:] = min(ends[0], first), max(ends[1], last)
    return [{"sha256": sha256, "records": ends} for sha256, ends in found.items()]


def _head(batch: int, spans: list[BatchSpan]) -> dict[str, Any]:
    return {
        "id": batch,
        "recipe": ", ".join(sorted({span.recipe for span in spans})),
        "equipment": sorted({span.equipment for span in spans}),
        "from": utc_of(_from(spans)),
        "to": utc_of(_to(spans)),
        "records": [min(s.first_seq for s in spans), max(s.last_seq for s in spans)],
        "cycles": sum(span.cycles for span in spans),
    }


def _from(spans: list[BatchSpan]) -> int:
    return min(span.first_ms for span in spans)


def _to(spans: list[BatchSpan]) -> int:
    return max(span.last_ms for span in spans)


def _passage(store: Store, span: BatchSpan) -> dict[str, Any]:
    counts: dict[str, dict[str, int]] = {"modes": {}, "actions": {}, "phases": {}}
    late = 0
    key = (span.batch, span.loop, span.recipe)
    for mode, action, phase, cycles, slow in store.ask(_MODES, key, span.first_ms, span.last_ms):
        for kind, name in (("modes", mode), ("actions", action), ("phases", phase)):
            if name:
                counts[kind][name] = counts[kind].get(name, 0) + cycles
        late += slow
    return {
        "loop": span.loop, "recipe": span.recipe, "equipment": span.equipment,
        "from": utc_of(span.first_ms), "to": utc_of(span.last_ms),
        "records": [span.first_seq, span.last_seq], "cycles": span.cycles, "late": late,
        **counts, "signals": _signals(store, span),
    }  # fmt: skip


def _signals(store: Store, span: BatchSpan) -> dict[str, dict[str, Any]]:
    """Return least, greatest and mean value of each signal; days are joined by their sums."""
    sums: dict[str, list[Any]] = {}
    values = (span.loop, span.first_ms, span.last_ms)
    for name, low, high, total, n, bad in store.ask(_SIGNALS, values, span.first_ms, span.last_ms):
        one = sums.setdefault(name, [[], [], 0.0, 0, 0])
        if n:
            one[0].append(low)
            one[1].append(high)
            one[2] += total
        one[3] += n
        one[4] += bad
    return {
        name: {
            "min": min(lows, default=None), "max": max(highs, default=None),
            "mean": total / n if n else None, "readings": n, "bad": bad,
        }
        for name, (lows, highs, total, n, bad) in sums.items()
    }  # fmt: skip
