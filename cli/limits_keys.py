"""`./rheostat limits keys`: people's signing keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from cli.limits_place import new_passphrase, sealed_now, state_of_line
from cli.refusal import OK, USAGE, RefusalError, say
from cli.words import Flag

keys = App(name="keys", help="Signing keys: make your own, or list whose signatures count here.")


@keys.command
def new(
    person: str,
    /,
    *,
    name: str,
    role: Literal["operator", "engineer", "qa-approver", "admin", "auditor"],
    file: Annotated[Path | None, Parameter(show_default=False)] = None,
    passphrase_file: Annotated[Path | None, Parameter(show_default=False)] = None,
) -> int:
    """Make your own key; prints the entry for people.yaml. The private half stays in your file.

    Parameters
    ----------
    person
        Short name in the register, for instance kim.
    name
        Your name as it is printed under what you sign.
    role
        operator: runs loops. engineer: writes changes. qa-approver: approves those of others.
        admin: makes accounts. auditor: reads.
    file
        Where the key goes. Default: ~/.config/rheostat/ and the short name.
    passphrase_file
        A file that holds the passphrase, where nobody can be asked.
    """
    if not re.fullmatch(r"[a-z][a-z0-9.-]{0,39}", person):
        raise RefusalError(
            f"'{person}' cannot be a short name",
            "it stands in the register and in file names",
            "small letters, digits, dots and dashes, for instance kim.yuna",
            USAGE,
        )
    from service.limits_keys import KeyFileError, new_key

    target = file or Path.home() / ".config" / "rheostat" / f"{person}.key"
    try:
        public = new_key(target, new_passphrase(passphrase_file, target))
    except KeyFileError as error:
        raise RefusalError(str(error), "no key was made", error.next_step) from error
    print(f"  {person}:\n    name: {name}\n    role: {role}\n    key: {public}")
    say(f"your key is in {target}; nobody else may have it. The lines above belong in people.yaml")
    return OK


@keys.command(name="list")
def list_(*, state: Path | None = None, json: Flag = False) -> int:
    """List whose signatures count on a line, by the version in force.

    Parameters
    ----------
    state
        State folder of the line; default: the one engine running, or the one there is.
    json
        Print the register as JSON.
    """
    people = sealed_now(state_of_line(state)).people
    if json:
        import json as words

        print(words.dumps(dict(people), indent=2, ensure_ascii=False))
        return OK
    for person, entry in people.items():
        revoked = f"   REVOKED: {entry['revoked']}" if entry.get("revoked") else ""
        print(f"{person:<16} {entry['name']:<24} {entry['role']:<12} {entry['key']}{revoked}")
    if not people:
        say("nobody is registered: no change can be signed. Begin with ./rheostat limits keys new")
    return OK
