"""`python -m service.history --state DIR`: follow the records of a line into its history.

Reports to its watchdog only while it goes round. Trouble with the disk or the server is said and
tried again; the engine neither waits for this process nor knows it.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import json
import logging
import os
import signal
import sys
from pathlib import Path

from records.chain import RecordError
from service.give_way import give_way
from service.history.follower import Follower, open_store
from service.history.store import HistoryError, Store
from service.notify import Notifier
from service.pulse import Pulse, Sign

_POLL_S = 0.5
_PATIENCE_S = 10.0
_LOG = logging.getLogger("rheostat.history")


class Historian:
    """One line's follower, made anew after trouble."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._store: Store | None = None
        self._follower: Follower | None = None
        self.turns = 0
        self.trouble = ""

    def turn(self) -> int:
        """Carry over what is new (blocking); return how many records."""
        if self._follower is None or self._store is None:
            sealed = json.loads((self._state_dir / "sealed.json").read_text("utf-8"))
            self._store = open_store(self._state_dir, str(sealed["line"]["id"]), write=True)
            self._follower = Follower(self._state_dir, self._store)
        return self._follower.catch_up()

    def close(self) -> None:
        """Close records and store."""
        for one in (self._follower, self._store):
            if one is not None:
                one.close()
        self._follower = self._store = None

    async def follow(self, stop: asyncio.Event) -> None:
        """Follow until told to stop."""
        while not stop.is_set():
            carried = 0
            try:
                carried = await asyncio.to_thread(self.turn)
                self.trouble = ""
            except (RecordError, HistoryError, OSError) as error:
                if str(error) != self.trouble:
                    _LOG.warning("history waits: %s", error)
                self.trouble = str(error)
                self.close()
            self.turns += 1
            if not carried:
                try:
                    await asyncio.wait_for(stop.wait(), _POLL_S)
                except TimeoutError:
                    continue
        self.close()


async def run(state_dir: Path) -> None:
    """Follow until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    historian, notifier = Historian(state_dir), Notifier()
    pulse = asyncio.create_task(
        Pulse({"follower": Sign(lambda: historian.turns, _PATIENCE_S)}, notifier).run()
    )
    sys.stdout.write(json.dumps({"ready": "history", "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    notifier.say(READY="1")
    await historian.follow(stop)
    pulse.cancel()


def main() -> None:
    """Follow the records of one line."""
    parser = argparse.ArgumentParser(prog="service.history", description=main.__doc__)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    give_way()
    faulthandler.enable()  # the watchdog's SIGABRT then tells where it hung
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    asyncio.run(run(options.state))


if __name__ == "__main__":
    main()
