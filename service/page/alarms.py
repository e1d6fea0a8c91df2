"""The alarms on the page: what stands, how the alarm system does, what a person does with one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Path as PathPart
from fastapi.responses import JSONResponse
from pydantic import Field

from service.page.access import require
from service.page.asked import asked
from service.page.mode import passed_on
from service.page.people import Body
from service.people.roles import Person

_MOST_MINUTES = 480.0
AlarmName = Annotated[str, PathPart(max_length=200, pattern=r"^[A-Za-z0-9_.-]+$")]
ACTIONS_OF = {
    "acknowledge": "acknowledge", "reset": "acknowledge", "shelve": "shelve", "unshelve": "shelve",
    "suppress": "suppress", "unsuppress": "suppress",
}  # fmt: skip
"""What is done with an alarm, and the action of the one table that it takes."""


class AlarmAct(Body):
    """Why, and for how long."""

    why: str = Field("", max_length=300)
    minutes: float = Field(0.0, ge=0.0, le=_MOST_MINUTES, allow_inf_nan=False)


def router(state_dir: Path) -> APIRouter:
    """Return the routes of the alarms."""
    routes, engine = APIRouter(), asked(state_dir, "alarms")

    @routes.get("/api/alarms")
    async def alarms(_: Annotated[Person, Depends(require("view"))]) -> JSONResponse:
        answer = await engine.answer()
        return JSONResponse(answer, status_code=200 if answer.get("ok") else 503)

    for what, action in ACTIONS_OF.items():
        routes.add_api_route(
            f"/api/alarms/{{name}}/{what}", _act(state_dir, what, action), methods=["POST"],
            name=f"{what} an alarm",
        )  # fmt: skip
    return routes


def _act(state_dir: Path, what: str, action: str) -> Callable[..., Awaitable[JSONResponse]]:
    allowed = Depends(require(action))

    async def act(name: AlarmName, given: AlarmAct, person: Person = allowed) -> JSONResponse:
        message: dict[str, Any] = {
            "do": "alarm", "what": what, "alarm": name, "who": person.name,
            "why": given.why, "minutes": given.minutes,
        }  # fmt: skip
        return await passed_on(state_dir, message)

    return act
