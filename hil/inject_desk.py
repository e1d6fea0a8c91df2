"""Faults of people at a desk, played on the parts that meet them: alarms, passwords, foreign forms.

Each story works in a scratch folder and returns what was said. Time is passed on, never waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from hil.inject_config import NOW
from service.alarms.catalogue import catalogue
from service.alarms.desk import Desk
from service.alarms.states import AlarmError
from service.clock import utc_text
from service.people.accounts import Accounts, SignInRefusedError
from service.people.secret import Cost
from service.people.store import PeopleStore
from service.sealed_file import write_sealed

CHEAP = Cost(1, 64, 1)
ALARM, SCOPE = "coating.shed", "coating"


def shelved_alarm(_folder: Path, sealed: Mapping[str, Any], minutes: float) -> str:
    """An alarm that stands is shelved for so many minutes and never thought of again."""
    desk, utc = Desk(catalogue(sealed), {}, 0.0), utc_text(NOW)
    found = {ALARM: "the PLC has the loop"}
    for now_s in (0.0, 600.0):  # it has to last before it is believed
        desk.look(SCOPE, found, now_s, utc, idle=False)
    try:
        desk.act("shelve", ALARM, "kim", "known, is looked at", 600.0, utc, minutes)
    except AlarmError as refusal:
        return f"refused: {refusal}"
    states = []
    for now_s in (601.0, 600.0 + 60.0 * minutes + 1.0):
        desk.look(SCOPE, found, now_s, utc, idle=False)
        states += [row["state"] for row in desk.standing() if row["id"] == ALARM]
    words = " then ".join(str(state) for state in states)
    return f"{words}: back by itself" if words == "SHELVED then UNACK" else f"stays away: {words}"


def passwords_tried(folder: Path, _sealed: Mapping[str, Any], guesses: int) -> str:
    """Somebody tries so many passwords of one person; then the person comes with the right one."""
    now_s = NOW.timestamp()
    store = PeopleStore(folder)
    try:
        accounts = Accounts(store, CHEAP)
        code = accounts.add("kim", "Kim Yuna", "operator", now_s)
        accounts.set_up("kim", code, "a right old horse stands here", now_s)
        for number in range(guesses):
            try:
                accounts.signed_in("kim", f"guess {number}", now_s + number)
            except SignInRefusedError as refusal:
                why = refusal.why
            else:
                return "a guess was let in"
        try:
            accounts.signed_in("kim", "a right old horse stands here", now_s + guesses)
        except SignInRefusedError as refusal:
            return f"locked out: {refusal.why}"
        return f"the last guess was refused ({why}), and nobody had to wait"
    finally:
        store.close()


def foreign_form(folder: Path, sealed: Mapping[str, Any], origin: str) -> str:
    """A page of `origin` in an operator's browser posts a request for AUTO to ours."""
    write_sealed(sealed, folder / "sealed.json")

    from service.page.app import build_app  # a web framework, for this one story

    async def post() -> str:
        transport = httpx.ASGITransport(build_app(folder, CHEAP))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as page:
            words = {"loop": "coating", "mode": "AUTO", "who": "kim", "why": "because"}
            answer = await page.post("/api/mode", json=words, headers={"origin": origin})
            return f"{answer.status_code}: {answer.json().get('text', '')}"

    return asyncio.run(post())


STORIES: Mapping[str, Callable[..., str]] = {
    story.__name__: story for story in (shelved_alarm, passwords_tried, foreign_form)
}
