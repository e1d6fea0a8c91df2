"""The last cycles of one loop as columns, and how well its predictions have come true.

The fan is no statistic of the model: it is what the readings did to earlier predictions. For each
step ahead it spans 90 % of the differences between what was predicted then and what was read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends

from service.page.access import require
from service.page.feed import Feed
from service.page.view import Frame

CYCLES = 1500
LEAST = 20
"""Fewer predictions that can be checked make no fan."""
CHECKED = 240
GHOSTS = (15, 30, 45)
"""How many cycles ago the predictions were made that are drawn again."""
_PLAIN = ("id", "t", "utc", "mode", "requested", "action", "solve_ms", "late")


def router(feed: Feed) -> APIRouter:
    """Return the routes that tell the last cycles of a loop."""
    routes = APIRouter(dependencies=[Depends(require("view"))])

    @routes.get("/api/recent")
    async def past(loop: str) -> dict[str, Any]:
        return recent([f for f in feed.frames if f["loop"] == loop])

    @routes.get("/api/fan")
    async def spread(loop: str, tag: str) -> dict[str, Any]:
        return fan([f for f in feed.frames if f["loop"] == loop], tag)

    return routes


def recent(frames: Sequence[Frame]) -> dict[str, Any]:
    """Return up to `CYCLES` cycles of one loop, oldest first, as columns.

    `reasons` holds only what did not pass; a reading that is BAD has no value.
    """
    kept = one_run(frames)[-CYCLES:]
    answer: dict[str, Any] = {name: [f[name] for f in kept] for name in _PLAIN}
    answer["reasons"] = [[r for r in f["reasons"] if r["action"] != "ALLOW"] for f in kept]
    answer["moves"] = [
        {mv["tag"]: [mv["requested"], mv["allowed"]] for mv in f["mvs"]} if reasons else {}
        for f, reasons in zip(kept, answer["reasons"], strict=True)
    ]
    answer["signals"] = {
        row["tag"]: _column(kept, kind, place)
        for kind in ("cvs", "mvs", "dvs")
        for place, row in enumerate(kept[-1][kind] if kept else ())
    }
    return answer


def value_of(row: Frame) -> float | None:
    """Return what a trend draws of one signal: reading or estimate, active setpoint of an MV."""
    if "applied" in row:
        applied: float | None = row["applied"]
        return applied
    if row["quality"] == 0:
        return None
    value: float | None = row["value"] if row["value"] is not None else row.get("estimate")
    return value


def one_run(frames: Sequence[Frame]) -> Sequence[Frame]:
    """Return the cycles since the engine last started: its time begins anew with every start."""
    times = [f["t"] for f in frames]
    starts = [i for i in range(1, len(times)) if times[i] < times[i - 1]]
    return frames[starts[-1] :] if starts else frames


def _column(frames: Sequence[Frame], kind: str, place: int) -> dict[str, Any]:
    rows = [f[kind][place] for f in frames]
    return {
        "value": [value_of(row) for row in rows],
        "target": [row.get("target", row.get("requested")) for row in rows],
        "low": [row.get("low") for row in rows],
        "high": [row.get("high") for row in rows],
    }


def fan(frames: Sequence[Frame], tag: str) -> dict[str, Any]:
    """Return earlier predictions of `tag` (ghosts) and the spread of their errors by lead [s].

    `lead_s` is empty where fewer than `LEAST` predictions can be checked yet.
    """
    frames = one_run(frames)
    made = [f for f in frames if tag in (f.get("predicted") or {})]
    times, values = _course(frames, tag)
    errors: dict[int, list[float]] = {}
    leads: dict[int, float] = {}
    for f in made[-CHECKED:]:
        course = f["predicted"][tag]
        for step, (t, y) in enumerate(zip(course["t"], course["y"], strict=True)):
            read = _read_at(times, values, t)
            if read is not None and y is not None:
                errors.setdefault(step, []).append(read - y)
                leads[step] = t - f["t"]
    steps = [step for step in sorted(errors) if len(errors[step]) >= LEAST]
    spans = [_span(errors[step]) for step in steps]
    return {
        "lead_s": [round(leads[step], 3) for step in steps],
        "low": [low for low, _ in spans],
        "high": [high for _, high in spans],
        "checked": len(errors[steps[0]]) if steps else 0,
        "ghosts": [made[-ago]["predicted"][tag] for ago in GHOSTS if ago < len(made)],
    }


def _course(frames: Sequence[Frame], tag: str) -> tuple[list[float], list[float]]:
    times, values = [], []
    for f in frames:
        row = next((r for r in (*f["cvs"], *f["mvs"]) if r["tag"] == tag), None)
        value = None if row is None else value_of(row)
        if value is not None:
            times.append(f["t"])
            values.append(value)
    return times, values


def _read_at(times: Sequence[float], values: Sequence[float], t: float) -> float | None:
    """Return the reading at `t` between its neighbours; None outside what was read."""
    after = bisect_left(times, t)
    if after < len(times) and times[after] == t:
        return values[after]
    if after in (0, len(times)):
        return None
    share = (t - times[after - 1]) / (times[after] - times[after - 1])
    return values[after - 1] + share * (values[after] - values[after - 1])


def _span(errors: list[float]) -> tuple[float, float]:
    ordered = sorted(errors)
    cut = int(0.05 * len(ordered))
    return ordered[cut], ordered[-1 - cut]
