"""The operator page's server: reads the record, streams it, and passes mode requests on.

It has no connection to any PLC. The only thing it can cause is a mode request through the
engine's command door, and the engine decides. It serves its own files only: no request leaves
the machine.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from service.clock import utc_text
from service.notify import Notifier
from service.page import (
    admin,
    alarms,
    change_limits,
    fleet,
    history,
    interlock,
    lots,
    metrics,
    mode,
    people,
    provider,
    read_explain,
    read_kpi,
    read_limits,
    read_recent,
    read_reviews,
    read_tags,
    review,
    what_if,
)
from service.page.access import Access, in_words, require, wrong_form
from service.page.asked import asked
from service.page.feed import Feed
from service.page.guard import Guard
from service.page.identity import Identity
from service.page.view import describe
from service.people.secret import Cost
from service.pulse import Pulse, Sign

VIEW = [Depends(require("view"))]
STATIC = Path(__file__).parent / "static"
FOLLOWER_PATIENCE_S = 10.0  # a page that shows a picture this old without a word is worse than none


def build_app(state_dir: Path, cost: Cost | None = None) -> FastAPI:
    """Return the page's application for the engine whose state stands in `state_dir`.

    `cost` is what one guess of a password costs; tests take less.
    """
    feed, engine = Feed(state_dir), asked(state_dir, "status")
    identity = Identity(state_dir, lambda: feed.sealed, cost)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        notifier = Notifier()
        pulse = Pulse({"follower": Sign(lambda: feed.turns, FOLLOWER_PATIENCE_S)}, notifier)
        work = (feed.follow(), pulse.run(), identity.pass_reports_on())
        tasks = [asyncio.create_task(one) for one in work]
        notifier.say(READY="1")
        yield
        for task in tasks:
            task.cancel()

    app = FastAPI(title="Rheostat", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_exception_handler(HTTPException, in_words)
    app.add_exception_handler(RequestValidationError, wrong_form)
    app.state.access = Access(
        identity.person_of, identity.refused, identity.read_open, identity.hosts
    )
    app.state.identity = identity
    app.add_middleware(Guard)

    index = (STATIC / "index.html").read_bytes()  # asked often, and no file is faster than memory

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(index)

    described: tuple[object, bytes] = (None, b"")

    @app.get("/api/line", dependencies=VIEW, response_model=dict[str, Any])
    async def line() -> Response:
        nonlocal described
        sealed = feed.sealed
        if described[0] is not sealed:  # other limits are in force
            routes = sorted(app.openapi()["paths"])  # a part that is not there is not asked for
            told = {**describe(sealed), "routes": routes, "fleet": fleet.shared()}
            described = (sealed, bytes(JSONResponse(told).body))
        return Response(described[1], media_type="application/json")

    @app.get("/api/status", dependencies=VIEW)
    async def status() -> dict[str, Any]:
        return await engine.answer() | {
            "records": feed.trouble or "ok",
            "page_utc": utc_text(datetime.now(UTC)),
        }

    @app.get("/api/stream", dependencies=VIEW)
    async def stream(
        last_event_id: Annotated[int | None, Header()] = None, after: int = 0
    ) -> StreamingResponse:
        start = last_event_id if last_event_id is not None else after
        return StreamingResponse(events(feed, start), media_type="text/event-stream")

    app.include_router(people.router(identity))
    app.include_router(provider.router(identity))
    app.include_router(admin.router(identity))
    app.include_router(mode.router(identity))
    app.include_router(change_limits.router(identity))
    app.include_router(review.router(identity))
    app.include_router(lots.router(identity))
    app.include_router(alarms.router(state_dir))
    app.include_router(history.router(feed, state_dir))
    app.include_router(fleet.router())
    app.include_router(metrics.router(feed, state_dir))
    app.include_router(read_recent.router(feed))
    app.include_router(read_kpi.router(feed))
    app.include_router(read_explain.router(feed, state_dir))
    app.include_router(read_reviews.router(state_dir))
    app.include_router(read_limits.router(state_dir))
    app.include_router(read_tags.router(feed, state_dir))
    app.include_router(interlock.router(feed, state_dir))
    app.include_router(what_if.router(feed, state_dir))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


async def events(feed: Feed, last: int) -> AsyncIterator[str]:
    """Yield server-sent events, one per cycle, from after record number `last`."""
    yield "retry: 1000\n\n"
    while True:
        fresh = feed.since(last)
        for f in fresh[-200:]:
            last = f["id"]
            yield f"id: {last}\ndata: {json.dumps(f, allow_nan=False)}\n\n"
        async with feed.changed:
            try:
                await asyncio.wait_for(feed.changed.wait(), timeout=5)
            except TimeoutError:
                yield ": still here\n\n"
