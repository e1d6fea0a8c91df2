"""How the last run ended, told by who watched it to the next run, which records it in the chain.

A process that was killed cannot write its own end, and only the engine writes records. So its
supervisor leaves a line in `stops.jsonl` of the state directory. systemd does it by
`ExecStopPost=python -m service.stop_note --state DIR PROCESS`, which finds the result in its
environment (systemd.exec(5), $SERVICE_RESULT). A process that stays down has no more stop: systemd
then starts another unit with `--down`, which raises the alarm ($MONITOR_SERVICE_RESULT).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.clock import utc_text

_CLEAN = "success"
_MEANS = {"engine": "Its loops are with their PLCs. "}
_ALERT = "<1>"  # sd-daemon(3): the journal's second most urgent level
_MOST = 100  # notes of one outage; a crash loop ends long before


def stops_path(state_dir: Path) -> Path:
    """Return where the notes wait for the next engine."""
    return state_dir / "stops.jsonl"


def note_stop(state_dir: Path, process: str, result: str, detail: str = "") -> None:
    """Leave a note that `process` ended other than it was asked to.

    `result` is systemd's word for it: exit-code, signal, watchdog, timeout, start-limit-hit.
    """
    note = {
        "process": process, "result": result, "detail": detail, "utc": utc_text(datetime.now(UTC)),
    }  # fmt: skip
    with stops_path(state_dir).open("a", encoding="utf-8") as notes:
        notes.write(json.dumps(note) + "\n")


def stays_down(process: str, detail: str) -> str:
    """Return what people are told when `process` is not started again."""
    return (
        f"rheostat: ALARM: {process} stays down: {detail}. {_MEANS.get(process, '')}"
        "Next: read its words above, ./rheostat doctor, then start the service again"
    )


def take_stops(state_dir: Path) -> list[dict[str, Any]]:
    """Return the notes since the last start, oldest first; a line that is none is said to be so.

    They stay until `forget_stops`, so that none is lost when the records cannot be opened.
    """
    try:
        lines = stops_path(state_dir).read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    return [_note(line) for line in lines[-_MOST:]]


def forget_stops(state_dir: Path) -> None:
    """Drop the notes: they are in the records now."""
    stops_path(state_dir).unlink(missing_ok=True)


def _note(line: str) -> dict[str, Any]:
    try:
        note = json.loads(line)
    except ValueError:
        note = None
    if not isinstance(note, dict):
        return {"process": "", "result": "unreadable", "detail": line[:200], "utc": ""}
    return {key: str(note.get(key, ""))[:500] for key in ("process", "result", "detail", "utc")}


def main(environment: Mapping[str, str] = os.environ) -> None:
    """Leave the note systemd asks for; nothing when the process ended as it was asked to."""
    parser = argparse.ArgumentParser(prog="service.stop_note", description=main.__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--down", action="store_true", help="it is not started again: an alarm")
    parser.add_argument("process")
    options = parser.parse_args()
    of = "MONITOR_" if options.down else ""
    result = environment.get(f"{of}SERVICE_RESULT", "unknown")
    code = (environment.get(f"{of}EXIT_CODE", ""), environment.get(f"{of}EXIT_STATUS", ""))
    detail = " ".join(code).strip()
    if options.down:
        detail = f"too many starts; the last ended by {result} {detail}".rstrip()
        sys.stderr.write(f"{_ALERT}{stays_down(options.process, detail)}\n")
        result = "start-limit-hit"
    if result != _CLEAN:
        note_stop(options.state, options.process, result, detail)


if __name__ == "__main__":
    main()
