"""Trends and batches on the page: read from the history, in people's units, thinned honestly."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi import Path as PathPart
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from service.history.batches import batch_list, batch_record
from service.history.export import batch_readings, csv_text
from service.history.follower import open_store
from service.history.report import report
from service.history.reviews import review_of, reviews
from service.history.store import HistoryError, Store
from service.lots import lots
from service.page.access import require
from service.page.feed import Feed
from service.page.read_file import ask_records
from service.page.view import shown
from service.paper.html_pages import STYLE, as_html
from service.paper.model import Page

T = TypeVar("T")
_LATEST = 32_503_680_000_000  # the year 3000, in ms
Moment = Annotated[int, Query(ge=0, le=_LATEST, description="Unix time in ms")]
TagName = Annotated[str, Query(min_length=1, max_length=100)]
Batch = Annotated[int, PathPart(ge=-(2**31), le=2**32)]


def router(feed: Feed, state_dir: Path) -> APIRouter:
    """Return the routes of the history."""
    routes = APIRouter()
    view, out = [Depends(require("view"))], [Depends(require("export"))]

    async def asked(question: Callable[[Store], T]) -> T:
        line = str(feed.sealed["line"]["id"])
        return await asyncio.to_thread(_answered, state_dir, line, question)

    async def recorded(batch: int) -> dict[str, Any]:
        found = await asked(lambda store: batch_record(store, batch))
        if found is None:
            raise HTTPException(404, f"There is no batch {batch} in the history.")
        sealed, signed = feed.sealed, await ask_records(state_dir, reviews)
        entered = await ask_records(state_dir, lots)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        return {**found, "line": sealed["line"], "recipe_title": sealed["recipe"]["title"],
                "review": review_of(found, signed), "made_utc": made,
                "lots": [lot for lot in entered if lot["batch"] == batch]}  # fmt: skip

    async def reported(batch: int) -> Page:
        found = await recorded(batch)
        return report(found, feed.sealed["loops"], lambda tag: shown(feed.sealed, tag))

    @routes.get("/api/trend", dependencies=view)
    async def trend(
        tag: TagName,
        from_: Annotated[Moment, Query(alias="from")],
        to: Moment,
        points: Annotated[int, Query(ge=2, le=10_000)] = 1000,
    ) -> dict[str, Any]:
        name = _read_back(feed.sealed["loops"], tag)
        found = await asked(lambda store: store.trend(name, from_, to, points))
        signal = shown(feed.sealed, name)
        return {
            "tag": name, "label": signal.label, "unit": signal.unit,
            "kind": "reading" if name in feed.sealed["tags"] else "estimate",
            "thinned": any(bucket.readings > 1 for bucket in found),
            "t_ms": [bucket.t_ms for bucket in found],
            "low": [signal.value(bucket.low) for bucket in found],
            "high": [signal.value(bucket.high) for bucket in found],
            "bad": [bucket.bad for bucket in found],
        }  # fmt: skip

    @routes.get("/api/batches", dependencies=view)
    async def batches() -> list[dict[str, Any]]:
        found = await asked(batch_list)
        signed = await ask_records(state_dir, reviews)
        return [{**batch, "review": review_of(batch, signed)} for batch in found]

    @routes.get("/api/batches/{batch}/lots", dependencies=view)
    async def lots_of(batch: Batch) -> list[dict[str, Any]]:
        entered = await ask_records(state_dir, lots)
        return [lot for lot in entered if lot["batch"] == batch]

    @routes.get("/api/batches/{batch}/record", dependencies=view)
    async def record(batch: Batch) -> dict[str, Any]:
        return await recorded(batch)

    @routes.get("/api/report.css", dependencies=view)
    async def style() -> Response:
        return Response(STYLE, media_type="text/css")

    @routes.get("/api/batches/{batch}/report", dependencies=view)
    async def report_page(batch: Batch) -> HTMLResponse:
        return HTMLResponse(as_html(await reported(batch), style="/api/report.css"))

    @routes.get("/api/batches/{batch}/report.pdf", dependencies=out)
    async def report_pdf(batch: Batch) -> Response:
        page = await reported(batch)
        name = f"{feed.sealed['line']['id']}-batch-{batch}.pdf"
        text = await asyncio.to_thread(_pdf, page, name.removesuffix(".pdf"))
        return Response(text, media_type="application/pdf", headers=_as_file(name))

    @routes.get("/api/batches/{batch}/export.parquet", dependencies=out)
    async def export_parquet(batch: Batch) -> Response:
        known = await asked(lambda store: any(b.batch == batch for b in store.batches()))
        if not known:
            raise HTTPException(404, f"There is no batch {batch} in the history.")
        text = await asked(lambda store: _parquet(store, feed.sealed, batch))
        name = f"{feed.sealed['line']['id']}-batch-{batch}.parquet"
        return Response(text, media_type="application/vnd.apache.parquet", headers=_as_file(name))

    @routes.get("/api/batches/{batch}/export.csv", dependencies=out)
    async def export(batch: Batch) -> StreamingResponse:
        known = await asked(lambda store: any(b.batch == batch for b in store.batches()))
        if not known:
            raise HTTPException(404, f"There is no batch {batch} in the history.")
        line = str(feed.sealed["line"]["id"])
        name = f"{line}-batch-{batch}.csv"
        return StreamingResponse(
            _csv(state_dir, line, batch), media_type="text/csv",
            headers=_as_file(name),
        )  # fmt: skip

    return routes


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _pdf(page: Page, title: str) -> bytes:
    from service.paper.pdf import write_pdf  # slow to import, and few ask for it

    out = io.BytesIO()
    write_pdf(out, [page], title)
    return out.getvalue()


def _parquet(store: Store, sealed: Mapping[str, Any], batch: int) -> bytes:
    from service.history.day_tables import about_file, write_readings  # slow to import

    out = io.BytesIO()
    write_readings(out, batch_readings(store, batch), about_file(sealed, batch=str(batch)))
    return out.getvalue()


def _answered(state_dir: Path, line: str, question: Callable[[Store], T]) -> T:
    """Ask a store opened for this one question; what it cannot do is an answer in words."""
    try:
        store = open_store(state_dir, line)
        try:
            return question(store)
        finally:
            store.close()
    except HistoryError as error:
        raise HTTPException(503, f"The history does not answer: {error}") from error


def _csv(state_dir: Path, line: str, batch: int) -> Iterator[str]:
    store = open_store(state_dir, line)
    try:
        yield from csv_text(batch_readings(store, batch))
    finally:
        store.close()


def _read_back(loops: dict[str, Any], tag: str) -> str:
    """Return the tag that shows what the PLC really uses where `tag` is a setpoint we write."""
    return next((str(loop["mvs"][tag]) for loop in loops.values() if tag in loop["mvs"]), tag)
