"""The parent's side of a controller that lives in a process of its own.

A solver may be late, hang, crash or leak; none of that may touch heartbeats, shedding or records.
So the deadline is kept here: an answer that is not back in time is no answer, that child is killed
by its process id, a spare answers the next cycle, and a new spare is built meanwhile. Nothing is
ever queued: one question, one answer or none (SVC-03, F47, F48, GMP-06).

The spare is told every question too, without being asked for a plan, and a new one first hears
the last ones. So it holds the same estimate of the plant as the worker it replaces, and taking
over is no bump. While no spare stands, a worker that is only slow is kept: a late answer is still
no answer, but killing the last worker would turn one slow cycle into many.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from controller.plan import Plan, PlanRequest
from controller.plan_json import plan_from_json, request_to_json
from service.solver_child import BOOT_PATIENCE_S, Child, leashed

_ALIVE = b'{"alive":true}'
_LONGEST_BACKOFF_S = 30.0
_REMEMBERED = 240  # questions a new spare hears: half an hour at 8 s, more than hose and web hold


class SolverProcess:
    """A `Planner` with one worker at work and one warm spare."""

    def __init__(
        self, loop: str, sealed: Mapping[str, Any], command: Sequence[str] | None = None
    ) -> None:
        """Prepare; `start` spawns. `command` replaces the worker's command line (tests)."""
        self._command = list(command or leashed("service.no_network", "controller.worker"))
        self._loop = loop
        self._first_line = self._introduction(sealed)
        self._heir: tuple[Child, bytes] | None = None
        self._active: Child | None = None
        self._spare: Child | None = None
        self._builder: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._asking = False
        self._asked: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._total = 0
        self._teller: asyncio.Task[None] | None = None
        self.counts = {"asked": 0, "answered": 0, "late": 0, "dead": 0, "built": 0, "failed": 0}
        self.last_failure = ""

    def _introduction(self, sealed: Mapping[str, Any]) -> bytes:
        return json.dumps({"loop": self._loop, "sealed": sealed}).encode()

    def start(self) -> None:
        """Begin to build the worker and its spare in the background; returns at once."""
        if self._builder is None or self._builder.done():
            self._builder = asyncio.create_task(self._build())

    async def ready(self) -> None:
        """Return when both the worker and its spare stand (or their building was given up)."""
        if self._builder is not None:
            await asyncio.wait({self._builder})

    @property
    def pids(self) -> list[int]:
        """Return the process ids of the worker (first) and of the spare."""
        return [child.pid for child in (self._active, self._spare) if child and child.alive]

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        """Answer within `deadline_s` wall seconds, or say in the status why there is no proposal.

        The status of a plan without an answer: 'starting' (no worker stands yet), 'late', 'dead',
        'garbled' (it answered nonsense), 'busy' (asked again before answering).
        """
        if self._asking:
            return Plan("busy", None)
        self._asking = True
        line = _line(request)
        self._asked.append(line)
        self._total += 1
        try:
            return await self._ask(line, deadline_s)
        finally:
            self._asking = False
            self._tell_spare()

    async def _ask(self, line: bytes, deadline_s: float) -> Plan:
        child = self._take()
        if child is None:
            return Plan("starting", None, notes=(self.last_failure,) if self.last_failure else ())
        if child.overdue is not None:
            self.counts["late"] += 1
            return Plan("late", None, notes=("still busy with an earlier question, and no spare",))
        self.counts["asked"] += 1
        question = asyncio.create_task(self._hear(child, line))
        try:
            done, _ = await asyncio.wait({question}, timeout=deadline_s)
            if not done:
                return self._late(child, question, deadline_s)
            plan = plan_from_json(json.loads(question.result()))
        except asyncio.CancelledError:
            question.cancel()  # its answer must not meet the next question
            self._lose("dead", "the question was withdrawn")
            raise
        except OSError as error:
            return self._lose("dead", str(error))
        except (ValueError, TypeError, KeyError) as error:
            return self._lose("garbled", f"the answer was no plan: {error!r}")
        self.counts["answered"] += 1
        return plan

    def _late(self, child: Child, question: asyncio.Task[bytes], deadline_s: float) -> Plan:
        """No answer in time: the spare takes over; without one, the worker may finish."""
        child.overdue = question
        note = f"no answer within {deadline_s:.3f} s"
        if self._spare is not None and self._spare.alive:
            return self._lose("late", note)
        self.counts["late"] += 1
        return Plan("late", None, notes=(note,))

    async def _hear(self, child: Child, line: bytes) -> bytes:
        """Ask a child that has heard every question before this one."""
        await self._catch_up(child, self._total - 1)
        answer = await child.ask(line)
        child.heard = self._total
        return answer

    async def _catch_up(self, child: Child, to: int) -> None:
        """Tell a child the questions up to number `to` that it has not heard, each once."""
        async with child.listening:
            while child.heard < to:
                oldest = self._total - len(self._asked)
                number = max(child.heard, oldest)
                await child.ask(b'{"observe":' + self._asked[number - oldest] + b"}")
                child.heard = number + 1

    def _tell_spare(self) -> None:
        """Let spare and heir hear what the worker was asked, off the control path."""
        waiting = [self._spare, self._heir[0] if self._heir else None]
        if any(waiting) and (self._teller is None or self._teller.done()):
            self._teller = asyncio.create_task(self._keep_up([one for one in waiting if one]))

    async def _keep_up(self, waiting: Sequence[Child]) -> None:
        for child in waiting:
            with contextlib.suppress(OSError):  # one that died is found by the next question
                await self._catch_up(child, self._total)

    async def look_after(self, patience_s: float) -> None:
        """Ask worker and spare at leisure whether they live; one that is silent is replaced.

        A question of the loop keeps its own deadline, so only a worker nobody waits for is judged.
        """
        idle = [one for one in (self._active, self._spare) if one and not one.overdue]
        await asyncio.gather(*(self._try(child, patience_s) for child in idle))

    async def _try(self, child: Child, patience_s: float) -> None:
        try:
            await asyncio.wait_for(child.ask(_ALIVE), patience_s)
        except OSError as error:  # a time-out is one
            if not child.overdue:
                self._give_up(child, f"a worker gave no sign of life: {error!r}")

    def _give_up(self, child: Child, note: str) -> None:
        """Kill a worker that is at work for nobody, and build another."""
        if child is self._active:
            self._active = None
        elif child is self._spare:
            self._spare = None
        else:
            return  # somebody else has ended it meanwhile
        self.counts["dead"] += 1
        self.last_failure = note
        self._bury(child)
        self._take()

    async def prepare(self, sealed: Mapping[str, Any]) -> Mapping[str, Any]:
        """Build an heir on another configuration beside those at work; return its facts.

        It has heard the last questions and waits for `inherit`. Raises OSError when it does not
        start. Facts hold under `echo` the limits of each setpoint as its problem holds them.
        """
        await self.disown()
        first_line = self._introduction(sealed)
        self._heir = (await self._boot(first_line), first_line)
        return self._heir[0].facts

    def inherit(self) -> None:
        """Put the heir to work in place of all others; between two questions only."""
        if self._heir is None:
            return
        heir, self._first_line = self._heir
        self._heir = None
        for child in (self._active, self._spare):
            if child is not None:
                self._bury(child)
        self._active, self._spare = heir, None
        self.start()

    async def disown(self) -> None:
        """End the heir, if there is one that is not wanted."""
        heir, self._heir = self._heir, None
        if heir is not None:
            await heir[0].end()

    async def close(self) -> None:
        """Kill and reap every child."""
        await self.disown()
        for task in (self._builder, self._teller):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        for child in (self._active, self._spare):
            if child is not None:
                await child.end()
        if self._ending:
            await asyncio.wait(self._ending)
        self._active = self._spare = None

    def _take(self) -> Child | None:
        """Return the worker to ask; a spare steps in where the worker is gone."""
        for name in ("_active", "_spare"):
            child: Child | None = getattr(self, name)
            if child is not None and not child.alive:
                self.counts["dead"] += 1
                self._bury(child)
                setattr(self, name, None)
        late = self._active
        if late is not None and late.overdue is not None:
            if late.overdue.done() and late.overdue.exception() is None:
                late.overdue = None  # it was only slow; its answer is too old to be used
            elif late.overdue.done() or self._spare is not None:
                self._bury(late)
                self._active = None
        if self._active is None:
            self._active, self._spare = self._spare, None
        if self._active is None or self._spare is None:
            self.start()
        return self._active

    def _lose(self, status: str, note: str) -> Plan:
        """Give up the worker: kill it, let the spare step in, build a new spare."""
        self.counts["late" if status == "late" else "dead"] += 1
        child, self._active = self._active, None
        if child is not None:
            self._bury(child)
        self._take()
        return Plan(status, None, notes=(note,))

    def _bury(self, child: Child) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.process.kill()  # now; the reaping may take its time
        task = asyncio.create_task(child.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _boot(self, first_line: bytes) -> Child:
        """Return a new child that has heard the last questions."""
        child = await Child.boot(self._command, first_line)
        try:
            await asyncio.wait_for(self._catch_up(child, self._total), BOOT_PATIENCE_S)
        except BaseException:
            await child.end()
            raise
        return child

    async def _build(self) -> None:
        """Build until worker and spare stand; after a failure wait longer each time."""
        backoff_s = 0.5
        while self._active is None or self._spare is None:
            first_line = self._first_line
            try:
                child = await self._boot(first_line)
            except (OSError, ValueError) as error:
                self.counts["failed"] += 1
                self.last_failure = f"the worker did not start: {error}"
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)
                continue
            if first_line is not self._first_line:  # an heir has come since: this one is outdated
                await child.end()
                continue
            self.counts["built"] += 1
            self.last_failure = ""
            if self._active is None:
                self._active = child
            else:
                self._spare = child


def _line(request: PlanRequest) -> bytes:
    return json.dumps(request_to_json(request)).encode()
