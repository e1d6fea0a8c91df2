"""Accounts: made with a one-time code, set up by the person, locked by wrong passwords.

There is no default password and none that an admin knows: `add` gives a code that is good for a
day, and the person chooses the password themself. Setting up makes the person's signing key, which
only their password opens; its public half belongs in the register. Requirements SEC-09, REC-06.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.limits_keys import public_text
from service.people.roles import ROLES
from service.people.secret import (
    Cost,
    SecretError,
    digest,
    hash_password,
    is_digest,
    is_password,
    new_code,
    open_key,
    seal_key,
    weakness,
)
from service.people.store import PeopleStore

CODE_LIVES_S = 24 * 3600.0
TRIES = 5
"""Wrong passwords in a row before the account waits; each further one doubles the wait."""
FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 3600.0

WRONG = (
    "Name or password is wrong, or the account is locked or waits after wrong passwords. "
    "An admin can see which: ./rheostat people list"
)
"""One text for every way to fail, so that it tells nobody which names exist."""

_OPEN = ("active", "renew")
"""The states in which a password opens something, be it only the change of itself."""

_ID = re.compile(r"[a-z][a-z0-9.-]{0,39}")


class PeopleError(Exception):
    """Something with an account cannot be done; `next_step` says what can."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next_step = next_step


class SignInRefusedError(PeopleError):
    """Name and password, or name and code, do not open an account now."""

    def __init__(self, why: str) -> None:
        """`why` is for the audit trail; the caller is told the same whatever it is."""
        super().__init__(WRONG, "try again, or ask an admin")
        self.why = why


class PasswordDueError(PeopleError):
    """The password is right, and opens nothing until its person has chosen another one."""

    def __init__(self) -> None:
        super().__init__("an admin asked for another password", "choose a new one, then go on")


@dataclass(frozen=True, slots=True)
class Account:
    """One account as an admin sees it. `state` is invited, active, renew or locked."""

    id: str
    name: str
    role: str
    state: str
    public: str
    failures: int
    wait_until_s: float
    subject: str | None

    def is_in(self, register: Mapping[str, Mapping[str, Any]]) -> bool:
        """Say whether a register knows this person with this account's key."""
        entry = register.get(self.id)
        return entry is not None and bool(entry["key"] == self.public)

    def as_entry(self) -> str:
        """Return the lines of people.yaml that register the person."""
        return (
            f"  {self.id}:\n    name: {self.name}\n    role: {self.role}\n    key: {self.public}\n"
        )


