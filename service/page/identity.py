"""Who sits at the page: from the session's cookie to the person who counts now.

Name and role are looked up for every request in the configuration in force, so that a signed
revocation acts at once. Requirements SEC-07, SEC-09, SEC-16, REC-14.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Container, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request, Response

from service.commands import ask
from service.page.rates import Rates
from service.people.accounts import Account, Accounts, PeopleError
from service.people.reports import Reports, printable
from service.people.roles import NOBODY, UNREGISTERED_ROLE, Person
from service.people.secret import Cost
from service.people.sessions import Sessions
from service.people.standing import auto_is_signed
from service.people.store import PeopleStore

COOKIE = "rheostat_session"
HASHES_AT_ONCE = 2
"""Argon2id takes 64 MiB each; more callers than this wait in line."""

_UNTOLD_AGAIN_S = 5.0
_DEFAULTS: Mapping[str, Any] = {
    "read": "signed-in", "idle": 900.0, "longest": 43_200.0,
    "hosts": ["localhost", "127.0.0.1", "::1"],
}  # fmt: skip
"""For a line that was sealed before the page had settings."""


class Identity:
    """Accounts, sessions and reports of one page, and the configuration they are judged by."""

    def __init__(
        self,
        state_dir: Path,
        sealed: Callable[[], Mapping[str, Any]],
        cost: Cost | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """`sealed` returns the configuration in force; `now_s` the calendar time, in Unix s."""
        self.state_dir = state_dir
        self.sealed = sealed
        self.now_s = now_s
        store = PeopleStore(state_dir)
        self.accounts = Accounts(store, cost)
        self.sessions = Sessions(store)
        self.reports = Reports(store)
        self.hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self.guesses = Rates(per_minute=10)  # sign-ins and set-ups from one address
        self.hosts = _Hosts(lambda: self.settings["hosts"])
        self._told = asyncio.Event()

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return how the page is to be used, from the configuration in force."""
        return {**_DEFAULTS, **self.sealed().get("page", {})}

    def read_open(self) -> bool:
        """Say whether everybody may look."""
        return bool(self.settings["read"] == "open")

    async def person_of(self, request: Request) -> Person:
        """Return who makes a request; NOBODY without a session that lasts."""
        token = request.cookies.get(COOKIE, "")
        if not token:
            return NOBODY
        person = await asyncio.to_thread(self._person, token)
        if request.method != "GET":
            await asyncio.to_thread(self.sessions.touch, token, self.now_s())
        return person

    async def refused(self, request: Request, person: Person, action: str, why: str) -> None:
        """Note a refused attempt in the log, and for the engine's records."""
        await self.note_refused(request, person.id or "not signed in", action, why)

    async def note_refused(self, request: Request, who: str, action: str, why: str) -> None:
        """Note an attempt of somebody who only claims to be `who`."""
        address = request.client.host if request.client else "?"
        logging.getLogger("rheostat.page").warning(
            "refused: %s by %s from %s: %s", printable(action), printable(who), address,
            printable(why),
        )  # fmt: skip
        await asyncio.to_thread(self.reports.refused, who, action, why, address)
        self._told.set()

    async def note_account(self, what: str, person: str, by: str) -> None:
        """Note what was done with an account."""
        await asyncio.to_thread(self.reports.account, what, person, by)
        self._told.set()

    async def pass_reports_on(self) -> None:
        """Give the engine what is to be reported, until cancelled."""
        while True:
            with contextlib.suppress(OSError):  # no engine: they wait in the file
                await asyncio.to_thread(self.reports.pass_on, lambda m: ask(self.state_dir, m))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _UNTOLD_AGAIN_S)
            self._told.clear()

    def begin(self, request: Request, response: Response, person: str) -> None:
        """Sign a person in: a new session, whatever the browser held before."""
        old = request.cookies.get(COOKIE, "")
        token = self.sessions.begin(person, self.now_s(), instead_of=old)
        response.set_cookie(
            COOKIE, token, httponly=True, samesite="strict", path="/",
            secure=request.url.scheme == "https", max_age=int(self.settings["longest"]),
        )  # fmt: skip

    def end(self, request: Request, response: Response) -> None:
        """Sign out."""
        self.sessions.end(request.cookies.get(COOKIE, ""))
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")

    def sessions_of(self, request: Request | None, person: str) -> list[dict[str, Any]]:
        """Return the sessions that last, of one person or of all; `this` is the request's own."""
        settings = self.settings
        limits = (self.now_s(), settings["idle"], settings["longest"])
        token = request.cookies.get(COOKIE, "") if request else ""
        own = self.sessions.of(token, *limits) if token else None
        return [
            {"person": one.person, "since": _utc(one.made_s), "seen": _utc(one.seen_s),
             "this": one == own}
            for one in self.sessions.lasting(*limits)
            if not person or one.person == person
        ]  # fmt: skip

    def end_others(self, request: Request, person: str) -> int:
        """End every session of a person but the request's own; return how many there were."""
        return self.sessions.end_others(person, request.cookies.get(COOKIE, ""))

    def _person(self, token: str) -> Person:
        settings = self.settings
        session = self.sessions.of(token, self.now_s(), settings["idle"], settings["longest"])
        if session is None:
            return NOBODY
        try:
            return person_in_force(self.accounts.one(session.person), self.sealed())
        except PeopleError:
            return NOBODY


def _utc(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).isoformat(timespec="seconds")


class _Hosts:
    """The names the page answers to, as they are in force."""

    def __init__(self, names: Callable[[], Container[str]]) -> None:
        self._names = names

    def __contains__(self, name: object) -> bool:
        return name in self._names()


def person_in_force(account: Account, sealed: Mapping[str, Any]) -> Person:
    """Return who an account's person is now: name and role of the register in force.

    A revoked or locked one is nobody. One who is not registered with this account's key may look
    only, and so may one whose provider gives another role than the register; while the line is
    being commissioned, an account outside the register has its own role.
    """
    entry = sealed.get("people", {}).get(account.id)
    if account.state != "active" or (entry is not None and entry.get("revoked")):
        return NOBODY
    vouched = account.subject is None or (entry is not None and account.role == entry["role"])
    if entry is not None and entry["key"] == account.public and vouched:
        return Person(account.id, str(entry["name"]), str(entry["role"]))
    if entry is None and not auto_is_signed(sealed):
        return Person(account.id, account.name, account.role)
    return Person(account.id, account.name, UNREGISTERED_ROLE)
