"""`./rheostat audit`: whole records, copies of them, anchors elsewhere, attacks on them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from cli import audit_attacks
from cli.places import ROOT, STATES, shown
from cli.refusal import FINDINGS, OK, RefusalError, say
from cli.words import Flag

HELP = """The records: verify them, copy them, anchor them elsewhere, attack them.

Without a file the records of the one line that is here are meant.
docs/how-to/verify-and-anchor.md goes through it step by step.
"""
VERIFIER = ROOT / "tools" / "verify_records.py"

audit = App(name="audit", help=HELP)
audit.command(audit_attacks.tamper)
audit.command(audit_attacks.power_cuts)
audit.command(audit_attacks.kills)

Many = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]
Records = Annotated[Path | None, Parameter(show_default=False)]


@audit.command
def verify(
    records: Records = None, /, *, anchor: Many = (), key: Many = (), json: Flag = False
) -> int:
    """Verify records or an export with the stand-alone verifier; exit code 1: something is wrong.

    Parameters
    ----------
    records
        A record file, or the folder of an export.
    anchor
        A file with anchors that was kept on another machine. Repeatable.
    key
        The engine's public key (64 hex digits), kept elsewhere. Repeatable.
    json
        Print the report as JSON.
    """
    words = [sys.executable, "-I", str(VERIFIER), str(records_of(records))]
    words += [word for path in anchor for word in ("--anchor", path)]
    words += [word for one in key for word in ("--key", one)]
    words += ["--json"] if json else []
    code = subprocess.run(words, check=False).returncode
    if code not in (OK, FINDINGS):
        raise RefusalError(
            "the verifier could not read what it was given",
            "what cannot be read proves nothing",
            "name a record file, an export, or an anchor that was written by ./rheostat audit",
        )
    return code


@audit.command
def export(folder: Path, records: Records = None, /) -> int:
    """Copy the records for machines (records.jsonl) and for people (records.html, to be printed).

    Parameters
    ----------
    folder
        A new folder for the copies and their manifest of hashes.
    records
        The record file.
    """
    from datetime import UTC, datetime

    from records.export import export as copy
    from records.row import RecordError
    from service.clock import utc_text

    source = records_of(records)
    try:
        manifest = copy(source, folder, utc_text(datetime.now(UTC)))
    except (RecordError, OSError) as error:
        raise RefusalError(
            f"nothing was exported: {error}",
            "a copy that is not whole would be taken for the whole",
            "name a record file that can be read and a new folder that can be written",
        ) from error
    say(f"{manifest['records']} records of {shown(source)} are in {shown(folder)}")
    say(f"verify them anywhere: python -I verify_records.py {folder.name}")
    return OK


@audit.command
def anchor(target: Path, records: Records = None, /) -> int:
    """Append the newest signed root to a file; keep that file on another machine or medium.

    Parameters
    ----------
    target
        The file, on another host's share, a stick, a write-once medium.
    records
        The record file.
    """
    from records.anchor import newest_root, write_anchor
    from records.row import RecordError

    source = records_of(records)
    try:
        root = newest_root(source)
        write_anchor(root, target)
    except (RecordError, OSError) as error:
        raise RefusalError(
            f"nothing was anchored: {error}",
            "without an anchor elsewhere a cut-off tail or a stolen key is found by nobody",
            "name a file that can be written; a root is signed every 512 records and at a stop",
        ) from error
    say(
        f"anchored {root['size']} records of {shown(source)}, signed {root['utc']} by {root['key']}"
    )
    return OK


def records_of(records: Path | None) -> Path:
    """Return what was named, or the record file of the only line that is here.

    Raises:
        RefusalError: there is none, or more than one.
    """
    if records is not None:
        return records / "records.sqlite" if (records / "records.sqlite").is_file() else records
    known = sorted(STATES.glob("*/records.sqlite"))
    if len(known) == 1:
        return known[0]
    raise RefusalError(
        f"there are {len(known)} record files under {shown(STATES)}",
        "it must be certain whose records are meant",
        "name the file: var/LINE/records.sqlite, or the state folder it stands in",
    )