class Accounts:
    """The accounts of one line; `now_s` is calendar time in Unix seconds throughout."""

    def __init__(self, store: PeopleStore, cost: Cost | None = None) -> None:
        self._store = store
        self._cost = cost or Cost()

    @cached_property
    def _nobodys_hash(self) -> str:
        """A hash of nothing anybody knows: a name that does not exist takes as long to refuse."""
        return hash_password(new_code(), self._cost)

    def add(self, id_: str, name: str, role: str, now_s: float) -> str:
        """Make an account and return its one-time code; raises PeopleError."""
        if not _ID.fullmatch(id_):
            raise PeopleError(
                f"{id_!r} cannot be a short name",
                "small letters, digits, dots and dashes: kim.y",
            )
        if not (0 < len(name.strip()) <= 64 and name.isprintable()):
            raise PeopleError(f"{name!r} cannot be a printed name", "one line, up to 64 characters")
        self._known_role(role)
        code = new_code()
        values = (id_, name.strip(), role, now_s, digest(code), now_s + CODE_LIVES_S)
        made = self._store.changed(
            "INSERT OR IGNORE INTO account VALUES (?, ?, ?, 'invited', ?, '', '', '', ?, ?, 0, 0.0,"
            " NULL)", values,
        )  # fmt: skip
        if not made:
            raise PeopleError(
                f"there is an account {id_!r} already", "a name is one person's, for good"
            )
        return code

    def reset(self, id_: str, now_s: float) -> str:
        """Forget password and key of an account and return a new one-time code.

        Somebody who signs in elsewhere needs none, and gets ''.
        """
        if self.one(id_).subject is not None:
            self._change(id_, "state = 'active', box = '', public = '', failures = 0, "
                         "wait_until_s = 0.0")  # fmt: skip
            self._store.run("DELETE FROM session WHERE person = ?", (id_,))
            return ""
        code = new_code()
        self._change(
            id_, "state = 'invited', hash = '', box = '', code = ?, code_until_s = ?, "
            "failures = 0, wait_until_s = 0.0", digest(code), now_s + CODE_LIVES_S,
        )  # fmt: skip
        self._store.run("DELETE FROM session WHERE person = ?", (id_,))
        return code

    def lock(self, id_: str) -> None:
        """Let nobody sign in with this account until it is unlocked."""
        self._change(id_, "state = 'locked'")
        self._store.run("DELETE FROM session WHERE person = ?", (id_,))

    def unlock(self, id_: str) -> None:
        """Let its person sign in again, at once."""
        self._change(
            id_, "state = CASE WHEN hash = '' AND subject IS NULL THEN 'invited' ELSE 'active' END,"
            " failures = 0, wait_until_s = 0.0",
        )  # fmt: skip

    def visit(self, subject: str, id_: str, name: str, role: str, now_s: float) -> Account:
        """Return the account of somebody an identity provider vouches for, made when it is new.

        A name that is taken gets a mark of the subject: nobody grows into somebody else's account.
        Raises SignInRefusedError when it is locked.
        """
        known = self._found("WHERE subject = ?", subject)
        if not known:
            taken = bool(self._found("WHERE id = ?", id_))
            id_ = f"{id_[:30]}.{digest(subject)[:8]}" if taken else id_
            self.add(id_, name, role, now_s)
            self._change(id_, "state = 'active', code = '', subject = ?", subject)
            known = self._found("WHERE subject = ?", subject)
        account = known[0]
        if account.state != "active":
            raise SignInRefusedError(f"the account is {account.state}")
        self._change(account.id, "role = ?", role)
        return self.one(account.id)

    def make_key(self, id_: str, password: str) -> Account:
        """Make the signing key of somebody who signs in elsewhere; it opens with `password`.

        Raises PeopleError when there is one already, and for a weak password.
        """
        account = self.one(id_)
        if account.subject is None or account.public:
            raise PeopleError("this account has its key already", "change the password instead")
        if weak := weakness(password, id_, *account.name.split()):
            raise PeopleError(weak, "choose another password")
        key = Ed25519PrivateKey.generate()
        box = seal_key(key, password, id_, self._cost)
        self._change(id_, "box = ?, public = ?", box, public_text(key.public_key()))
        return self.one(id_)

    def renew(self, id_: str) -> None:
        """Let its person go on only with a new password; the key stays the same."""
        account = self.one(id_)
        if account.state != "active" or account.subject is not None:
            raise PeopleError(
                f"the account {id_!r} has no password in use", "unlock it, or reset it"
            )
        self._change(id_, "state = 'renew'")
        self._store.run("DELETE FROM session WHERE person = ?", (id_,))

    def set_role(self, id_: str, role: str) -> None:
        """Give an account another role; on a line whose register counts, that one counts."""
        self._known_role(role)
        if self.one(id_).subject is not None:
            raise PeopleError(
                "this role comes from the identity provider", "change the group there"
            )
        self._change(id_, "role = ?", role)

    def set_up(self, id_: str, code: str, password: str, now_s: float) -> Account:
        """Turn a one-time code into a password of the person's own and a new signing key.

        Raises SignInRefusedError for a wrong, used or old code, PeopleError for a weak password.
        """
        account = self._counted(id_, now_s)
        rows = self._store.run("SELECT code, code_until_s FROM account WHERE id = ?", (id_,))
        kept, until_s = rows[0] if rows else ("", 0.0)
        if account is None or account.state != "invited" or not is_digest(code, str(kept)):
            raise SignInRefusedError("wrong set-up code")
        if now_s > until_s:
            raise SignInRefusedError("the set-up code is older than a day")
        if weak := weakness(password, id_, *account.name.split()):
            self._forgive(id_)
            raise PeopleError(weak, "choose another password; the code is still good")
        key = Ed25519PrivateKey.generate()
        hashed = hash_password(password, self._cost)
        box = seal_key(key, password, id_, self._cost)
        done = self._store.changed(
            "UPDATE account SET state = 'active', hash = ?, box = ?, public = ?, code = '', "
            "failures = 0, wait_until_s = 0.0 WHERE id = ? AND code = ?",
            (hashed, box, public_text(key.public_key()), id_, kept),
        )
        if not done:  # somebody used the same code meanwhile
            raise SignInRefusedError("the set-up code was used already")
        return self.one(id_)

    def signed_in(self, id_: str, password: str, now_s: float) -> Account:
        """Return the account that name and password open.

        Raises SignInRefusedError, or PasswordDueError when the right password has to be changed.
        """
        account = self._counted(id_, now_s)
        rows = self._store.run("SELECT hash FROM account WHERE id = ?", (id_,))
        hashed = str(rows[0][0]) if rows and rows[0][0] else self._nobodys_hash
        good = is_password(password, hashed)
        if account is None:
            raise SignInRefusedError("no such account")
        if account.state not in _OPEN:
            raise SignInRefusedError(f"the account is {account.state}")
        if not good:
            raise SignInRefusedError("wrong password")
        self._forgive(id_)
        if account.state == "renew":
            raise PasswordDueError
        return account

    def key_of(self, id_: str, password: str, now_s: float) -> Ed25519PrivateKey:
        """Return a person's signing key, opened with their password for this one signature.

        Raises SignInRefusedError; wrong passwords count as at the sign-in.
        """
        return self._opened(id_, password, now_s, ("active",))

    def _opened(
        self, id_: str, password: str, now_s: float, states: Sequence[str]
    ) -> Ed25519PrivateKey:
        account = self._counted(id_, now_s)
        rows = self._store.run("SELECT box FROM account WHERE id = ?", (id_,))
        if account is None or account.state not in states or not rows or not rows[0][0]:
            raise SignInRefusedError("the account has no key to sign with")
        try:
            key = open_key(str(rows[0][0]), password, id_)
        except SecretError as error:
            raise SignInRefusedError("wrong password at a signature") from error
        self._forgive(id_)
        return key

    def change_password(self, id_: str, old: str, new: str, now_s: float) -> None:
        """Seal the person's key under another password; every session of theirs ends."""
        key = self._opened(id_, old, now_s, _OPEN)
        account = self.one(id_)
        if weak := weakness(new, id_, *account.name.split()):
            raise PeopleError(weak, "choose another password")
        if old == new:
            raise PeopleError("the new password is the old one", "choose another password")
        box = seal_key(key, new, id_, self._cost)
        hashed = "" if account.subject is not None else hash_password(new, self._cost)
        self._change(id_, "hash = ?, box = ?, state = 'active'", hashed, box)
        self._store.run("DELETE FROM session WHERE person = ?", (id_,))

    def one(self, id_: str) -> Account:
        """Return one account; raises PeopleError when there is none."""
        found = self._found("WHERE id = ?", id_)
        if not found:
            raise PeopleError(f"there is no account {id_!r}", "./rheostat people list names them")
        return found[0]

    def all(self) -> Sequence[Account]:
        """Return every account, by name."""
        return self._found("ORDER BY id")

    def any(self) -> bool:
        """Say whether there is any account yet."""
        return bool(self._store.run("SELECT 1 FROM account LIMIT 1"))

    def _known_role(self, role: str) -> None:
        if role not in ROLES:
            raise PeopleError(f"there is no role {role!r}", f"one of {', '.join(ROLES)}")

    def _found(self, where: str, *values: str) -> list[Account]:
        rows = self._store.run(
            "SELECT id, name, role, state, public, failures, wait_until_s, subject "
            f"FROM account {where}", values,
        )  # fmt: skip
        return [Account(*row) for row in rows]

    def _counted(self, id_: str, now_s: float) -> Account | None:
        """Count a try before it is judged, so that tries side by side count as well.

        Raises SignInRefusedError while the account waits.
        """
        with self._store.at_once():
            found = self._found("WHERE id = ?", id_)
            if not found:
                return None
            account = found[0]
            if now_s < account.wait_until_s:
                raise SignInRefusedError("the account waits after wrong passwords")
            failures = account.failures + 1
            over = failures - TRIES
            wait_s = min(FIRST_WAIT_S * 2.0 ** min(over, 20), LONGEST_WAIT_S) if over >= 0 else 0.0
            self._change(id_, "failures = ?, wait_until_s = ?", failures, now_s + wait_s)
            return account

    def _forgive(self, id_: str) -> None:
        self._change(id_, "failures = 0, wait_until_s = 0.0")

    def _change(self, id_: str, what: str, *values: str | float) -> None:
        done = self._store.changed(f"UPDATE account SET {what} WHERE id = ?", (*values, id_))
        if not done:
            raise PeopleError(f"there is no account {id_!r}", "./rheostat people list names them")
