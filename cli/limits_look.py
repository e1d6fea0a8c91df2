"""`./rheostat limits show | diff | impact | history`: look, and change nothing."""

from __future__ import annotations

import json as words
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.limits_place import refused, sealed_now, show_changes, state_of_line
from cli.places import DEFAULT_CONFIG
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.sealing import loaded_or_refused
from cli.words import Flag, Text

if TYPE_CHECKING:
    from service.limits_folder import Signed


def show(*, state: Path | None = None, json: Flag = False) -> int:
    """Show what is in force, what was proposed, and what the files say differently.

    Parameters
    ----------
    state
        State folder of the line; default: the one engine running, or the one there is.
    json
        Print it as JSON.
    """
    place = state_of_line(state)
    from service.commands import EngineUnreachableError, ask
    from service.limits_folder import LimitsFolder

    now = sealed_now(place)
    folder = LimitsFolder(place)
    open_ = [one for one in folder.all() if one.proposal.version > now.proposal.version]
    try:
        notices = ask(place, {"do": "status"}).get("seal", {}).get("notices", [])
        running = True
    except EngineUnreachableError:
        notices, running = [], False
    if json:
        answer = {
            "running": running,
            "in_force": {key: value for key, value in now.body().items() if key != "proposal"},
            "notices": notices,
            "waiting": folder.waiting,
            "proposals": [_row(one) for one in open_],
        }
        print(words.dumps(answer, indent=2, ensure_ascii=False))
        return OK
    proposal = now.proposal
    print(
        f"{proposal.line}: version {proposal.version} in force, {proposal.sha256[:12]} "
        f"({proposal.kind} by {proposal.author}: {proposal.reason})"
    )
    for one in open_:
        row = _row(one)
        signers = ", ".join(row["signed_by"]) or "nobody yet"
        print(f"  proposed {row['sha256'][:12]} by {row['author']}: {row['reason']}\n"
              f"           signed by {signers}; until {row['expires']}")  # fmt: skip
    if folder.waiting:
        print(f"  {folder.waiting[:12]} waits for the next start")
    for notice in notices:
        print(f"  ! {notice}")
    return OK


def diff(what: Text = "", /, *, state: Path | None = None, json: Flag = False) -> int:
    """Show what a proposal, or the files, would change: in the signal's unit, old and new.

    Parameters
    ----------
    what
        The first letters of a proposal's hash, or a line's file. Default: config/line.yaml.
    state
        State folder of the line; default: the one engine running, or the one there is.
    json
        Print the changes as JSON.
    """
    place = state_of_line(state)
    from service.limits_change import changes, refusal_of
    from service.limits_show import shown
    from service.limits_words import ChangeRefusedError

    now = sealed_now(place)
    try:
        new = _config_of(what, place)
    except ChangeRefusedError as error:
        return refused(error, as_json=json)
    found = changes(now.config, new)
    stopped = [change for change in found if refusal_of(change) is not None]
    if json:
        rows = [
            shown(change, now.config)
            | {"refusal": refusal.as_json() if (refusal := refusal_of(change)) else None}
            for change in found
        ]
        print(words.dumps({"version": now.proposal.version, "changes": rows}, indent=2))
    else:
        show_changes(now.config, new)
        some = f"; {len(stopped)} of them cannot be changed this way" if stopped else ""
        say(f"rheostat: {len(found)} value(s) differ from version {now.proposal.version}{some}")
    return FINDINGS if stopped else OK


def impact(
    what: Text = "",
    /,
    *,
    hours: float = 8.0,
    records: Annotated[Path | None, Parameter(show_default=False)] = None,
    state: Path | None = None,
    json: Flag = False,
) -> int:
    """Judge recorded hours again with the new limits: how often the gate would have acted.

    Parameters
    ----------
    what
        The first letters of a proposal's hash, or a line's file. Default: config/line.yaml.
    hours
        How many of the last recorded hours, counted in cycles of each loop.
    records
        A record file; default: that of the line.
    state
        State folder of the line; default: the one engine running, or the one there is.
    json
        Print the figures as JSON.
    """
    if not 0.0 < hours <= 24.0 * 31.0:
        raise RefusalError(
            f"--hours {hours:g}: more than nothing, and at most 31 days",
            "nothing would be judged",
            "./rheostat limits impact --help",
            USAGE,
        )
    place = state_of_line(state)
    from records.chain import RecordError
    from safety.strict import RuleError
    from service.limits_impact import impact as judge_again
    from service.limits_words import ChangeRefusedError

    now = sealed_now(place)
    try:
        found = judge_again(
            records or place / "records.sqlite", now.config, _config_of(what, place), hours
        )
    except ChangeRefusedError as error:
        return refused(error, as_json=json)
    except (RecordError, RuleError) as error:
        raise RefusalError(
            str(error), "without records there is nothing to judge", "name a file with --records"
        ) from error
    rows = [one.to_json() for one in found]
    if json:
        print(words.dumps(rows, indent=2))
    else:
        print("\n".join(_impact_text(row) for row in rows))
    return OK


