"""The judge: reads what the PLCs logged and says whether any setpoint left the validated box.

It knows neither the gate nor the configuration. Its limits were written down from the process
design by hand, in SI; if somebody widens `config/limits.yaml` or breaks the gate, this table does
not follow. A rate counts from the setpoint the PLC really used when the write arrived, over the
time since the last word that moved it: where two engines write, the one that tracks moves nothing,
and takes none of the other's time. A word that comes twice, as a network doubles frames, goes on
with the move it began; it may not begin another. What moves a setpoint at the PLC under a command
on its way (a hand, or the PLC's own loop after it took over) is not the command's move. How long a
command was on its way shows in its sequence number, which counts cycles: one that comes 16 s later
than its number says was as long delayed. A take-over shows to the engine when it reads next, so the
command in the making cannot know it. A PLC in local is followed, not led: a word that comes late is
where the PLC's own loop was when the word was made, further out or further off than it is by what
that loop moves in that time.

    python -m hil.judge --log STATE/plc-coater.jsonl --log STATE/plc-mixer.jsonl
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RPM, KG_MIN, UM = 1.0 / 60.0, 1.0 / 60.0, 1e-6


@dataclass(frozen=True, slots=True)
class Box:
    """What one setpoint may be [SI], how fast it may move [SI/s], how exact the wire is [SI]."""

    low: float
    high: float
    rate_per_s: float
    cycle_s: float
    rounding: float


BOXES: Mapping[str, Box] = {
    "coater.pump_ratio_sp": Box(2.2, 3.1, 0.01, 8.0, 1e-4),
    "coater.gap_sp": Box(240 * UM, 340 * UM, 1.0 * UM, 8.0, 0.05 * UM),
    "coater.oven_trim_sp": Box(-8.0, 8.0, 0.05, 8.0, 5e-3),
    "coater.line_speed_sp": Box(0.1, 14.0 / 60.0, 0.005 / 60.0, 8.0, 5e-4 / 60.0),
    **{f"lip.bolt{n}_sp": Box(-50 * UM, 50 * UM, 0.625 * UM, 8.0, 0.05 * UM) for n in range(1, 13)},
    "mixer.anchor_sp": Box(15 * RPM, 50 * RPM, 0.25 * RPM, 20.0, 5e-3 * RPM),
    "mixer.jacket_sp": Box(285.15, 307.15, 0.05, 20.0, 5e-3),
    "mixer.solvent_sp": Box(0.0, 1.5 * KG_MIN, 0.05 * KG_MIN, 20.0, 5e-4 * KG_MIN),
}
CYCLE_S = {tag.split(".")[0]: box.cycle_s for tag, box in BOXES.items()}
JITTER = 0.25  # of a cycle: how much the time between two frames may vary on its way to the PLC
ON_ITS_WAY_S = 5.0  # so long a command lives: what was moved meanwhile it could not know
WATCHDOG_S = {"coater": 24.0, "lip": 24.0, "mixer": 60.0}


@dataclass(slots=True)
class Judgement:
    """What the logs say. `escapes` must be empty; `takeovers` are the PLC's own doing."""

    frames: int = 0
    setpoints: int = 0
    half_frames: int = 0
    escapes: list[dict[str, Any]] = field(default_factory=list)
    takeovers: list[dict[str, Any]] = field(default_factory=list)
    closest_to_limit: dict[str, float] = field(default_factory=dict)
    fastest_share: dict[str, float] = field(default_factory=dict)
    travel: dict[str, float] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """True when something was judged and nothing escaped."""
        return self.setpoints > 0 and not self.escapes

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {"clean": self.clean, **asdict(self)}


def judge_rows(rows: Iterable[Mapping[str, Any]]) -> Judgement:
    """Judge the rows of one or several write logs, each log in its own order."""
    verdict = Judgement()
    rows = list(rows)
    delayed_s = _delays(rows)
    led_s: dict[str, float] = {}  # when the last word came that moved its setpoint, or the first
    value_was: dict[str, float] = {}
    begun: dict[str, float] = {}  # how far the last new word of a tag was from the active setpoint
    by_hand: dict[str, tuple[float, float]] = {}  # when somebody moved a setpoint, and by how much
    taken: dict[str, tuple[float, float]] = {}  # when a PLC took it, and where it was before
    open_frame: dict[str, set[str]] = {}
    heartbeat_s: dict[str, float] = {}
    for place, row in enumerate(rows):
        if "event" in row:
            if "moved" in row:
                by_hand[str(row["moved"])] = float(row["plant_s"]), abs(float(row["by"]))
            if _note_takeover(verdict, row, heartbeat_s):
                at_s = float(row["plant_s"])
                taken |= {tag: (at_s, float(was)) for tag, was in row["before"].items()}
            continue
        tag = str(row["tag"])
        plc = tag.split(".")[0]
        if tag.endswith(".engine_heartbeat"):
            verdict.frames += 1
            heartbeat_s[plc] = row["plant_s"]
            open_frame[plc] = set()
        elif tag in BOXES:
            seen = open_frame.setdefault(plc, set())
            if tag in seen:
                verdict.half_frames += 1
                seen.clear()
            seen.add(tag)
            value = float(row["value"])
            again = value == value_was.get(tag)
            late_s = delayed_s.get(place, 0.0)
            sent_s = row["plant_s"] - ON_ITS_WAY_S - late_s
            own = BOXES[tag].rate_per_s * late_s if row.get("remote") is False else 0.0
            moved_s, moved = by_hand.pop(tag, (-math.inf, 0.0))
            unknown = moved if moved_s >= sent_s else 0.0
            taken_s, was = taken.get(tag, (-math.inf, 0.0))
            if taken_s >= sent_s - CYCLE_S[plc] and row["active"] is not None:
                unknown += abs(float(row["active"]) - was)
            move = _judge_setpoint(
                verdict, row, BOXES[tag], led_s.get(tag, -math.inf),
                begun.get(tag, 0.0) if again else 0.0, unknown + own, own,
            )  # fmt: skip
            begun[tag] = move
            anew = row["plant_s"] < led_s.get(tag, math.inf)  # the first word, or another clock
            if anew or not move <= BOXES[tag].rounding:
                led_s[tag] = row["plant_s"]
            verdict.travel[tag] = verdict.travel.get(tag, 0.0) + abs(
                value - value_was.get(tag, value)
            )
            value_was[tag] = value
    return verdict


