"""Entering the lots of a batch, striking a wrong entry, and the second person's check.

Requirements GMP-01, REC-06, REC-07.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi import Path as PathPart
from fastapi.responses import JSONResponse
from pydantic import Field

from service.door_entries import LONGEST
from service.lots import check_meaning
from service.page.access import require
from service.page.identity import Identity
from service.page.mode import passed_on, signed
from service.page.people import Body
from service.page.read_file import ask_records
from service.people.roles import Person

Word = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Seq = Annotated[int, PathPart(ge=1, le=2**63 - 1)]


class Lot(Body):
    """One lot of one material, as it stands on the label, and the batch it goes into."""

    batch: Annotated[int, Field(ge=0, le=2**32 - 1)]
    material: Word
    lot: Word


class Strike(Body):
    """Why an entry was wrong."""

    why: Annotated[str, Field(min_length=1, max_length=200)]


class Check(Body):
    """The password, as the second person's signature."""

    password: Annotated[str, Field(min_length=1, max_length=256)]


def router(identity: Identity) -> APIRouter:
    """Return the routes of what people enter about a batch."""
    routes = APIRouter()

    @routes.post("/api/lots")
    async def enter(
        given: Lot, person: Annotated[Person, Depends(require("enter"))]
    ) -> JSONResponse:
        return await passed_on(
            identity.state_dir, {"do": "lot", **given.model_dump(), **_by(person)}
        )

    @routes.post("/api/lots/{seq}/strike")
    async def strike(
        seq: Seq, given: Strike, person: Annotated[Person, Depends(require("enter"))]
    ) -> JSONResponse:
        message = {"do": "lot-strike", "of": seq, "why": given.why, **_by(person)}
        return await passed_on(identity.state_dir, message)

    @routes.post("/api/lots/{seq}/check")
    async def check(
        seq: Seq, given: Check, request: Request,
        person: Annotated[Person, Depends(require("check"))],
    ) -> JSONResponse:  # fmt: skip
        row = await ask_records(identity.state_dir, lambda records: records.one(seq))
        if row is None or row.kind != "entry" or row.body.get("entry") != "lot":
            raise HTTPException(409, f"Record {seq} is no entry of a lot.")
        meaning = check_meaning(row.body)
        signature = await signed(identity, request, person, given.password, "check", row, meaning)
        message = {"do": "lot-check", "signature": signature}
        return await passed_on(identity.state_dir, message)

    return routes


def _by(person: Person) -> dict[str, str]:
    return {"person": person.id, "who": person.name}
