"""`./rheostat limits`: change what the gate enforces, with two signatures."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from cli import limits_keys, limits_look
from cli.limits_place import passphrase_of, refused, sealed_now, show_changes, state_of_line
from cli.places import DEFAULT_CONFIG
from cli.refusal import OK, USAGE, RefusalError, say
from cli.sealing import loaded_or_refused
from cli.words import ConfigFile, Flag, Text

HELP = """Change limits: edit the files, propose, look, sign twice, activate.

The engine runs the version in force by its records; an edited file is only a wish. A change needs
the signature of its author (an engineer) and of another person (a QA approver).
docs/how-to/change-a-limit.md goes through it step by step.
"""

limits = App(name="limits", help=HELP)
limits.command(limits_keys.keys)
limits.command(limits_look.show)
limits.command(limits_look.diff)
limits.command(limits_look.impact)
limits.command(limits_look.history)


@limits.command
def propose(
    config: ConfigFile = DEFAULT_CONFIG,
    /,
    *,
    reason: str,
    author: str,
    days: int = 7,
    state: Path | None = None,
    json: Flag = False,
) -> int:
    """Make a proposal of what the files say now; it can be signed, and never be changed.

    Parameters
    ----------
    config
        The line's file. Default: config/line.yaml.
    reason
        Why; for whoever approves it, and for whoever reads the records in ten years.
    author
        Who proposes: an engineer, by their name in people.yaml.
    days
        How long it may be activated, 1 to 31 days.
    state
        State folder of the line; default: the one engine running, or the one there is.
    json
        Print the proposal as JSON.
    """
    if not 1 <= days <= 31:
        raise RefusalError(
            f"--days {days}: a proposal holds for 1 to 31 days",
            "what was reviewed long ago was reviewed for another plant",
            "./rheostat limits propose --help",
            USAGE,
        )
    loaded = loaded_or_refused(config)
    place = state_of_line(state)
    from service.limits_words import ChangeRefusedError
    from service.limits_write import propose as make

    now = sealed_now(place)
    try:
        proposal = make(place, now, loaded.sealed, loaded.files, author, reason, days)
    except ChangeRefusedError as error:
        return refused(error, as_json=json)
    if json:
        import json as words

        print(words.dumps({"ok": True, "sha256": proposal.sha256, **proposal.body()}, indent=2))
        return OK
    print(f"proposal {proposal.sha256[:12]}: version {proposal.version}, until {proposal.expires}")
    show_changes(now.config, proposal.config)
    say(f"next: ./rheostat limits sign {proposal.sha256[:12]} --key FILE   (its author first)")
    return OK


@limits.command
def sign(
    proposal: str,
    /,
    *,
    key: Path,
    passphrase_file: Annotated[Path | None, Parameter(show_default=False)] = None,
    state: Path | None = None,
) -> int:
    """Sign a proposal with your own key, after looking at what it changes.

    Parameters
    ----------
    proposal
        The first letters of its hash.
    key
        Your key file; the passphrase is asked for.
    passphrase_file
        A file that holds the passphrase, where nobody can be asked.
    state
        State folder of the line; default: the one engine running, or the one there is.
    """
    place = state_of_line(state)
    from service.limits_folder import LimitsFolder
    from service.limits_keys import KeyFileError, load_key
    from service.limits_words import ChangeRefusedError
    from service.limits_write import sign as make

    now = sealed_now(place)
    try:
        signed = LimitsFolder(place).find(proposal)
        print(f"version {signed.proposal.version}, by {signed.proposal.author}: "
              f"{signed.proposal.reason}")  # fmt: skip
        show_changes(now.config, signed.proposal.config)
        private = load_key(key, passphrase_of(passphrase_file, f"passphrase of {key}: "))
        signature = make(place, now, signed, private)
    except ChangeRefusedError as error:
        return refused(error, as_json=False)
    except KeyFileError as error:
        raise RefusalError(str(error), "nothing was signed", error.next_step) from error
    print(f"signed by {signature.name} ({signature.role}) at {signature.utc}: {signature.meaning}")
    return OK


@limits.command
def activate(
    proposal: str, /, *, who: Text = "", state: Path | None = None, json: Flag = False
) -> int:
    """Put a signed proposal into force; the engine judges all of it again.

    A running engine changes over between two cycles, without a bump, and proves it by echoing the
    limits from gate and optimiser. Without one, it waits for the next start.

    Parameters
    ----------
    proposal
        The first letters of its hash.
    who
        Who asks; default: the user of this session.
    state
        State folder of the line; default: the one engine running, or the one there is.
    json
        Print the engine's answer as JSON.
    """
    place = state_of_line(state)
    from service.commands import EngineUnreachableError, ask
    from service.limits_folder import LimitsFolder
    from service.limits_words import ChangeRefusedError
    from service.limits_write import wait_for_start

    folder = LimitsFolder(place)
    try:
        chosen = folder.find(proposal).proposal
        name = chosen.sha256
        message = {"do": "activate", "proposal": name, "who": who or getpass.getuser()}
        try:
            answer = ask(place, message, timeout_s=600.0)
        except EngineUnreachableError:
            wait_for_start(place, sealed_now(place), name)
            print(f"no engine runs: proposal {name[:12]} waits for the next start, "
                  "and is judged again then")  # fmt: skip
            return OK
    except ChangeRefusedError as error:
        return refused(error, as_json=json)
    return limits_look.activated(answer, chosen.config, as_json=json)