def history(*, state: Path | None = None, json: Flag = False) -> int:
    """List every version that was in force: when, who, why, hashes.

    Parameters
    ----------
    state
        State folder of the line; default: the one engine running, or the one there is.
    json
        Print it as JSON.
    """
    place = state_of_line(state)
    sealed_now(place)
    from records.reader import RecordReader

    reader = RecordReader(place / "records.sqlite")
    try:
        entries = reader.seals()
    finally:
        reader.close()
    rows = [
        {
            "record": entry.seq,
            "in_force_since": entry.utc,
            **{key: entry.body[key] for key in ("version", "sha256", "config_sha256")},
            **{key: entry.body["proposal"][key] for key in ("kind", "author", "reason", "base")},
            "signatures": entry.body["signatures"],
        }
        for entry in entries
    ]
    if json:
        print(words.dumps(rows, indent=2, ensure_ascii=False))
        return OK
    for row in rows:
        print(f"version {row['version']}   {row['in_force_since']}   {row['sha256'][:12]}   "
              f"config {row['config_sha256'][:12]}   record {row['record']}\n"
              f"    {row['kind']} by {row['author']}: {row['reason']}")  # fmt: skip
        for one in row["signatures"]:
            print(f"    {one['name']} ({one['role']}), {one['utc']}: {one['meaning']}")
    return OK


def activated(answer: Mapping[str, Any], config: Mapping[str, Any], *, as_json: bool) -> int:
    """Print what the engine answered to an activation; return the exit code."""
    if as_json:
        print(words.dumps(answer, indent=2, ensure_ascii=False))
    elif answer.get("ok"):
        from service.limits_show import span_as_text

        print(f"version {answer['version']} is in force, from the next cycle of every loop on. "
              "Echoed back:")  # fmt: skip
        for loop, proof in answer["proof"].items():
            for tag, span in proof["gate"].items():
                gate, optimiser = (span_as_text(tag, one, config)
                                   for one in (span, proof["optimiser"][tag]))  # fmt: skip
                print(f"  {loop:<8} {tag:<22} gate {gate}, optimiser {optimiser}")
    else:
        print(answer.get("text", ""))
        say("rheostat: refused by the engine; the version in force goes on")
    return OK if answer.get("ok") else FINDINGS


def _config_of(what: str, place: Path) -> Mapping[str, Any]:
    """Return the configuration a proposal or a file describes; raises ChangeRefusedError."""
    from service.limits_folder import LimitsFolder

    if what.endswith((".yaml", ".yml")) or not what:
        return loaded_or_refused(Path(what) if what else DEFAULT_CONFIG).sealed
    return LimitsFolder(place).find(what).proposal.config


def _row(one: Signed) -> dict[str, Any]:
    proposal = one.proposal
    return {
        "sha256": proposal.sha256, "version": proposal.version, "author": proposal.author,
        "reason": proposal.reason, "expires": proposal.expires,
        "signed_by": [f"{signature.name} ({signature.role})" for signature in one.signatures],
    }  # fmt: skip


def _impact_text(row: Mapping[str, Any]) -> str:
    lines = [f"{row['loop']}: {row['cycles']} recorded cycles, {row['hours']:.2f} h"]
    before, after = row["before"], row["after"]
    for title, key in (("cycles by action", "actions"), ("clamped by the range (IL-01)", "clamped"),
                       ("setpoint in use outside the range", "outside")):  # fmt: skip
        for name in sorted({*before[key], *after[key]}):
            was, would = before[key].get(name, 0), after[key].get(name, 0)
            lines.append(f"  {title:<34} {name:<24} {was:>6} -> {would}")
    if row["not_reproduced"]:
        lines.append(f"  {row['not_reproduced']} cycles were recorded by another software or "
                     "other limits, and prove less")  # fmt: skip
    return "\n".join(lines)
