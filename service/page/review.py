"""Signing that a stretch of the records was reviewed: quality's part of the audit trail.

Requirements REC-06, REC-12.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from records.chain import RecordError
from records.reader import Entry, RecordReader
from service.door_reports import review_meaning
from service.page.access import require
from service.page.identity import Identity
from service.page.mode import passed_on, signed
from service.page.people import Body
from service.people.roles import Person


class Review(Body):
    """Which records were reviewed (first to last, by number), what was found, and the password."""

    first: Annotated[int, Field(ge=1)]
    last: Annotated[int, Field(ge=1)]
    why: Annotated[str, Field(min_length=1, max_length=200)]
    password: Annotated[str, Field(min_length=1, max_length=256)]


def router(identity: Identity) -> APIRouter:
    """Return the route by which a review is signed."""
    routes = APIRouter()

    @routes.post("/api/review")
    async def review(
        given: Review, request: Request, person: Annotated[Person, Depends(require("review"))]
    ) -> JSONResponse:
        row = await asyncio.to_thread(_row, identity, given.last)
        why = given.why.strip()
        meaning = review_meaning(given.first, given.last, why)
        signature = await signed(identity, request, person, given.password, "review", row, meaning)
        message = {"do": "review", "first": given.first, "why": why, "signature": signature}
        return await passed_on(identity.state_dir, message)

    return routes


def _row(identity: Identity, number: int) -> Entry:
    try:
        reader = RecordReader(identity.state_dir / "records.sqlite")
        try:
            row = reader.one(number)
        finally:
            reader.close()
    except RecordError as error:
        raise HTTPException(409, f"The records cannot be read: {error}") from error
    if row is None:
        raise HTTPException(409, f"There is no record {number}.")
    return row
