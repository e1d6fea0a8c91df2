"""The line as Prometheus sees it: the last cycle of each loop, the alarms, the engine. Reads only.

Values are in the units of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from safety.words import Action, Mode
from service.alarms.catalogue import PRIORITIES
from service.page.access import require
from service.page.asked import asked
from service.page.feed import Feed
from service.page.view import Frame

TYPE = "text/plain; version=0.0.4; charset=utf-8"


def router(feed: Feed, state_dir: Path) -> APIRouter:
    """Return the route of the metrics."""
    routes, alarms = APIRouter(), asked(state_dir, "alarms")

    @routes.get("/metrics", dependencies=[Depends(require("view"))])
    async def metrics() -> PlainTextResponse:
        told = await alarms.answer()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Picture(list(feed.frames), told))
        return PlainTextResponse(generate_latest(registry).decode(), media_type=TYPE)

    return routes


class _Picture(Collector):
    """What one scrape is told: the newest of `frames` for each loop, and what the engine said."""

    def __init__(self, frames: Iterable[Frame], told: Mapping[str, Any]) -> None:
        self._last = {frame["loop"]: frame for frame in frames}
        self._told = told

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every metric."""
        up = GaugeMetricFamily("rheostat_engine_up", "1 while the engine answers at its door.")
        up.add_metric([], float(bool(self._told.get("ok"))))
        yield up
        yield self._alarms()
        yield from self._loops()
        yield self._values("cv", "cvs", "value", "A controlled variable as read or estimated.")
        yield self._values("cv_target", "cvs", "target", "The target of a controlled variable.")
        yield self._values("mv", "mvs", "applied", "A setpoint as the PLC uses it.")

    def _alarms(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "rheostat_alarms", "Alarms in view, acknowledged or not.", labels=["priority"]
        )
        rows = [row for row in self._told.get("alarms") or () if row["active"]
                and row["state"] in ("UNACK", "ACKED")]  # fmt: skip
        for priority in PRIORITIES:
            family.add_metric([priority], sum(row["priority"] == priority for row in rows))
        return family

    def _loops(self) -> Iterator[GaugeMetricFamily]:
        mode = GaugeMetricFamily(
            "rheostat_loop_mode", "1 for the mode a loop is in.", labels=["loop", "mode"]
        )
        last = _by_loop("last_cycle_timestamp_seconds", "When the last cycle was recorded.")
        solve = _by_loop("solve_seconds", "How long the last plan took.")
        action = _by_loop("gate_action", "0 allow, 1 clamp, 2 hold, 3 shed, 4 trip.")
        late = _by_loop("late", "1 when the last cycle began late.")
        record = _by_loop("last_record", "Number of the last cycle's record.")
        for loop, frame in sorted(self._last.items()):
            for word in Mode:
                mode.add_metric([loop, word.value], float(frame["mode"] == word.value))
            last.add_metric([loop], datetime.fromisoformat(frame["utc"]).timestamp())
            if frame.get("solve_ms") is not None:
                solve.add_metric([loop], frame["solve_ms"] / 1000.0)
            if frame.get("action") in Action.__members__:
                action.add_metric([loop], float(Action[frame["action"]]))
            late.add_metric([loop], float(bool(frame.get("late"))))
            record.add_metric([loop], float(frame["id"]))
        yield from (mode, last, solve, action, late, record)

    def _values(self, name: str, rows: str, key: str, text: str) -> GaugeMetricFamily:
        family = GaugeMetricFamily(f"rheostat_{name}", text, labels=["loop", "tag"])
        for loop, frame in sorted(self._last.items()):
            for row in frame[rows]:
                if row.get(key) is not None:
                    family.add_metric([loop, row["tag"]], row[key])
        return family


def _by_loop(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"rheostat_loop_{name}", text, labels=["loop"])
