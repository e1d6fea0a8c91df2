"""Which line's history a command means: its store, its archive, the rules in force."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.limits_place import state_of_line
from cli.refusal import RefusalError, say

if TYPE_CHECKING:
    from records.reader import RecordReader
    from service.history.archive import Archive
    from service.history.store import Store


@dataclass(frozen=True, slots=True)
class History:
    """One line's history; `sealed` is the configuration in force by the records."""

    place: Path
    sealed: Mapping[str, Any]
    store: Store
    archive: Archive
    records: RecordReader

    @property
    def rules(self) -> Mapping[str, Any]:
        """Return what the configuration in force lets go when; empty: nothing ever."""
        rules: Mapping[str, Any] = self.sealed.get("history", {})
        return rules

    def reviewed(self) -> list[tuple[int, int]]:
        """Return first and last record of every stretch whose review was signed."""
        from service.history.reviews import reviews, spans_of

        return spans_of(reviews(self.records))

    def record_faults(self) -> list[str]:
        """Return where the manifest is not what the records say was once its newest line."""
        told = [one.body for one in self.records.last_of_kind("event", 10**6)
                if one.body.get("event") == "history"]  # fmt: skip
        lines = {line.number: line.hash for line in self.archive.lines()} if told else {}
        return [
            f"line {body['line']} of the manifest is not the one the records tell of"
            for body in told if lines.get(body["line"]) != body["hash"]
        ]  # fmt: skip

    def tell_engine(self, what: str, why: str) -> None:
        """Have the records tell what was done; without an engine the manifest does so alone."""
        from service.commands import ask

        newest = self.archive.lines()[-1]
        message = {
            "do": "kept", "what": what, "why": why, "who": getpass.getuser(),
            "line": newest.number, "hash": newest.hash,
        }  # fmt: skip
        try:
            answer = ask(self.place, message)
        except OSError:
            say("no engine runs: the manifest of the archive tells it, the records do not")
            return
        if not answer.get("ok", True):
            say(f"the engine did not record it: {answer.get('text')}")


@contextmanager
def history_of(state: Path | None) -> Iterator[History]:
    """Open the history of a line for one command; what goes wrong is said in words.

    Raises:
        RefusalError: there is no such line, or its history or records cannot be used.
    """
    place = state_of_line(state)
    from records.chain import RecordError
    from records.reader import RecordReader
    from service.history.archive import archive_of
    from service.history.follower import history_folder, in_force, open_store
    from service.history.store import HistoryError

    try:
        records = RecordReader(place / "records.sqlite")
        try:
            sealed = in_force(place, records, records.last_seq())
            store = open_store(place, str(sealed["line"]["id"]))
            try:
                yield History(place, sealed, store, archive_of(history_folder(place)), records)
            finally:
                store.close()
        finally:
            records.close()
    except (RecordError, HistoryError, OSError, ValueError) as error:
        what, _, step = str(error).partition(" Next: ")
        raise RefusalError(
            what.rstrip("."),
            "what is kept has to be whole, and what cannot be read is not",
            step or "look at the folder, its owner and the disk: ./rheostat doctor",
        ) from error


def now() -> str:
    """Return the time as the records spell it."""
    from datetime import UTC, datetime

    from service.clock import utc_text

    return utc_text(datetime.now(UTC))
