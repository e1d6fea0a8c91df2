"""The engine process: `python -m service.engine --state DIR --sealed FILE [--speed S]`.

FILE is what the configuration files say. What runs is the version in force by the records; they are
the same at the first start, and later only as far as two people signed for it.

It holds the wire, the gate, the records and the heartbeat, and no numerical library. It starts in
OFF whatever it did before, and it stops by giving every loop back to its PLC. It refuses to start,
in words, when its records or its configuration cannot be trusted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import faulthandler
import gc
import getpass
import json
import logging
import os
import platform
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from fieldbus.pki import Pki
from fieldbus.port_wire import WirePort
from records.canonical import in_canonical_order, sha256_of
from records.chain import RecordError
from records.recorder import FileRecorder
from service.alarms.watch import AlarmWatch, Surroundings
from service.clock import Clock
from service.commands import CommandDoor
from service.cycle import loop_context
from service.door_entries import EntryDesk
from service.door_reports import ReportDesk
from service.identity import hashes_of
from service.limits_change_over import ChangeOver
from service.limits_keeper import SealKeeper
from service.limits_proposal import Seal
from service.loop_runner import LoopRunner, remembered
from service.notify import Notifier
from service.people.standing import auto_is_signed
from service.pulse import Pulse
from service.requests import RequestDesk
from service.sealed_file import read_sealed, write_sealed
from service.self_check import forbidden_maps, forbidden_modules
from service.signed_auto import signed_by
from service.solver_process import SolverProcess
from service.stop_note import forget_stops, take_stops
from service.unconfirmed import unconfirmed
from service.vitals import Vitals

_STOP_PATIENCE_S = 3.0  # wall seconds for the last cycles on the way out
_VERIFY_HOUR_UTC = 3
_HANDED_BACK_WITHIN_S = 2e-4
_LOOK_EVERY_S = 2.0  # wall seconds between two looks at the configuration files


class Engine:
    """Everything one engine process runs, from the first record to the last."""

    def __init__(
        self,
        state_dir: Path,
        given: Mapping[str, Any],
        speed: float = 1.0,
        worker: Sequence[str] | None = None,
        files: Sequence[Path] = (),
    ) -> None:
        """Prepare; nothing is opened yet. `worker` replaces the controller's command (tests).

        `given` is what the configuration `files` say; they are watched from now on.
        """
        state_dir.mkdir(parents=True, exist_ok=True)
        self.state_dir = state_dir
        given = in_canonical_order(given)  # the order in which a replay will read it
        self.keeper = SealKeeper(state_dir, given, files)
        self.clock = Clock(speed)
        self.hashes: Mapping[str, str] = {}
        self._programs = hashes_of(given)  # of what was loaded, whatever the disk says later
        self.runners: dict[str, LoopRunner] = {}
        self._worker = worker
        self.pki = Pki(state_dir / "pki")
        self.alarms: list[str] = []
        self._recorder: FileRecorder | None = None
        self._plant: WirePort | None = None
        self._pid_file = state_dir / "engine.pid"
        self._door = CommandDoor(state_dir, self._answer)
        self._change_over = ChangeOver(self.keeper, self.runners, self._hashes_of, self._in_force)
        paper = (lambda: self.recorder, lambda: self.sealed.get("people", {}), self.clock.utc)
        self._reports = ReportDesk(*paper)
        self._watch = AlarmWatch(
            state_dir, lambda: self.sealed, self.runners, lambda: self.recorder, self._around()
        )
        verbs = {
            **self._reports.verbs(), **EntryDesk(*paper).verbs(),
            "alarm": self._watch.answer, "alarms": self._watch.told,
        }  # fmt: skip
        self._desk = RequestDesk(self.runners, self.status, self._activate, self._signed_by, verbs)
        self._calendar = AsyncIOScheduler(timezone="UTC")
        self._tasks: list[asyncio.Task[None]] = []
        self._aside: list[asyncio.Task[None]] = []
        self._looks = 0
        self._broken = ""  # what the last look at the whole chain found
        self._started_s = time.monotonic()

    @property
    def recorder(self) -> FileRecorder:
        """Return the recorder of a started engine."""
        if self._recorder is None:
            raise RuntimeError("the engine has not been started")
        return self._recorder

    @property
    def sealed(self) -> Mapping[str, Any]:
        """Return the configuration in force, once the records have been opened."""
        return self.keeper.seal.config

    async def start(self) -> None:
        """Open the records, find what is in force, then everything else; every loop is OFF.

        Raises RecordError when the records must be refused; nothing is connected then.
        """
        self._recorder = await FileRecorder.open(self.state_dir / "records.sqlite")
        seals = await self.recorder.seals()
        rows = self.keeper.open(seals, _account(), self.clock.utc())
        self.hashes = self._hashes_of(self.keeper.seal)
        plant = self._plant = WirePort(
            self.sealed, self.clock.now_s, self.clock.speed, pki=self.pki
        )
        for name in self.sealed["loops"]:
            solver = SolverProcess(name, self.sealed, self._worker)
            loop = loop_context(
                self.sealed, name, plant, solver, self.recorder, self.clock, self.hashes
            )
            loop.last = remembered(loop, await self.recorder.last_state(name))
            runner = self.runners[name] = LoopRunner(loop, solver)
            runner.unconfirmed = unconfirmed(name, await self.recorder.unresolved_intent(name))
        await self._record_start()
        for kind, body in rows:
            await self.recorder.append(kind, "", self.clock.utc(), body)
        await self._record_stops()
        self.keeper.folder.forget_waiting()
        for notice in self.keeper.notices():
            logging.getLogger("rheostat").warning(notice)
        await self.look_at_certificates()
        write_sealed(self.sealed, self.state_dir / "sealed.json")
        self._pid_file.write_text(f"{os.getpid()}\n", "ascii")
        await plant.open()
        for runner in self.runners.values():
            runner.solver.start()
        await self._door.open()
        self._tasks = [
            asyncio.create_task(runner.run(), name=f"loop {name}")
            for name, runner in self.runners.items()
        ]
        self._aside = [
            asyncio.create_task(self._watch_files(), name="files"),
            asyncio.create_task(self._watch.run(), name="alarms"),
            *self._live(),
        ]
        self._calendar.add_job(
            self.verify_records,
            CronTrigger(hour=_VERIFY_HOUR_UTC, timezone="UTC"),
            coalesce=True,
            misfire_grace_time=6 * 3600,
        )
        self._calendar.add_job(
            self.look_at_certificates, CronTrigger(minute=0, timezone="UTC"), coalesce=True
        )
        self._calendar.start()

    async def serve(self, stop: asyncio.Event) -> None:
        """Run until told to stop; a loop whose task ends by itself stops the engine."""
        told = asyncio.create_task(stop.wait(), name="stop")
        done, _ = await asyncio.wait({told, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        for task in done - {told}:
            task.result()

    async def stop(self, why: str) -> None:
        """Give the loops back, say so in the records, end every child, close every socket."""
        await self._door.close()
        if self._calendar.running:
            self._calendar.shutdown(wait=False)
        ending = [*self._tasks, *self._aside]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        last_cycles = asyncio.gather(*(runner.let_go() for runner in self.runners.values()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(last_cycles, _STOP_PATIENCE_S)
        for runner in self.runners.values():
            await runner.solver.close()
        if self._plant is not None:
            await self._plant.close()
        if self._recorder is not None:
            with contextlib.suppress(RecordError):
                await self._recorder.append("stop", "", self.clock.utc(), {"why": why})
            await self._recorder.close()
            self._pid_file.unlink(missing_ok=True)

    async def status(self) -> dict[str, Any]:
        """Return the whole picture: the process, its workers, its sources, its loops."""
        return {
            "pid": os.getpid(),
            "uptime_s": round(time.monotonic() - self._started_s, 3),
            "speed": self.clock.speed,
            "utc": self.clock.utc(),
            "line": self.sealed["line"],
            "hashes": dict(self.hashes),
            "seal": self.keeper.summary(),
            "auto": "signed" if auto_is_signed(self.sealed) else "named",
            "alarms": self._watch.desk.standing(),
            "certificates": list(self.alarms),
            "workers": {name: runner.solver.pids for name, runner in self.runners.items()},
            "forbidden_modules": forbidden_modules(),
            "forbidden_maps": forbidden_maps(),
            "sources": self._plant.sources_status() if self._plant else {},
            "records": str(self.recorder.path),
            "loops": {name: runner.status() for name, runner in self.runners.items()},
        }

    async def verify_records(self) -> dict[str, Any]:
        """Verify the whole chain in a process of its own, and record what it found."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "records.verify", str(self.recorder.path),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await process.communicate()
        report: dict[str, Any] = json.loads(output)
        body = {"event": "chain-verified", **report}
        await self.recorder.append("event", "", self.clock.utc(), body)
        self._broken = "" if report["ok"] else str(report["text"])
        if not report["ok"]:
            logging.getLogger("rheostat").error("the record chain is broken: %s", report["text"])
        return report

    def _around(self) -> Surroundings:
        return Surroundings(
            sources=lambda: self._plant.sources_status() if self._plant else {},
            configuration=lambda: "; ".join(self.keeper.notices()),
            certificates=lambda: "; ".join(self.alarms),
            records=lambda: self._broken,
            refused=lambda: self._reports.refused_lately(),
        )

    async def _signed_by(self, runners: Sequence[LoopRunner], message: Mapping[str, Any]) -> str:
        return await signed_by(runners, message, self.sealed, self.recorder)

    async def look_at_certificates(self) -> None:
        """Alarm what has expired or soon will, and record each alarm when it first comes."""
        sources = self.sealed["sources"].values()
        secured = any(source.get("security") or source.get("tls") for source in sources)
        alarms = self.pki.warnings() if secured else []
        for text in alarms:
            if text not in self.alarms:
                logging.getLogger("rheostat").warning("certificates: %s", text)
                body = {"event": "certificate-alarm", "text": text}
                await self.recorder.append("event", "", self.clock.utc(), body)
        self.alarms = alarms

    async def _answer(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._desk.answer(message)

    async def _activate(self, proposal: str, who: str) -> Mapping[str, Any]:
        return await self._change_over.activate(self.recorder, proposal, who, self.clock.utc)

    def _hashes_of(self, seal: Seal) -> Mapping[str, str]:
        proposal = seal.proposal
        return {**self._programs, "config": sha256_of(proposal.config), "seal": proposal.sha256}

    def _in_force(self, seal: Seal) -> None:
        self.hashes = self._hashes_of(seal)
        write_sealed(seal.config, self.state_dir / "sealed.json")

    async def _watch_files(self) -> None:
        """Record every edit of a configuration file while we run; it changes nothing."""
        while True:
            for body in self.keeper.look_at_files():
                logging.getLogger("rheostat").warning("%s was edited on the disk", body["file"])
                with contextlib.suppress(RecordError):  # the loops shed when nothing lands
                    await self.recorder.append("event", "", self.clock.utc(), body)
            self._looks += 1
            await asyncio.sleep(_LOOK_EVERY_S)

    def _live(self) -> list[asyncio.Task[None]]:
        """Start what reports to the watchdog that every part of this engine is alive."""
        vitals = Vitals(
            self.state_dir, self.runners, lambda: self.recorder.finished, lambda: self._looks,
            self.sealed, self.clock.speed,
        )  # fmt: skip
        pulse = Pulse(vitals.signs(), Notifier())
        return [asyncio.create_task(work) for work in (*vitals.trials(), pulse.run())]

    async def _record_stops(self) -> None:
        """Record what a supervisor has seen of the runs before: kills, crashes, a crash loop."""
        for note in take_stops(self.state_dir):
            logging.getLogger("rheostat").warning("before this start: %s", note)
            body = {"event": "ended-before", **note}
            await self.recorder.append("event", "", self.clock.utc(), body)
        forget_stops(self.state_dir)

    async def _record_start(self) -> None:
        """Record who starts, on which files, and which writes of the last run nobody confirmed."""
        unresolved = {name: runner.unconfirmed for name, runner in self.runners.items()}
        body = {
            "pid": os.getpid(),
            "hashes": dict(self.hashes),
            "speed": self.clock.speed,
            "python": platform.python_version(),
            "host": platform.node(),
            "unresolved_intents": {name: write.row for name, write in unresolved.items() if write},
            "loops": {name: runner.loop.last.state.mode.value
                      for name, runner in self.runners.items()},
            "alarms": self._watch.open(self.clock.now_s()),
            "sealed": self.sealed,
        }  # fmt: skip
        await self.recorder.append("start", "", self.clock.utc(), body)


def _account() -> str:
    """Return whose account this process runs under."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _keep_out_of_the_way() -> None:
    """Keep the interpreter's own housekeeping out of the cycles.

    What stands after the start stays for good, so no collection walks it again; and a thread that
    writes records gives the interpreter back to a cycle in a fraction of a millisecond, where five
    are usual.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_HANDED_BACK_WITHIN_S)


