"""What the `limits` commands share: which line, what is in force there, and how they say no."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.places import STATES, shown
from cli.refusal import FINDINGS, RefusalError, say

if TYPE_CHECKING:
    from service.limits_proposal import Seal
    from service.limits_words import ChangeRefusedError


def state_of_line(state: Path | None) -> Path:
    """Return `state`, the state folder of the one running engine, or the only one there is.

    Raises:
        RefusalError: there is none, or more than one could be meant.
    """
    if state is not None:
        return state
    known = sorted(path.parent for path in STATES.glob("*/records.sqlite"))
    running = [path for path in known if (path / "engine.sock").exists()]
    for found in (running, known):
        if len(found) == 1:
            return found[0]
    what = "several lines are here" if known else f"no line has ever run under {shown(STATES)}"
    raise RefusalError(
        what,
        "limits belong to one line, and what is in force there is in its records",
        "name its state folder with --state"
        if known
        else "start its engine once with ./rheostat run: that commissions version 1",
    )


def sealed_now(place: Path) -> Seal:
    """Return what is in force by the records of a state folder.

    Raises:
        RefusalError: the records cannot be read, or nothing was ever in force.
    """
    from records.chain import RecordError
    from records.reader import RecordReader
    from service.limits_proposal import read_seal
    from service.limits_words import ChangeRefusedError

    try:
        reader = RecordReader(place / "records.sqlite")
        try:
            seals = reader.seals()
        finally:
            reader.close()
        if seals:
            return read_seal(seals[-1].body)
    except (RecordError, ChangeRefusedError) as error:
        raise RefusalError(
            str(error), "only the records say what is in force", "name the right --state folder"
        ) from error
    raise RefusalError(
        f"nothing is in force under {shown(place)}",
        "a change is a change of something",
        "start the engine once with ./rheostat run: that commissions version 1",
    )


def show_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> int:
    """Print what differs, and by which rule it may not; return how many may not."""
    from service.limits_change import changes, refusal_of
    from service.limits_show import as_text
    from service.limits_show import shown as row_of

    refusals = 0
    for change in changes(old, new):
        print(as_text(row_of(change, old)))
        refusal = refusal_of(change)
        if refusal is not None:
            refusals += 1
            print(f"    refused: {refusal.code} {refusal.what.partition(' is refused: ')[2]}")
    return refusals


def refused(error: ChangeRefusedError, *, as_json: bool) -> int:
    """Say why a change is refused, everything at once; return the exit code."""
    if as_json:
        import json as words

        rows = [refusal.as_json() for refusal in error.refusals]
        print(words.dumps({"ok": False, "refusals": rows}, indent=2))
        return FINDINGS
    print("\n".join(refusal.as_text() for refusal in error.refusals))
    say(
        "rheostat: refused; nothing was changed. Each code is explained in docs/reference/errors.md"
    )
    return FINDINGS


def passphrase_of(file: Path | None, question: str) -> str:
    """Return the passphrase: asked for, or from a file where nobody can be asked."""
    if file is not None:
        try:
            return file.read_text("utf-8").rstrip("\n")
        except (OSError, ValueError) as error:
            raise RefusalError(
                f"the passphrase file cannot be read: {error}",
                "a key opens with its passphrase only",
                "name another file, or leave the option out to be asked",
            ) from error
    if not sys.stdin.isatty():
        raise RefusalError(
            "nobody can be asked for the passphrase here",
            "a key opens with its passphrase only",
            "call it from a terminal, or name a file with --passphrase-file",
        )
    return getpass.getpass(question)


def new_passphrase(file: Path | None, target: Path) -> str:
    """Return a passphrase for a new key, asked for twice."""
    passphrase = passphrase_of(file, f"new passphrase for {target}: ")
    if file is None and passphrase != passphrase_of(None, "once more: "):
        raise RefusalError("the two passphrases differ", "no key was made", "try again")
    return passphrase
