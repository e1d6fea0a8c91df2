"""Who may call which endpoint: every route of the page asks here first, and nowhere else.

A route names its action: `person: Annotated[Person, Depends(require("mode"))]`. Refused is what
the one table does not allow, what comes from another site, and what has no session. GET routes
name an action too, mostly `view`; only `/`, the static files and the sign-in need none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse

from service.people.roles import ACTIONS, NOBODY, NOBODY_ROLE, Person, may

__all__ = ["ACTIONS", "Access", "Person", "require"]

_SAFE = ("GET", "HEAD", "OPTIONS")

PersonOf = Callable[[Request], Awaitable[Person]]
Refused = Callable[[Request, Person, str, str], Awaitable[None]]


async def _nobody(_: Request) -> Person:
    return NOBODY


async def _untold(_: Request, __: Person, ___: str, ____: str) -> None:
    return None


@dataclass(slots=True)
class Access:
    """What `require` needs: who is signed in, whom a refusal is told, and whether all may read."""

    person_of: PersonOf = _nobody
    refused: Refused = _untold
    read_open: bool = False


def require(action: str) -> Callable[[Request], Awaitable[Person]]:
    """Return the dependency that lets a request pass for `action`, and says who makes it.

    Raises KeyError while the page is built when the table has no such action.
    """
    ACTIONS[action]

    async def allowed(request: Request) -> Person:
        access: Access = request.app.state.access
        person = await access.person_of(request)
        status, why = _refusal(request, person, action, read_open=access.read_open)
        if why:
            await access.refused(request, person, action, why)
            raise HTTPException(status, why)
        return person

    return allowed


def _refusal(request: Request, person: Person, action: str, *, read_open: bool) -> tuple[int, str]:
    """Return HTTP status and reason when the request must not pass, else (200, '')."""
    if request.method not in _SAFE and (foreign := cross_site(request)):
        return 403, foreign
    if may(person.role, action) or (action == "view" and read_open):
        return 200, ""
    if person.role == NOBODY_ROLE:
        return 401, "Refused: sign in first."
    return 403, f"Refused: {person.name} is registered as {person.role}, which may not do this."


def cross_site(request: Request) -> str:
    """Return why a state-changing request is refused, or '' when it comes from our own page."""
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