async def run(
    state_dir: Path,
    sealed: Mapping[str, Any],
    speed: float,
    worker: Sequence[str] | None = None,
    files: Sequence[Path] = (),
) -> None:
    """Run one engine until SIGTERM or SIGINT."""
    engine = Engine(state_dir, sealed, speed, worker, files)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    why = "start failed"
    try:
        await engine.start()
        _keep_out_of_the_way()
        sys.stdout.write(json.dumps({"ready": "engine", "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        Notifier().say(READY="1", STATUS="every loop is OFF until a person asks for more")
        why = "a loop ended by itself"
        await engine.serve(stop)
        why = "asked to stop"
    finally:
        Notifier().say(STOPPING="1", STATUS=why)
        await engine.stop(why)


def main() -> int:
    """Start the engine from the command line; words and exit code 1 when it refuses."""
    parser = argparse.ArgumentParser(prog="service.engine", description=main.__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--sealed", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--watch", type=Path, action="append", default=[])
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    faulthandler.enable()  # the watchdog's SIGABRT then tells where it hung
    try:
        given = read_sealed(options.sealed)
        asyncio.run(run(options.state, given, options.speed, files=options.watch))
    except (RecordError, OSError, ValueError) as error:
        sys.stderr.write(f"rheostat: the engine does not start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
