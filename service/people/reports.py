"""What the page has to report to the engine's records: kept until the engine took it.

Refused attempts and changes of accounts become rows of the chain. Without an engine they wait in
the accounts' file; a flood is counted, not kept. Requirements SEC-14, SEC-16.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from service.people.store import PeopleStore

Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]

MOST_WAITING = 500
_LONGEST = 200


def printable(text: str) -> str:
    """Return `text` as one short printable line: what a stranger typed forges no second one."""
    shown = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return shown[:_LONGEST]


class Reports:
    """Messages on their way to the engine, in order."""

    def __init__(self, store: PeopleStore) -> None:
        self._store = store
        self.dropped = 0

    def refused(self, who: str, action: str, why: str, address: str) -> None:
        """Keep a refused attempt."""
        texts = {"who": who, "action": action, "why": why, "address": address}
        self._keep({"do": "refused", **{key: printable(text) for key, text in texts.items()}})

    def account(self, what: str, person: str, by: str) -> None:
        """Keep what was done with an account: 'added', 'set-up', 'locked' and so on."""
        texts = {"what": what, "person": person, "who": by}
        self._keep({"do": "account", **{key: printable(text) for key, text in texts.items()}})

    def pass_on(self, ask: Ask) -> int:
        """Give the engine what waits (blocking); return how much still does.

        Raises OSError when no engine answers: then it waits on.
        """
        for number, text in self._store.run("SELECT number, message FROM report ORDER BY number"):
            message = json.loads(text)
            if self.dropped and message["do"] == "refused":
                message["more"], self.dropped = self.dropped, 0
            ask(message)
            self._store.run("DELETE FROM report WHERE number = ?", (number,))
        return self.waiting

    @property
    def waiting(self) -> int:
        """Return how many messages wait."""
        return int(self._store.run("SELECT count(*) FROM report")[0][0])

    def _keep(self, message: Mapping[str, Any]) -> None:
        if self.waiting >= MOST_WAITING:
            self.dropped += 1
            return
        self._store.run("INSERT INTO report (message) VALUES (?)", (json.dumps(message),))