def _delays(rows: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    """Return by place how much later than its sequence number says a setpoint came [s]."""
    found: dict[int, float] = {}
    waiting: dict[str, list[int]] = {}
    last: dict[str, tuple[int, float]] = {}
    for place, row in enumerate(rows):
        tag = str(row.get("tag", ""))
        plc = tag.split(".")[0]
        if tag in BOXES:
            waiting.setdefault(plc, []).append(place)
        elif tag.endswith(".engine_sequence"):
            number, now_s = int(row["value"]), float(row["plant_s"])
            before, before_s = last.get(plc, (number, now_s))
            late_s = now_s - before_s - (number - before) * CYCLE_S[plc]
            counts_on = 0 < number - before  # else a new engine, or a frame that came twice
            places = waiting.pop(plc, [])
            found |= dict.fromkeys(places, max(0.0, late_s) if counts_on else 0.0)
            last[plc] = number, now_s
    return found


def _judge_setpoint(
    verdict: Judgement,
    row: Mapping[str, Any],
    box: Box,
    last_s: float,
    begun: float,
    unknown: float,
    own: float,
) -> float:
    """Judge one setpoint and return its move.

    `last_s` is when a word last moved it, `begun` a move already judged that may go on, `unknown`
    what was moved at the PLC meanwhile, `own` what of it was the loop of a PLC in local.
    """
    verdict.setpoints += 1
    tag, value = str(row["tag"]), float(row["value"])
    active = math.nan if row["active"] is None else float(row["active"])
    if not math.isfinite(value):
        _escape(verdict, row, "is not a number")
        return 0.0
    outside = max(box.low - value, value - box.high)
    already = max(box.low - active, active - box.high)
    if outside > box.rounding and not outside <= already + own + box.rounding:
        _escape(verdict, row, f"is outside {box.low:.6g} to {box.high:.6g}")
    room = min(value - box.low, box.high - value) / (box.high - box.low)
    verdict.closest_to_limit[tag] = min(verdict.closest_to_limit.get(tag, 1.0), room)
    elapsed_s = row["plant_s"] - last_s
    if elapsed_s < 0.0:  # a PLC that came up anew, with a clock of its own
        elapsed_s = box.cycle_s
    most = box.rate_per_s * min(box.cycle_s, elapsed_s + JITTER * box.cycle_s) + box.rounding
    move = abs(value - active)
    if not move <= max(most + unknown, begun):
        _escape(verdict, row, f"moves {move:.6g} from the active {active:.6g}; at most {most:.6g}")
    if not begun and not unknown:
        verdict.fastest_share[tag] = max(verdict.fastest_share.get(tag, 0.0), move / most)
    return move


def _escape(verdict: Judgement, row: Mapping[str, Any], why: str) -> None:
    verdict.escapes.append(
        {"plant_s": row["plant_s"], "tag": row["tag"], "value": row["value"], "why": why}
    )


def _note_takeover(
    verdict: Judgement, row: Mapping[str, Any], heartbeat_s: Mapping[str, float]
) -> bool:
    """Note a PLC that takes its loop back: how long we had been silent, whether it bumped."""
    if not str(row["event"]).startswith("local"):
        return False
    plc = next(iter(row["before"])).split(".")[0]
    bump = max(
        abs(row["after"][tag] - was) / (BOXES[tag].high - BOXES[tag].low)
        for tag, was in row["before"].items()
    )
    verdict.takeovers.append(
        {
            "plc": plc,
            "plant_s": row["plant_s"],
            "why": row["event"],
            "silent_s": row["plant_s"] - heartbeat_s.get(plc, -math.inf),
            "watchdog_s": WATCHDOG_S[plc],
            "bump_share_of_range": bump,
        }
    )
    return True


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read a write log; a last line cut off by a kill is left out."""
    rows = []
    for line in path.read_text("utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def judge_logs(paths: Iterable[Path]) -> Judgement:
    """Judge the write logs of several PLCs together."""
    return judge_rows(row for path in paths for row in read_log(path))


def main(argv: list[str] | None = None) -> int:
    """Judge logs from the command line; exit code 1 when anything escaped."""
    parser = argparse.ArgumentParser(description="Rheostat's bench: the independent judge")
    parser.add_argument("--log", type=Path, action="append", required=True)
    verdict = judge_logs(parser.parse_args(argv).log)
    sys.stdout.write(json.dumps(verdict.to_json()) + "\n")
    return 0 if verdict.clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
