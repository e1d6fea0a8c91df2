"""The operator page's server: reads the record, streams it, and passes mode requests on.

It has no connection to any PLC. The only thing it can cause is a mode request through the
engine's command door, and the engine decides. It serves its own files only: no request leaves
the machine.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from records.chain import RecordError
from records.reader import RecordReader
from service.commands import ask
from service.notify import Notifier
from service.page.access import Access, Person, in_words, require
from service.page.view import Frame, describe, frame, loop_views
from service.pulse import Pulse, Sign

STATIC = Path(__file__).parent / "static"
KEEP = 3000
POLL_S = 0.1
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


class Feed:
    """Follows the record file and keeps the latest cycles, ready to show."""

    def __init__(self, state_dir: Path) -> None:
        self.sealed: dict[str, Any] = json.loads((state_dir / "sealed.json").read_text("utf-8"))
        self.views = loop_views(self.sealed)
        self.frames: deque[Frame] = deque(maxlen=KEEP)
        self.changed = asyncio.Condition()
        self.turns = 0  # of the follower: its sign of life
        self.trouble = ""
        self._path = state_dir / "records.sqlite"
        self._reader: RecordReader | None = None
        self._seen = 0

    def catch_up(self) -> list[Frame]:
        """Read what was recorded since the last call (blocking; call it off the event loop)."""
        if self._reader is None:
            self._reader = RecordReader(self._path)
            self._seen = self._seen or max(0, self._reader.last_seq() - 2 * KEEP)
        rows = self._reader.since(self._seen, limit=2 * KEEP)
        fresh = []
        for row in rows:
            if row.kind == "seal":  # other limits are in force from here on
                self.sealed = row.body["proposal"]["config"]
                self.views = loop_views(self.sealed)
            elif row.kind == "cycle" and row.loop in self.views:
                view = self.views[row.loop]
                fresh.append(frame(row.seq, row.body, view, self.sealed, predict=True))
        if rows:
            self._seen = rows[-1].seq
        return fresh

    async def follow(self) -> None:
        """Keep following until cancelled; trouble with the file is shown, not raised."""
        while True:
            try:
                fresh = await asyncio.to_thread(self.catch_up)
                self.trouble = ""
            except (RecordError, OSError) as error:
                fresh, self.trouble, self._reader = [], str(error), None
            if fresh:
                async with self.changed:
                    self.frames.extend(fresh)
                    self.changed.notify_all()
            self.turns += 1
            await asyncio.sleep(POLL_S)

    def since(self, last: int) -> list[Frame]:
        """Return the frames after record number `last`."""
        return [f for f in self.frames if f["id"] > last]


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
        return describe(feed.sealed)

    @app.get("/api/status")
    async def status() -> dict[str, Any]:
        return await engine_status(state_dir) | {"records": feed.trouble or "ok"}

    @app.get("/api/history")
    async def history() -> list[Frame]:
        return [{k: v for k, v in f.items() if k != "predicted"} for f in feed.frames]

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
