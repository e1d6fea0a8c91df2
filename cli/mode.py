"""`./rheostat mode`: ask a running engine how it is, or for a mode."""

from __future__ import annotations

import getpass
import json as words
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from cli.limits_place import passphrase_of, sealed_now
from cli.places import state_of_running_engine
from cli.refusal import FINDINGS, OK, USAGE, RefusalError
from cli.words import Flag, Text
from service.config_problem import did_you_mean

MODES = ("OFF", "SHADOW", "AUTO")


def mode(
    loop: Text = "",
    requested: Annotated[str, Parameter(name="MODE", show_default=False)] = "",
    /,
    *,
    who: Text = "",
    why: Text = "",
    reset: Flag = False,
    key: Annotated[Path | None, Parameter(show_default=False)] = None,
    passphrase_file: Annotated[Path | None, Parameter(show_default=False)] = None,
    state: Path | None = None,
    json: Flag = False,
) -> int:
    """Ask a running engine for a mode; without LOOP and MODE, say how every loop is.

    The request goes into the records with the name of the person. What the loop then really does
    is computed every cycle: AUTO may be refused, and the answer says why.

    Parameters
    ----------
    loop
        'coating', 'profile', 'mixing' or 'all'.
    requested
        OFF, SHADOW or AUTO.
    who
        Who asks; default: the user of this session.
    why
        The reason, for the record.
    reset
        Clear a trip with this request. Where people are registered it has to be signed, by somebody
        else than asked for the mode in which the loop tripped.
    key
        Your key file, to sign a reset or AUTO; the passphrase is asked for.
    passphrase_file
        A file that holds the passphrase, where nobody can be asked.
    state
        State folder of the engine; default: the one engine running here.
    json
        Print the engine's answer as JSON.
    """
    message = _message(loop, requested, who, why, reset=reset)
    from service.commands import EngineUnreachableError, ask

    place = state_of_running_engine(state)
    if key is not None:
        message["signature"] = _signature(place, message, key, passphrase_file)
    try:
        answer = ask(place, message)
    except EngineUnreachableError as error:
        raise RefusalError(
            str(error).partition(" Next: ")[0],
            "the request did not arrive; the PLC keeps what it has",
            "start the engine with `./rheostat run`, or name its directory with --state",
        ) from error
    if json:
        print(words.dumps(answer, indent=2, ensure_ascii=False))
    elif message["do"] == "status" and answer.get("ok"):
        print(_status(answer))
    else:
        print(answer.get("text", ""))
    return OK if answer.get("ok") else FINDINGS


def _message(loop: str, requested: str, who: str, why: str, *, reset: bool) -> dict[str, Any]:
    if not loop:
        return {"do": "status"}
    wanted = requested.upper()
    if wanted not in MODES:
        asked = f"'{requested}' is not a mode" if requested else f"no mode is named for '{loop}'"
        raise RefusalError(
            f"{asked}.{did_you_mean(requested, MODES)}",
            "nothing was asked of the engine",
            f"./rheostat mode {loop} OFF, SHADOW or AUTO",
            USAGE,
        )
    message: dict[str, Any] = {"do": "mode", "loop": loop, "mode": wanted}
    message |= {"who": who or getpass.getuser(), "reset": reset}
    return message | ({"why": why} if why else {})


def _signature(
    place: Path, message: dict[str, Any], key: Path, passphrase_file: Path | None
) -> dict[str, Any]:
    """Return a person's signature under the newest cycle of a loop, for a reset or for AUTO."""
    from datetime import UTC, datetime

    from records.act import sign_act
    from records.reader import RecordReader
    from service.limits_keys import KeyFileError, load_key, owner_of, public_text
    from service.signed_auto import to_sign as auto_to_sign
    from service.signed_reset import to_sign as reset_to_sign

    loop, reset = message.get("loop", ""), message.get("reset", False)
    if loop == "all" or not (reset or message.get("mode") == "AUTO"):
        raise RefusalError(
            "--key signs AUTO or the reset of one loop, and neither was asked for",
            "a signature says what it is for",
            f"./rheostat mode {loop if loop != 'all' else 'coating'} OFF --reset --key {key}",
            USAGE,
        )
    people = sealed_now(place).config["people"]
    try:
        private = load_key(key, passphrase_of(passphrase_file, f"passphrase of {key}: "))
    except KeyFileError as error:
        raise RefusalError(str(error), "nothing was signed", error.next_step) from error
    person = owner_of(public_text(private.public_key()), people)
    reader = RecordReader(place / "records.sqlite")
    rows = reader.last_cycles(loop, 1)
    reader.close()
    if person is None or not rows:
        raise RefusalError(
            f"the key {key} belongs to nobody registered on this line" if rows
            else f"there is no record of a loop '{loop}'",
            "the engine takes signatures of registered people under records only",
            "./rheostat limits keys list; ./rheostat mode shows the loops",
        )  # fmt: skip
    utc = datetime.now(UTC).isoformat(timespec="seconds")
    entry = people[person]
    text = (
        reset_to_sign(rows[0], person, entry, utc) if reset
        else auto_to_sign(rows[0], person, entry, str(message.get("why", "")), utc)
    )  # fmt: skip
    act = sign_act(text, private)
    print(act.as_text())
    return act.body()


def _status(answer: dict[str, Any]) -> str:
    lines = [f"line {answer['line']['id']}, engine pid {answer['pid']}"]
    for name, loop in answer["loops"].items():
        lines.append(
            f"  {name:<10} {loop.get('mode', '?'):<8} (asked: {loop.get('requested', '?')})"
        )
    for name, source in answer["sources"].items():
        there = "connected" if source.get("connected") else "not connected"
        how = source.get("protection") or "in clear"
        refusals = source.get("refusals") or 0
        lines.append(f"  {name:<10} {there}, {how}")
        if refusals:
            lines.append(f"  ! {name}: refused {refusals} time(s), last: {source['last_refusal']}")
    lines.append(f"  limits     version {answer['seal']['version']} in force")
    lines += [f"  ! {notice}" for notice in answer["seal"]["notices"]]
    lines += [f"  ! {text}" for text in answer.get("certificates", [])]
    for alarm in answer.get("alarms", []):
        if alarm["active"] or alarm["unacknowledged"]:
            lines.append(f"  {alarm['state']:<10} {alarm['id']} ({alarm['priority']}): "
                         f"{alarm['text'] or alarm['title']}")  # fmt: skip
    return "\n".join(lines)
