"""The operator page's server: reads the record, streams it, and passes mode requests on.

It has no connection to any PLC. The only thing it can cause is a mode request through the
engine's command door, and the engine decides. It serves its own files only: no request leaves
the machine.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from service.clock import utc_text
from service.commands import ask
from service.notify import Notifier
from service.page import read_recent
from service.page.access import Access, Person, in_words, require
from service.page.feed import Feed
from service.page.view import describe
from service.pulse import Pulse, Sign

STATIC = Path(__file__).parent / "static"
FOLLOWER_PATIENCE_S = 10.0  # a page that shows a picture this old without a word is worse than none
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class ModeRequest(BaseModel):
    """What an operator may ask of the engine."""

    model_config = ConfigDict(extra="forbid", strict=True)

    loop: str = Field(max_length=64)
    mode: Literal["OFF", "SHADOW", "AUTO"]
    who: str = Field(min_length=1, max_length=64)
    reset: bool = False


def build_app(state_dir: Path) -> FastAPI:
    """Return the page's application for the engine whose state stands in `state_dir`."""
    feed = Feed(state_dir)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        notifier = Notifier()
        pulse = Pulse({"follower": Sign(lambda: feed.turns, FOLLOWER_PATIENCE_S)}, notifier)
        tasks = [asyncio.create_task(feed.follow()), asyncio.create_task(pulse.run())]
        notifier.say(READY="1")
        yield
        for task in tasks:
            task.cancel()

    app = FastAPI(title="Rheostat", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_exception_handler(HTTPException, in_words)
    app.state.access = Access(person_of=_whoever, read_open=True)

    @app.middleware("http")
    async def guard(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers.update(HEADERS)
        return response

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/api/line")
    async def line() -> dict[str, Any]:
        routes = sorted(app.openapi()["paths"])  # a part that is not there is not asked for
        return {**describe(feed.sealed), "routes": routes}

    @app.get("/api/status")
    async def status() -> dict[str, Any]:
        return await engine_status(state_dir) | {
            "records": feed.trouble or "ok",
            "page_utc": utc_text(datetime.now(UTC)),
        }

    @app.get("/api/stream")
    async def stream(
        last_event_id: Annotated[int | None, Header()] = None, after: int = 0
    ) -> StreamingResponse:
        start = last_event_id if last_event_id is not None else after
        return StreamingResponse(events(feed, start), media_type="text/event-stream")

    @app.post("/api/mode")
    async def mode(
        wanted: ModeRequest, _: Annotated[Person, Depends(require("off"))]
    ) -> JSONResponse:
        message = {"do": "mode", **wanted.model_dump()}
        try:
            answer = await asyncio.to_thread(ask, state_dir, message)
        except OSError as error:
            answer = {"ok": False, "text": f"The engine does not answer: {error}"}
        return JSONResponse(answer, status_code=200 if answer.get("ok") else 409)

    app.include_router(read_recent.router(feed))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


async def _whoever(_: Request) -> Person:
    """Until people have accounts: whoever reaches the page may ask, and gives a name."""
    return Person("", "", "operator")


async def engine_status(state_dir: Path) -> dict[str, Any]:
    """Return the engine's own status, or why there is none."""
    try:
        return await asyncio.to_thread(ask, state_dir, {"do": "status"})
    except OSError as error:
        return {"ok": False, "text": f"The engine does not answer: {error}"}


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
