"""Who may call which endpoint: every route of the page asks here first, and nowhere else.

A route names its action: `person: Annotated[Person, Depends(require("mode"))]`. Refused is what
the one table does not allow, what comes from another site, and what has no session. GET routes
name an action too, mostly `view`; only `/`, the static files and the sign-in need none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from service.people.roles import ACTIONS, NOBODY, NOBODY_ROLE, Person, may

__all__ = ["ACTIONS", "Access", "Person", "allowed", "own_page", "require"]

_SAFE = ("GET", "HEAD", "OPTIONS")

PersonOf = Callable[[Request], Awaitable[Person]]
Refused = Callable[[Request, Person, str, str], Awaitable[None]]


async def _nobody(_: Request) -> Person:
    return NOBODY


async def _untold(_: Request, __: Person, ___: str, ____: str) -> None:
    return None


@dataclass(slots=True)
class Access:
    """What `require` needs: who is signed in, whom a refusal is told, and whether all may read.

    `hosts` are the names the page answers to; None is any. A name that is not ours is how a foreign
    site reaches a page on loopback through the browser (DNS rebinding).
    """

    person_of: PersonOf = _nobody
    refused: Refused = _untold
    read_open: Callable[[], bool] = lambda: False
    hosts: Container[str] | None = None


def require(action: str) -> Callable[[Request], Awaitable[Person]]:
    """Return the dependency that lets a request pass for `action`, and says who makes it.

    Raises KeyError while the page is built when the table has no such action.
    """
    ACTIONS[action]

    async def passing(request: Request) -> Person:
        return await allowed(request, action)

    return passing


async def allowed(request: Request, action: str) -> Person:
    """Return who makes a request if they may do `action`; raises HTTPException, in words."""
    access: Access = request.app.state.access
    person = await access.person_of(request)
    status, why = _refusal(access, request, person, action)
    if why:
        if status != 401 or request.method not in _SAFE:  # a session that ended is no attempt
            await access.refused(request, person, action, why)
        raise HTTPException(status, why)
    return person


async def own_page(request: Request) -> None:
    """Let a request of our own page pass, signed in or not; raises HTTPException, in words."""
    access: Access = request.app.state.access
    if why := foreign(access, request):
        await access.refused(request, NOBODY, "sign-in", why)
        raise HTTPException(403, why)


def _refusal(access: Access, request: Request, person: Person, action: str) -> tuple[int, str]:
    """Return HTTP status and reason when the request must not pass, else (200, '')."""
    if why := foreign(access, request):
        return 403, why
    if may(person.role, action) or (action == "view" and access.read_open()):
        return 200, ""
    if person.role == NOBODY_ROLE:
        return 401, "Refused: sign in first."
    return 403, f"Refused: {person.name} is registered as {person.role}, which may not do this."


def foreign(access: Access, request: Request) -> str:
    """Return why a request is not one of our own page, or '' when it is.

    What changes something has to come from our own scripts; every request has to use our name.
    """
    name = request.url.hostname or ""
    if access.hosts is not None and name not in access.hosts:
        return f"Refused: this page does not answer to the name {name[:60]!r}."
    if request.method in _SAFE:
        return ""
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    if origin is not None and origin.split("://", 1)[-1] != host:
        return "Refused: the request comes from another site, not from this page."
    if request.headers.get("x-rheostat") != "1":
        return "Refused: the header X-Rheostat is missing, so this is not our own page."
    return ""


async def in_words(_: Request, error: Exception) -> JSONResponse:
    """Answer every refusal in the one form the page shows: `{"ok": false, "text": why}`."""
    status, text = getattr(error, "status_code", 500), getattr(error, "detail", "")
    return JSONResponse({"ok": False, "text": str(text)}, status_code=int(status))


async def wrong_form(_: Request, error: Exception) -> JSONResponse:
    """Say which field of a request has the wrong form, and repeat nothing of what was sent."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    rows = [{"loc": list(fault["loc"]), "msg": str(fault["msg"])} for fault in faults]
    text = "; ".join(f"{'.'.join(map(str, row['loc'][1:]))}: {row['msg']}" for row in rows)
    return JSONResponse({"ok": False, "text": text, "detail": rows}, status_code=422)
