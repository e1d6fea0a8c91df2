"""Level 0: every line that keeps its history on the same server, at a glance. Reads only.

There is such a level where `RHEOSTAT_HISTORY_URL` names a PostgreSQL server. The page asks it and
no other line, so a line whose historian is silent is shown as unknown.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends, HTTPException

from service.history.follower import URL
from service.history.kept import utc_of
from service.history.store import HistoryError
from service.page.access import require
from service.page.read_kpi import TOLERANCE

FRESH_S = 5.0
"""The server is asked this seldom, however many viewers ask the page."""


def shared() -> bool:
    """Say whether this line's history is on a server where others may be."""
    return bool(os.environ.get(URL))


def router() -> APIRouter:
    """Return the route of the fleet."""
    routes, looked = APIRouter(), _Looked()

    @routes.get("/api/fleet", dependencies=[Depends(require("view"))])
    async def lines() -> dict[str, Any]:
        if not shared():
            raise HTTPException(404, "This line keeps its history alone, so no others are known.")
        return await looked.answer()

    return routes


class _Looked:
    """The last look at the fleet, at most `FRESH_S` old."""

    def __init__(self) -> None:
        self._answer: dict[str, Any] = {}
        self._at_s = -FRESH_S
        self._one_asks = asyncio.Lock()

    async def answer(self) -> dict[str, Any]:
        async with self._one_asks:
            if time.monotonic() - self._at_s >= FRESH_S:
                try:
                    self._answer = await asyncio.to_thread(_look)
                except HistoryError as error:
                    text = f"The history does not answer: {error}"
                    raise HTTPException(503, text) from error
                self._at_s = time.monotonic()
            return self._answer


def _look() -> dict[str, Any]:
    from service.history.fleet import fleet  # a page without a history server needs no driver

    now_ms = round(time.time() * 1000)
    lines = fleet(os.environ[URL], now_ms, TOLERANCE)
    return {"utc": utc_of(now_ms), "lines": [asdict(line) for line in lines]}
