"""`python -m service.outward --state DIR`: show a line to SCADA by OPC UA.

Follows the records and the engine's status; the one thing it passes on is an acknowledgement, by
the engine's command door and in the name of the OPC UA user.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import json
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fieldbus.outward.conditions import Conditions
from fieldbus.outward.server import OutwardError, OutwardServer
from fieldbus.pki import Pki, PkiError
from records.chain import RecordError
from records.reader import RecordReader
from service.commands import ask
from service.give_way import give_way
from service.notify import Notifier
from service.outward.model import alarms, identification, of_engine, points, values
from service.outward.settings import SettingsError, Users, folder_of, read_settings
from service.page.view import Frame, frame, loop_views
from service.pulse import Pulse, Sign
from service.sealed_file import read_sealed

_EVERY_S = 0.5
_PATIENCE_S = 10.0
_ANSWER_WITHIN_S = 2.0


class Follower:
    """The latest cycle of each loop, and what the engine says of itself."""

    def __init__(self, state_dir: Path) -> None:
        self.sealed: dict[str, Any] = dict(read_sealed(state_dir / "sealed.json"))
        self.frames: dict[str, Frame] = {}
        self.status: Mapping[str, Any] = {}
        self.seq = 0
        self.speed = 1.0
        self._state_dir = state_dir
        self._reader: RecordReader | None = None

    def look(self) -> None:
        """Read what is new (blocking); trouble shows as values that grow stale."""
        try:
            self._read_on()
        except (RecordError, OSError):
            self._reader = None
        try:
            self.status = ask(self._state_dir, {"do": "status"}, _ANSWER_WITHIN_S)
        except OSError:
            self.status = {}

    def _read_on(self) -> None:
        if self._reader is None:
            self._reader = RecordReader(self._state_dir / "records.sqlite")
        last = self._reader.last_seq()
        if last == self.seq:
            return
        for row in self._reader.last_of_kind("start", 1):
            self.speed = float(row.body.get("speed", 1.0))
        for row in self._reader.last_of_kind("seal", 1):  # other limits may be in force
            self.sealed = row.body["proposal"]["config"]
        for name, view in loop_views(self.sealed).items():
            for row in self._reader.last_cycles(name, 1):
                self.frames[name] = frame(row.seq, row.body, view, self.sealed, predict=False)
        self.seq = last


class Outward:
    """The server of one line with what it follows."""

    def __init__(self, state_dir: Path) -> None:
        """Prepare; raises SettingsError or OutwardError when it may not serve like this."""
        settings = read_settings(state_dir)
        self._state_dir = state_dir
        self.follower = Follower(state_dir)
        self.server = OutwardServer(
            settings.endpoint, Pki(folder_of(state_dir) / "pki"), Users(state_dir).is_user,
            insecure=settings.insecure,
        )  # fmt: skip
        self._line = str(self.follower.sealed["line"]["id"])
        self._conditions = Conditions(self.server, self._line, self._acknowledge)
        self.turns = 0

    async def open(self) -> None:
        """Build the address space, show what there is, and listen."""
        await asyncio.to_thread(self.follower.look)
        sealed = self.follower.sealed
        software = str((self.follower.status.get("hashes") or {}).get("software", ""))[:12]
        await self.server.open(self._line, points(sealed), identification(sealed, software))
        await self._conditions.open()
        await self._show()
        await self.server.start()

    async def follow(self) -> None:
        """Go on showing until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await asyncio.to_thread(self.follower.look)
            await self._show()
            self.turns += 1

    async def _show(self) -> None:
        seen, now = self.follower, datetime.now(UTC)
        shown = values(seen.sealed, seen.frames, now, seen.speed)
        await self.server.publish(shown | of_engine(seen.sealed, seen.status, seen.seq), now)
        await self._conditions.show(alarms(seen.status))

    async def _acknowledge(self, alarm: str, who: str, comment: str) -> bool:
        message = {
            "do": "alarm", "what": "acknowledge", "alarm": alarm, "who": f"{who} (OPC UA)",
            "why": comment,
        }  # fmt: skip
        try:
            answer = await asyncio.to_thread(ask, self._state_dir, message, _ANSWER_WITHIN_S)
        except OSError:
            return False
        return answer.get("ok") is True


async def run(state_dir: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    outward, notifier = Outward(state_dir), Notifier()
    await outward.open()
    pulse = Pulse({"follower": Sign(lambda: outward.turns, _PATIENCE_S)}, notifier)
    tasks = [asyncio.create_task(work) for work in (outward.follow(), pulse.run())]
    told = asyncio.create_task(stop.wait())
    notifier.say(READY="1")
    sys.stdout.write(json.dumps({"ready": "outward"}) + "\n")
    sys.stdout.flush()
    try:
        done, _ = await asyncio.wait({told, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {told}:
            task.result()
    finally:
        notifier.say(STOPPING="1")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await outward.server.stop()


def main() -> int:
    """Serve one line; words and exit code 1 when it may not."""
    parser = argparse.ArgumentParser(prog="service.outward", description=main.__doc__)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    give_way()
    faulthandler.enable()  # the watchdog's SIGABRT then tells where it hung
    try:
        asyncio.run(run(options.state))
    except (SettingsError, OutwardError, PkiError, OSError, ValueError) as error:
        sys.stderr.write(f"rheostat: the outward server does not start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
