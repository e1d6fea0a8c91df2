"""From the records and the engine's status to points and values: pure functions, nothing invented.

What is older than three periods is not shown any more: a number without a cycle behind it would be
believed all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from fieldbus.outward.points import UNECE, Alarm, Identification, Point, Value
from service.alarms.states import HIDDEN
from service.page.view import Frame, LoopView, Shown, loop_views

STALE_PERIODS = 3.0
LEAST_STALE_S = 3.0  # wall seconds, on an accelerated bench
_QUALITY: Mapping[int, Literal["good", "uncertain", "bad"]] = {2: "good", 1: "uncertain", 0: "bad"}
_SEVERITY: Mapping[str, int] = {"critical": 900, "high": 700, "medium": 500, "low": 300}
"""OPC UA's number, 1 to 1000, for each priority."""
_CV = ("value", "target", "low", "high")
_MV = ("applied", "requested", "allowed", "low", "high")
_WORDS: Mapping[str, tuple[str, str]] = {
    "Mode": ("mode", "the mode the loop is in"),
    "Requested": ("requested", "the mode a person asked for"),
    "Verdict/Action": ("action", "what the safety gate did: ALLOW, CLAMP, HOLD, SHED or TRIP"),
    "Verdict/Limiting": ("limiting", "the rule that limited the move"),
    "Verdict/Reasons": ("reasons", "the gate's reasons, in words"),
    "Plan/Status": ("status", "how the optimiser's last answer ended"),
    "Written": ("outcome", "what became of the last write to the PLC"),
}


def identification(sealed: Mapping[str, Any], software: str) -> Identification:
    """Return who this line is to a SCADA system."""
    line = str(sealed["line"]["id"])
    return Identification(
        "Rheostat", f"control engine, {sealed['line']['product']}", line,
        f"urn:rheostat:{line}", software,
    )  # fmt: skip


def points(sealed: Mapping[str, Any]) -> Iterator[Point]:
    """Yield every variable of a line; their paths do not change while its loops and tags stay."""
    line = sealed["line"]["id"]
    yield Point(f"{line}/Engine/Answers", "yes-no", "whether the engine answers at its door")
    yield Point(f"{line}/Engine/Seal", "text", "which sealed limits are in force, by SHA-256")
    yield Point(f"{line}/Engine/LastRecord", "whole", "number of the newest record")
    for name, view in loop_views(sealed).items():
        place = f"{line}/{name}"
        for word, (_, about) in _WORDS.items():
            yield Point(f"{place}/{word}", "text", about)
        yield Point(f"{place}/Plan/SolveTime", "number", "how long the solver took", "ms", 0.0, 6e4)
        for kind, shown, words in _groups(view):
            low, high = _range(sealed, shown)
            for word in words:
                yield Point(
                    f"{place}/{kind}/{shown.tag}/{word.capitalize()}", "number", shown.label,
                    _unit(sealed, shown), low, high,
                )  # fmt: skip


def values(
    sealed: Mapping[str, Any], frames: Mapping[str, Frame], now: datetime, speed: float = 1.0
) -> dict[str, Value]:
    """Return what each loop's points show now, from its latest cycle; `speed` is the bench's."""
    found: dict[str, Value] = {}
    for name, view in loop_views(sealed).items():
        frame = frames.get(name)
        shown = _of_loop(view, frame) if frame is not None else {}
        patience_s = max(STALE_PERIODS * view.period_s / speed, LEAST_STALE_S)
        stale = frame is None or (now - _time(frame)).total_seconds() > patience_s
        for path, value in (shown or _of_loop(view, {})).items():
            found[f"{sealed['line']['id']}/{name}/{path}"] = (
                Value(None, "stale") if stale else value
            )
    return found


def of_engine(sealed: Mapping[str, Any], status: Mapping[str, Any], seq: int) -> dict[str, Value]:
    """Return what the engine's own points show; `status` is empty when it does not answer."""
    place = f"{sealed['line']['id']}/Engine"
    seal = str((status.get("hashes") or {}).get("seal", ""))
    return {
        f"{place}/Answers": Value(bool(status)),
        f"{place}/Seal": Value(seal or None, "good" if status else "stale"),
        f"{place}/LastRecord": Value(seq),
    }


def alarms(status: Mapping[str, Any]) -> list[Alarm]:
    """Return the alarms that stand by the engine's status; empty status means it is not there."""
    if not status:
        return [Alarm("engine", "The engine does not answer", True, True, 900)]
    return [_alarm(row) for row in status.get("alarms") or ()]


def _alarm(row: Mapping[str, Any]) -> Alarm:
    state, title, text = str(row["state"]), str(row["title"]), str(row["text"])
    return Alarm(
        str(row["id"]),
        f"{title}: {text}" if text else title,
        bool(row["active"]),
        not row["unacknowledged"],
        _SEVERITY.get(str(row["priority"]), 500),
        str(row["why"]),
        str(row["who"]),
        latched=state in ("LTUNK", "LTACK"),
        hidden=state in HIDDEN,
    )


def _of_loop(view: LoopView, frame: Frame) -> dict[str, Value]:
    time = _time(frame) if frame else None
    found: dict[str, Value] = {}
    for word, (key, _) in _WORDS.items():
        said = frame.get(key)
        if isinstance(said, list):
            said = "; ".join(f"{why['rule']}: {why['text']}" for why in said)
        found[word] = Value("" if said is None and frame else said, "good", time)
    found["Plan/SolveTime"] = Value(_number(frame.get("solve_ms")), "good", time)
    rows = {kind: {row["tag"]: row for row in frame.get(f"{kind.lower()}s", ())}
            for kind in ("CV", "MV", "DV")}  # fmt: skip
    for kind, shown, words in _groups(view):
        row = rows[kind].get(shown.tag, {})
        for word in words:
            quality = _QUALITY.get(row.get("quality", 2), "bad") if word == "value" else "good"
            found[f"{kind}/{shown.tag}/{word.capitalize()}"] = Value(
                _number(row.get(word)), quality, time
            )
    return found


def _groups(view: LoopView) -> Iterator[tuple[str, Shown, Sequence[str]]]:
    yield from (("CV", shown, _CV) for shown in view.cvs)
    yield from (("MV", shown, _MV) for shown in view.mvs)
    yield from (("DV", shown, ("value",)) for shown in view.dvs)


def _range(sealed: Mapping[str, Any], shown: Shown) -> tuple[float | None, float | None]:
    """Return the measuring range of a tag in people's units; none for what is computed."""
    row = sealed["tags"].get(shown.tag, {})
    return shown.value(row.get("low")), shown.value(row.get("high"))


def _unit(sealed: Mapping[str, Any], shown: Shown) -> str | None:
    unit = str(sealed["tags"].get(shown.tag, {}).get("unit", shown.unit))
    return unit if unit in UNECE else None


def _time(frame: Frame) -> datetime:
    return datetime.fromisoformat(str(frame["utc"])).astimezone(UTC)


def _number(word: object) -> float | None:
    good = isinstance(word, int | float) and not isinstance(word, bool)
    return float(word) if good else None  # type: ignore[arg-type]
