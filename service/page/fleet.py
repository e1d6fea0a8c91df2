"""Level 0: every line that keeps its history on the same server, at a glance. Reads only.

There is such a level where `RHEOSTAT_HISTORY_URL` names a PostgreSQL server. The page asks it and
no other line, so a line whose historian is silent is shown as unknown.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends, HTTPException

from service.history.follower import URL
from service.history.kept import utc_of
from service.history.store import HistoryError
from service.page.access import require
from service.page.asked import Seldom
from service.page.read_kpi import TOLERANCE

FRESH_S = 5.0
"""The server is asked this seldom, however many viewers ask the page."""


def shared() -> bool:
    """Say whether this line's history is on a server where others may be."""
    return bool(os.environ.get(URL))


def router() -> APIRouter:
    """Return the route of the fleet."""
    routes, looked = APIRouter(), Seldom(_look, FRESH_S)

    @routes.get("/api/fleet", dependencies=[Depends(require("view"))])
    async def lines() -> dict[str, Any]:
        if not shared():
            raise HTTPException(404, "This line keeps its history alone, so no others are known.")
        try:
            return await looked.answer()
        except HistoryError as error:
            raise HTTPException(503, f"The history does not answer: {error}") from error

    return routes


def _look() -> dict[str, Any]:
    from service.history.fleet import fleet  # a page without a history server needs no driver

    now_ms = round(time.time() * 1000)
    lines = fleet(os.environ[URL], now_ms, TOLERANCE)
    return {"utc": utc_of(now_ms), "lines": [asdict(line) for line in lines]}
