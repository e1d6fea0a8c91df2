"""The list of what quality has reviewed, for the records' level of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends

from service.history.reviews import reviews
from service.page.access import require
from service.page.read_file import ask_records


def router(state_dir: Path) -> APIRouter:
    """Return the route that lists the reviews."""
    routes = APIRouter(dependencies=[Depends(require("view"))])

    @routes.get("/api/reviews")
    async def all_() -> list[dict[str, Any]]:
        return await ask_records(state_dir, reviews)

    return routes
