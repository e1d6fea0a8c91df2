"""Key figures of each loop over the cycles the page remembers, in equal slices of time.

service   share of cycles in closed loop
spread    2 sigma of the key CV around its target [% of the target], or its mean where it has none
off_spec  share of cycles whose key CV is beyond its limits, or more than 2 % from its target
clamped   share of cycles in which the gate let less through than was wished
solve_ms  slowest answer of the controller [ms]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, Depends

from service.page.access import require
from service.page.feed import Feed
from service.page.read_profile import profile_map
from service.page.read_recent import one_run
from service.page.view import Frame

SLICES = 24
TOLERANCE = 0.02
"""How far from its target a key value may be, as a share of it."""


def router(feed: Feed) -> APIRouter:
    """Return the routes of key figures and of the profile map."""
    routes = APIRouter(dependencies=[Depends(require("view"))])

    @routes.get("/api/kpi")
    async def figures() -> dict[str, Any]:
        return {name: kpi([f for f in feed.frames if f["loop"] == name]) for name in feed.views}

    @routes.get("/api/profile")
    async def profile() -> dict[str, Any]:
        return profile_map(list(feed.scans), feed.sealed)

    return routes


def kpi(frames: Sequence[Frame]) -> dict[str, Any]:
    """Return the figures of one loop: over all its cycles, and in slices, oldest first."""
    kept = one_run(frames)
    if not kept:
        return {"hours": 0.0, "from": None, "to": None, "whole": None, "slices": []}
    first, last = kept[0]["t"], kept[-1]["t"]
    width = (last - first) / SLICES or 1.0
    parts: list[list[Frame]] = [[] for _ in range(SLICES)]
    for f in kept:
        parts[min(SLICES - 1, int((f["t"] - first) / width))].append(f)
    return {
        "hours": (last - first) / 3600.0,
        "from": kept[0]["utc"],
        "to": kept[-1]["utc"],
        "whole": _figures(kept),
        "slices": [_figures(part) if part else None for part in parts],
    }


def _figures(frames: Sequence[Frame]) -> dict[str, float | None]:
    def share(holds: Callable[[Frame], bool]) -> float:
        return sum(map(holds, frames)) / len(frames)

    times = [f["solve_ms"] for f in frames if f["solve_ms"] is not None]
    known = [f for f in frames if _key(f) is not None]
    return {
        "service": share(lambda f: f["mode"] == "AUTO"),
        "spread": _spread(known),
        "off_spec": sum(map(_is_off, known)) / len(known) if known else None,
        "clamped": share(lambda f: any(r["action"] == "CLAMP" for r in f["reasons"])),
        "solve_ms": max(times) if times else None,
    }


def _key(f: Frame) -> float | None:
    cv = f["cvs"][0] if f["cvs"] else {"quality": 0}
    value: float | None = None if cv["quality"] == 0 else cv["value"]
    return value


def _spread(frames: Sequence[Frame]) -> float | None:
    values = [v for f in frames if (v := _key(f)) is not None]
    if len(values) < 2:
        return None
    aims = [f["cvs"][0]["target"] for f in frames]
    mean = sum(values) / len(values)
    around = [mean if aim is None else aim for aim in aims]
    error = math.sqrt(
        sum((v - aim) ** 2 for v, aim in zip(values, around, strict=True)) / len(values)
    )
    return 200.0 * error / abs(around[-1]) if around[-1] else None


def _is_off(f: Frame) -> bool:
    cv, value = f["cvs"][0], _key(f)
    if value is None:
        return False
    low, high, target = cv["low"], cv["high"], cv["target"]
    if target:
        return bool(abs(value - target) > TOLERANCE * abs(target))
    return bool((low is not None and value < low) or (high is not None and value > high))
