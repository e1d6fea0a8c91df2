"""What every answer of the page carries, and what no request may exceed. Plain ASGI, no buffering.

The headers forbid framing, foreign content and guessing of types; a body is small, and one address
changes things only so often. Requirements SEC-08, SEC-15.
"""

from __future__ import annotations

import json

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.page.rates import Rates

LARGEST_BODY = 64 * 1024
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_OURS = {name for name, _ in _RAW}
_SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Stands in front of the application."""

    def __init__(self, app: ASGIApp, changes: Rates | None = None) -> None:
        self._app = app
        self._changes = changes or Rates(per_minute=120)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = 0

        async def counted() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > LARGEST_BODY:  # the application answers it as any other refusal
                raise HTTPException(
                    413, f"Refused: a request here is at most {LARGEST_BODY // 1024} KiB."
                )
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message.get("headers", []) if pair[0] not in _OURS]
                message = {**message, "headers": [*kept, *_RAW]}
            await send(message)

        address = (scope.get("client") or ("?", 0))[0]
        if scope["method"] not in _SAFE and not self._changes.takes(address):
            await _refuse(with_headers, 429, "Refused: too many requests; wait a few seconds.")
            return
        await self._app(scope, counted, with_headers)


async def _refuse(send: Send, status: int, text: str) -> None:
    body = json.dumps({"ok": False, "text": text}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
