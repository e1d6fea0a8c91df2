"""The fault catalogue as a page: `python -m hil.fault_docs > docs/reference/faults.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from hil.fault_catalogue import Expected, Fault, Play, load_catalogue

_HEAD = """# The fault catalogue

<!-- Made by `python -m hil.fault_docs`; a test compares. Edit hil/faults/*.yaml instead. -->

F01 to F76, as `hil/faults/*.yaml` hold them. How they are played and judged:
[run the fault campaign](../how-to/run-the-hil.md).

*Asked* is the reaction and the budget the catalogue asks for; T is the period of the loop. Each
play names the moment it strikes, how long it lasts, the sign that must be in the records (or, where
it says so, in the PLC's log or among the refusals), and in which mode the loop may end. An **open**
play is played and counted as missed, with the reason. Safe is judged in every run: no frame outside
limits or rate.
"""

_WHEN = {
    "anytime": "between cycles",
    "read": "before reading",
    "plan": "while planning",
    "intent": "before the intent is recorded",
    "write": "between intent and wire",
    "mid-write": "between setpoints and heartbeat",
    "record": "before the cycle is recorded",
}


def page() -> str:
    """Return the whole page."""
    return "\n".join(_lines(load_catalogue())) + "\n"


def _lines(faults: Sequence[Fault]) -> Iterator[str]:
    played = [fault for fault in faults if fault.plays]
    yield _HEAD
    yield (
        f"{len(played)} of {len(faults)} are played, in {sum(len(f.plays) for f in played)} plays; "
        f"{sum(1 for fault in faults if not fault.plays)} are not played yet. What stands as "
        "*(real)* is played on sockets and processes, by `--real` alone."
    )
    for fault in faults:
        yield f"\n## {fault.id}\n"
        yield f"**{fault.title}** ({fault.place}). Asked: {fault.asked}."
        if fault.differs:
            yield f"\n{fault.differs}"
        if fault.not_yet:
            part = "Not played yet" if not fault.plays else "In part"
            yield f"\n*{part}:* {fault.not_yet}."
        if fault.plays:
            yield "\n| Play | Loop | What | When | Cycles | Must be seen | Within | Ends in |"
            yield "|---|---|---|---|---|---|---|---|"
        for play in fault.plays:
            yield _row(play)
        for play in fault.plays:
            if play.open:
                yield f"\n*Open:* `{play.name}`: {play.open}."


def _row(play: Play) -> str:
    arguments = ", ".join(f"{name} {_plain(value)}" for name, value in play.args.items())
    what = f"{play.verb}" + (f": {arguments}" if arguments else "")
    files = play.medium == "files"
    cells = [
        f"`{play.name}`",
        "files" if files else play.loop + (" (real)" if play.medium == "real" else ""),
        what.replace("|", "/"),
        "at the door" if files else _WHEN[play.when],
        "" if files else (str(play.lasts) if play.lasts else "to the end"),
        _sign(play.expect) or "nothing: safety alone",
        "" if files or not _sign(play.expect) or play.expect.steady else f"{play.within:g} T",
        ", ".join(play.then),
    ]
    return "| " + " | ".join(cells) + " |"


def _sign(expected: Expected) -> str:
    words = [expected.action or "", "/".join(expected.mode), expected.rule, expected.outcome]
    words += [f"{expected.bad} bad" if expected.bad else ""]
    words += [f"event {expected.event}" if expected.event else ""]
    words += [f"PLC says '{expected.plc}'" if expected.plc else ""]
    words += [f"'{expected.said}'" if expected.said else ""]
    words += ["nothing happens" if expected.steady else ""]
    return ", ".join(dict.fromkeys(word for word in words if word))


def _plain(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.stdout.write(page())
