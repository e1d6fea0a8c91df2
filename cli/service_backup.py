"""`./rheostat service backup|restore`: a line's state in one archive, and back, equal by hash."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cli.limits_place import state_of_line
from cli.places import shown
from cli.refusal import FINDINGS, OK, RefusalError, say
from cli.words import Flag

_SECRET = "it holds private keys: keep it like the machine itself"


def backup(*, out: Path | None = None, state: Path | None = None) -> int:
    """Write records, keys, limits, accounts and history of a line into one archive.

    May run beside the engine: the archive ends with a whole row.

    Parameters
    ----------
    out
        The new file. Default: named by line and time, in this folder.
    state
        State folder of the line; default: the only one here.
    """
    from service import backup as work

    place = state_of_line(state)
    target = out or Path(f"{place.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
    try:
        found = work.backup(place, target)
    except (work.BackupError, OSError) as error:
        raise RefusalError(
            f"no backup was made: {error}",
            "a backup that is not whole is found out when it is needed",
            "./rheostat audit verify says how the records are",
        ) from error
    print(f"{shown(target)}: {found.files} files, {found.rows} rows, head {found.head}")
    say(f"rheostat: {_SECRET}. Try it: ./rheostat service restore {shown(target)} --drill")
    return OK


def restore(archive: Path, /, *, state: Path | None = None, drill: Flag = False) -> int:
    """Put an archive back into an empty folder, every file and the chain compared by hash.

    Parameters
    ----------
    archive
        What `service backup` wrote.
    state
        The new or empty state folder.
    drill
        Restore into a folder that is thrown away, to know that the archive is good.
    """
    from service import backup as work

    if (state is None) != drill:
        raise RefusalError(
            "say where to: --state FOLDER, or --drill",
            "a restore never touches a folder it was not told",
            "./rheostat service restore --help",
        )
    try:
        found = work.drill(archive) if state is None else work.restore(archive, state)
    except (work.BackupError, OSError) as error:
        raise RefusalError(
            f"not restored: {error}",
            "an engine on a history that is not the plant's would be believed",
            "take another archive; what stands in the folder now must not be used",
            FINDINGS,
        ) from error
    print(
        f"{found.files} files equal by SHA-256; chain whole, {found.rows} rows, head {found.head}"
    )
    return OK
