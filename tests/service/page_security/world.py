"""A page with accounts, in this process, before an engine's desk with real records."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from records.reader import Entry, RecordReader
from records.recorder import FileRecorder
from safety.words import Mode
from service.clock import ManualClock
from service.commands import CommandDoor
from service.cycle import loop_context, run_cycle
from service.door_entries import EntryDesk
from service.door_reports import ReportDesk
from service.limits_keeper import SealKeeper
from service.loop_runner import LoopRunner
from service.page.app import build_app
from service.people.accounts import Accounts
from service.people.secret import Cost
from service.people.store import PeopleStore
from service.requests import RequestDesk
from service.signed_auto import signed_by
from service.solver_process import SolverProcess
from tests.service.signers import line
from tests.service.small_line import LOOP, FakePlanner, FakePlant

CHEAP = Cost(1, 64, 1)
PASSWORD = "violet otter reads maps"
NAMES = {
    "olga": ("Olga Stern", "operator"), "emil": ("Emil Berg", "engineer"),
    "quin": ("Quin Vale", "qa-approver"), "ada": ("Ada Roth", "admin"),
    "aude": ("Aude Lind", "auditor"),
}  # fmt: skip
OWN = {"X-Rheostat": "1"}


class EngineRoom:
    """The engine's command door on one small loop: real desk, real records, a plant in a dict."""

    def __init__(self, state: Path, sealed: Mapping[str, Any], recorded: Mapping[str, Any]) -> None:
        """`sealed` is what the small loop runs on, `recorded` what the records say is in force."""
        self.state, self.sealed, self._recorded = state, sealed, recorded
        self.runner: LoopRunner | None = None
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._recorder, self._door = self._call(self._open())

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    async def _open(self) -> tuple[FileRecorder, CommandDoor]:
        recorder = await FileRecorder.open(self.state / "records.sqlite")
        clock = ManualClock()
        loop = loop_context(self.sealed, LOOP, FakePlant(clock), FakePlanner(), recorder, clock, {})
        runner = self.runner = LoopRunner(loop, SolverProcess(LOOP, self.sealed, ["nobody"]))
        keeper = SealKeeper(self.state, self._recorded, [])
        for kind, body in keeper.open([], "test", clock.utc()):
            await recorder.append(kind, "", clock.utc(), body)
        clock.set_s(8.0)
        await run_cycle(loop, 8.0)

        async def status() -> Mapping[str, Any]:
            return {"auto": self.sealed.get("auto")}

        async def activate(proposal: str, who: str) -> Mapping[str, Any]:
            await keeper.enforce(recorder, keeper.judge(proposal, _now()), clock.utc())
            return {"version": keeper.seal.proposal.version, "proof": {}, "who": who}

        async def by(runners: Sequence[LoopRunner], message: Mapping[str, Any]) -> str:
            return await signed_by(runners, message, self.sealed, recorder)

        paper = (lambda: recorder, lambda: self.sealed["people"], clock.utc)
        verbs = {**ReportDesk(*paper).verbs(), **EntryDesk(*paper).verbs()}
        desk = RequestDesk({LOOP: runner}, status, activate, by, verbs)
        door = CommandDoor(self.state, desk.answer)
        await door.open()
        return recorder, door

    def cycle(self) -> None:
        """Run one more cycle, so that there is a record to sign since the last request."""
        assert self.runner is not None
        loop = self.runner.loop
        now_s = loop.clock.now_s() + 8.0
        assert isinstance(loop.clock, ManualClock)
        loop.clock.set_s(now_s)
        self._call(run_cycle(loop, now_s))

    def be(self, mode: str) -> None:
        """Stand in a mode, as if the loop had come to it by itself."""
        assert self.runner is not None
        loop = self.runner.loop
        modes = loop.last.state.modes._replace(mode=Mode(mode))
        latches = ("IL-04: tried",) if mode == "TRIPPED" else ()
        state = loop.last.state._replace(modes=modes, latches=latches)
        loop.last = replace(loop.last, state=state)

    def rows(self, kind: str) -> list[Entry]:
        """The records of one kind, the oldest first."""
        reader = RecordReader(self.state / "records.sqlite")
        try:
            return sorted(reader.last_of_kind(kind, 999), key=lambda row: row.seq)
        finally:
            reader.close()

    def close(self) -> None:
        async def ending() -> None:
            await self._door.close()
            await self._recorder.close()

        self._call(ending())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


class Browser:
    """A browser with its own cookies and address, speaking to the application directly."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop, address: str) -> None:
        transport = httpx.ASGITransport(app=app, client=(address, 50000))
        self._client = httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=OWN, verify=False
        )
        self._loop = loop
        self.asked_for_a_password = False

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        work = self._client.request(method, path, **more)
        answer = asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
        self.asked_for_a_password = answer.status_code == 401 and "password" in answer.text
        return answer

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self("POST", path, **more)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies


class World:
    """State folder, accounts of five registered people, engine's desk, and the page."""

    def __init__(
        self, state: Path, *, auto: str = "signed", read: str = "signed-in",
        shown: Mapping[str, Any] | None = None, provider: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """`shown` is the configuration the page sees; without one, that of the small loop."""
        state.mkdir(parents=True, exist_ok=True)
        self.state = state
        self.accounts = Accounts(PeopleStore(state), CHEAP)
        self.people = {id_: self._account(id_, *who) for id_, who in NAMES.items()}
        page: dict[str, Any] = {
            "read": read, "idle": 900.0, "longest": 43_200.0, "hosts": ["localhost"],
        }  # fmt: skip
        page |= {"provider": provider} if provider else {}
        ours = {"people": self.people, "auto": auto, "page": page}
        self.sealed = {**line(), **ours}
        shown = {**(shown or line()), **ours}
        (state / "sealed.json").write_text(json.dumps(shown), "utf-8")
        self.engine = EngineRoom(state, self.sealed, shown)
        self.app = build_app(state, CHEAP)

    def _account(self, id_: str, name: str, role: str) -> dict[str, Any]:
        code = self.accounts.add(id_, name, role, _now().timestamp())
        account = self.accounts.set_up(id_, code, PASSWORD, _now().timestamp())
        return {"name": name, "role": role, "key": account.public, "revoked": None}

    def browser(self, address: str = "127.0.0.1") -> Browser:
        """A browser of its own, with its own cookies."""
        return Browser(self.app, self.engine.loop, address)

    def sign_in(self, id_: str, password: str = PASSWORD) -> Browser:
        """A browser in which somebody has signed in."""
        browser = self.browser(f"10.0.0.{len(id_) + ord(id_[0])}" if id_ else "10.0.0.1")
        if id_:
            answer = browser.post("/api/session", json={"person": id_, "password": password})
            assert answer.status_code == 200, answer.text
        return browser

    def events(self, name: str) -> list[Mapping[str, Any]]:
        """The engine's records of one event, once the page has passed on what it had."""
        self.app.state.identity.reports.pass_on(lambda m: _ask(self.state, m))
        return [row.body for row in self.engine.rows("event") if row.body["event"] == name]

    def close(self) -> None:
        self.engine.close()


def _ask(state: Path, message: Mapping[str, Any]) -> Mapping[str, Any]:
    from service.commands import ask

    return ask(state, message)
