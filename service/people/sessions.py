"""Sessions: kept by the server, named by a random token of which only the digest is stored.

A session is new at every sign-in, so a token planted before is worth nothing. It ends after a time
without a person's touch, after a longest time in any case, and when its person is locked, reset or
changes the password. Requirements SEC-09, REC-06.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.people.secret import digest, new_token
from service.people.store import PeopleStore


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in: whose, since when, last touched when (Unix seconds)."""

    person: str
    made_s: float
    seen_s: float


class Sessions:
    """The sessions of one page. `idle_s` and `longest_s` come from the configuration in force."""

    def __init__(self, store: PeopleStore) -> None:
        self._store = store

    def begin(self, person: str, now_s: float, instead_of: str = "") -> str:
        """Return the token of a new session; the one it stands `instead_of` ends."""
        token = new_token()
        self.end(instead_of)
        self._store.run(
            "INSERT INTO session VALUES (?, ?, ?, ?)", (digest(token), person, now_s, now_s)
        )
        return token

    def of(self, token: str, now_s: float, idle_s: float, longest_s: float) -> Session | None:
        """Return the session of a token while it lasts; one that is over is forgotten."""
        rows = self._store.run(
            "SELECT person, made_s, seen_s FROM session WHERE token = ?", (digest(token),)
        )
        if not rows:
            return None
        session = Session(*rows[0])
        if not _lasts(session, now_s, idle_s, longest_s):
            self.end(token)
            return None
        return session

    def touch(self, token: str, now_s: float) -> None:
        """Note that its person did something."""
        self._store.run("UPDATE session SET seen_s = ? WHERE token = ?", (now_s, digest(token)))

    def end(self, token: str) -> None:
        """End one session."""
        if token:
            self._store.run("DELETE FROM session WHERE token = ?", (digest(token),))

    def end_all(self, person: str) -> int:
        """End every session of a person; return how many there were."""
        return self._store.changed("DELETE FROM session WHERE person = ?", (person,))

    def end_others(self, person: str, token: str) -> int:
        """End every session of a person but this one; return how many there were."""
        return self._store.changed(
            "DELETE FROM session WHERE person = ? AND token != ?", (person, digest(token))
        )

    def lasting(self, now_s: float, idle_s: float, longest_s: float) -> Sequence[Session]:
        """Return the sessions that still last, the newest first."""
        return [one for one in self.all() if _lasts(one, now_s, idle_s, longest_s)]

    def all(self) -> Sequence[Session]:
        """Return every session that was not ended, the newest first."""
        rows = self._store.run("SELECT person, made_s, seen_s FROM session ORDER BY made_s DESC")
        return [Session(*row) for row in rows]


def _lasts(session: Session, now_s: float, idle_s: float, longest_s: float) -> bool:
    """Say whether a session goes on; a clock set back does not lengthen it."""
    used = now_s - session.seen_s < idle_s and now_s - session.made_s < longest_s
    return used and now_s >= session.made_s - 60.0
