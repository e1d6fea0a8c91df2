"""`./rheostat people`: accounts of a line's page: who may sign in, and with what to begin."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from cyclopts import App

from cli.limits_place import sealed_now, state_of_line
from cli.refusal import OK, RefusalError, say
from cli.words import Flag

if TYPE_CHECKING:
    from service.people.accounts import Account, Accounts
    from service.people.reports import Reports
    from service.people.sessions import Sessions

HELP = """Accounts of the operator page: make, list, lock, reset.

There is no default password: `add` prints a code for one person, good for a day, and the person
chooses the password on the page. docs/how-to/people-and-roles.md goes through it.
"""

T = TypeVar("T")
people = App(name="people", help=HELP)


@people.command
def add(
    person: str,
    /,
    *,
    name: str,
    role: Literal["operator", "engineer", "qa-approver", "admin", "auditor"],
    state: Path | None = None,
) -> int:
    """Make an account and print the one-time code with which its person sets it up.

    Parameters
    ----------
    person
        Short name for signing in, for instance kim; one person's for good.
    name
        The name as it is printed under what they sign.
    role
        operator, engineer, qa-approver, admin or auditor.
    state
        State folder of the line; default: the one engine running, or the one there is.
    """
    with _book(state) as book:
        code = book.tried(lambda: book.accounts.add(person, name, role, time.time()))
        book.report(f"added as {role}", person)
    return _coded(person, name, code)


@people.command
def reset(person: str, /, *, state: Path | None = None) -> int:
    """Forget password and key of an account, end its sessions, print a new one-time code.

    The new key has to be registered by a signed change, and the old one revoked.

    Parameters
    ----------
    person
        Short name of the account.
    state
        State folder of the line; default: the one engine running, or the one there is.
    """
    with _book(state) as book:
        account = book.tried(lambda: book.accounts.one(person))
        code = book.tried(lambda: book.accounts.reset(person, time.time()))
        book.report("reset", person)
    return _coded(person, account.name, code)


@people.command
def lock(person: str, /, *, state: Path | None = None) -> int:
    """Let nobody sign in with an account, and end its sessions.

    Parameters
    ----------
    person
        Short name of the account.
    state
        State folder of the line; default: the one engine running, or the one there is.
    """
    with _book(state) as book:
        book.tried(lambda: book.accounts.lock(person))
        book.report("locked", person)
    print(f"{person} is locked; what they signed stays signed. Their key signs on until it is "
          "revoked by a signed change of people.yaml")  # fmt: skip
    return OK


@people.command
def unlock(person: str, /, *, state: Path | None = None) -> int:
    """Let the person of a locked or waiting account sign in again.

    Parameters
    ----------
    person
        Short name of the account.
    state
        State folder of the line; default: the one engine running, or the one there is.
    """
    with _book(state) as book:
        book.tried(lambda: book.accounts.unlock(person))
        book.report("unlocked", person)
    print(f"{person} may sign in again")
    return OK


@people.command
def renew(person: str, /, *, state: Path | None = None) -> int:
    """End the sessions of an account and ask for another password at the next sign-in.

    For a password that somebody may have seen. The key stays, and with it the register.

    Parameters
    ----------
    person
        Short name of the account.
    state
        State folder of the line; default: the one engine running, or the one there is.
    """
    with _book(state) as book:
        book.tried(lambda: book.accounts.renew(person))
        book.report("renew", person)
    print(f"{person} signs in again with another password")
    return OK


@people.command(name="list")
def list_(*, entries: Flag = False, state: Path | None = None, json: Flag = False) -> int:
    """List accounts: role, state, and whether the key is registered on the line.

    Parameters
    ----------
    entries
        Print the lines of people.yaml that register those who set up their account.
    state
        State folder of the line; default: the one engine running, or the one there is.
    json
        Print the accounts as JSON.
    """
    with _book(state) as book:
        register = sealed_now(book.place).people
        rows = [_row(account, register) for account in book.accounts.all()]
        lines = [account.as_entry() for account in book.accounts.all() if account.public]
    if json:
        import json as words

        print(words.dumps(rows, indent=2, ensure_ascii=False))
    elif entries:
        print("people:\n" + "".join(lines), end="")
    else:
        for row in rows:
            waits = "   waits after wrong passwords" if row["waits"] else ""
            counts = "registered" if row["registered"] else "not registered"
            print(f"{row['person']:<16} {row['name']:<24} {row['role']:<12} {row['state']:<8} "
                  f"{counts}{waits}")  # fmt: skip
        if not rows:
            say("nobody has an account. Begin with ./rheostat people add")
    return OK


@people.command
def sessions(*, end: str = "", state: Path | None = None) -> int:
    """List who is signed in, or end every session of one person.

    Parameters
    ----------
    end
        Short name of the person whose sessions end.
    state
        State folder of the line; default: the one engine running, or the one there is.
    """
    with _book(state) as book:
        if end:
            number = book.sessions.end_all(end)
            book.report("signed out", end)
            print(f"{number} session(s) of {end} ended")
            return OK
        for one in book.sessions.all():
            since, seen = (_utc(moment) for moment in (one.made_s, one.seen_s))
            print(f"{one.person:<16} since {since}, last touch {seen}")
    return OK


class _Book:
    """The accounts' file of one line, open for one command."""

    def __init__(
        self, place: Path, accounts: Accounts, sessions_: Sessions, reports: Reports
    ) -> None:
        self.place, self.accounts = place, accounts
        self.sessions, self.reports = sessions_, reports

    def tried(self, work: Callable[[], T]) -> T:
        """Return what `work` returns; a refusal is said in words."""
        from service.people.accounts import PeopleError

        try:
            return work()
        except PeopleError as error:
            raise RefusalError(
                str(error), "an account decides who acts in whose name", error.next_step
            ) from error

    def report(self, what: str, person: str) -> None:
        """Have it recorded: by the engine now, or once one runs and the page tells it."""
        from service.commands import ask

        self.reports.account(what, person, f"{getpass.getuser()} (command line)")
        try:
            self.reports.pass_on(lambda message: ask(self.place, message))
        except OSError:
            say("no engine runs: it is recorded once engine and page do")


@contextmanager
def _book(state: Path | None) -> Iterator[_Book]:
    place = state_of_line(state)
    from service.people.accounts import Accounts
    from service.people.reports import Reports
    from service.people.sessions import Sessions
    from service.people.store import PeopleStore

    try:
        store = PeopleStore(place)
    except OSError as error:
        raise RefusalError(
            f"the accounts of {place} cannot be opened: {error}",
            "they belong to the user under which the page runs",
            "call it as that user, for instance sudo -u rheostat-page ./rheostat people ...",
        ) from error
    try:
        yield _Book(place, Accounts(store), Sessions(store), Reports(store))
    finally:
        store.close()


def _row(account: Account, register: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "person": account.id, "name": account.name, "role": account.role, "state": account.state,
        "waits": account.wait_until_s > time.time(), "registered": account.is_in(register),
    }  # fmt: skip


def _coded(person: str, name: str, code: str) -> int:
    print(f"one-time code for {name}: {code}")
    say(f"good for 24 hours, once. Next: {name} opens the page, 'Sign in', 'Set up an account', "
        f"with the name {person}; then put the lines the page shows into people.yaml")  # fmt: skip
    return OK


def _utc(moment_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(moment_s))
