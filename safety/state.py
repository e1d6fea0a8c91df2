"""What the gate remembers from one cycle to the next: frozen, and plain enough for JSON.

It is part of every cycle record, so latches survive a power cut (P9) and any cycle can be judged
again from the record of the one before (P4).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from safety.modes import ModeState
from safety.strict import Span
from safety.watch import Guard
from safety.wear import Wear
from safety.words import Mode

OUTCOMES = ("none", "pending", "written", "refused", "unknown", "not-sent")
"""What became of the last command; 'pending' means that nobody verified it."""

_NOTHING: Mapping[str, float] = MappingProxyType({})
_NOWHERE: Mapping[str, Span] = MappingProxyType({})
_UNWORN: Mapping[str, Wear] = MappingProxyType({})
_UNGUARDED: Mapping[str, Guard] = MappingProxyType({})
_BALANCED: Mapping[str, int] = MappingProxyType({})


class StateError(ValueError):
    """A recorded gate state cannot be understood; the loop must not start from it."""


class GateState(NamedTuple):
    """The gate's memory of one loop.

    `sequence` counts judgements, `heartbeat` minted commands; `request_mark` is the last request
    seen and `latches` says in words why the loop is TRIPPED. `commanded` are the setpoints of the
    last command, `lawful` the spans in which the active ones may be found after it. Engine times
    [s]: `now_s` of the last judgement, `commanded_s` from when the next move is counted. The last
    one as well as `outcome` and `mismatches` come from `readback.verify`; `unbalanced` are the net
    cycles that each balance has been out while the loop was closed. What lasts, whatever the mode:
    `newest`, the largest request number seen; the `wear` of the setpoints; the `guards`; `misfit`,
    the net count of surprised cycles; instruments `struck` from a vote; the last `batch` number
    that was read, and the `trips` in that batch.
    """

    modes: ModeState = ModeState()
    sequence: int = 0
    heartbeat: int = 0
    request_mark: str = ""
    latches: tuple[str, ...] = ()
    now_s: float | None = None
    commanded_s: float | None = None
    commanded: Mapping[str, float] = _NOTHING
    lawful: Mapping[str, Span] = _NOWHERE
    outcome: str = "none"
    outcome_reason: str = ""
    mismatches: int = 0
    unbalanced: Mapping[str, int] = _BALANCED
    newest: int = 0
    wear: Mapping[str, Wear] = _UNWORN
    guards: Mapping[str, Guard] = _UNGUARDED
    misfit: int = 0
    struck: tuple[str, ...] = ()
    batch: int | None = None
    trips: int = 0

    @property
    def mode(self) -> Mode:
        """Return the mode of the last cycle."""
        return self.modes.mode


def lasting(state: GateState) -> GateState:
    """Return a fresh state that keeps of `state` only what no mode and no restart forgets."""
    return GateState(
        sequence=state.sequence,
        heartbeat=state.heartbeat,
        request_mark=state.request_mark,
        newest=state.newest,
        wear=state.wear,
        guards=state.guards,
        misfit=state.misfit,
        struck=state.struck,
        batch=state.batch,
        trips=state.trips,
    )


def initial_state() -> GateState:
    """Return the state of a loop that has never run: OFF."""
    return GateState()


def restart(state: GateState) -> GateState:
    """Return the state after a restart: OFF; latches, counters and wear kept, the rest forgotten.

    The request that was standing when the engine died is spent: closing the loop is a person's
    act, every time (SVC-02).
    """
    tripped = state.mode is Mode.TRIPPED
    modes = ModeState(
        mode=Mode.TRIPPED if tripped else Mode.OFF,
        spent=state.request_mark,
        tripped_by=state.modes.tripped_by if tripped else "",
    )
    return lasting(state)._replace(
        modes=modes,
        latches=state.latches if tripped else (),
        wear=MappingProxyType({t: w._replace(moved_s=None) for t, w in state.wear.items()}),
    )


def state_to_json(state: GateState) -> dict[str, Any]:
    """Return the state as a JSON-able dict."""
    modes = {**state.modes._asdict(), "mode": state.modes.mode.value}
    return {
        **state._asdict(),
        "commanded": dict(state.commanded),
        "lawful": {tag: list(span) for tag, span in state.lawful.items()},
        "latches": list(state.latches),
        "struck": list(state.struck),
        "unbalanced": dict(state.unbalanced),
        "wear": {tag: wear._asdict() for tag, wear in state.wear.items()},
        "guards": {tag: guard._asdict() for tag, guard in state.guards.items()},
        "modes": modes,
    }


def state_from_json(body: Mapping[str, Any]) -> GateState:
    """Return the state that `state_to_json` wrote, or raise `StateError`: never a guess."""
    _exactly(body, GateState._fields, "gate state")
    modes = body["modes"]
    _exactly(modes, ModeState._fields, "mode state")
    try:
        mode = Mode(modes["mode"])
    except ValueError as error:
        raise StateError(f"The recorded mode {modes['mode']!r} is unknown.") from error
    outcome = body["outcome"]
    if outcome not in OUTCOMES:
        raise StateError(f"The recorded write outcome {outcome!r} is unknown.")
    return GateState(
        modes=ModeState(
            mode=mode,
            evidence=_count(modes, "evidence"),
            waited=_count(modes, "waited"),
            held=_count(modes, "held"),
            asked=_flag(modes, "asked"),
            spent=_text(modes, "spent"),
            tripped_by=_text(modes, "tripped_by"),
        ),
        sequence=_count(body, "sequence"),
        heartbeat=_count(body, "heartbeat"),
        request_mark=_text(body, "request_mark"),
        latches=_texts(body, "latches"),
        now_s=_time(body, "now_s"),
        commanded_s=_time(body, "commanded_s"),
        commanded=_numbers(body, "commanded"),
        lawful=_spans(body, "lawful"),
        outcome=outcome,
        outcome_reason=_text(body, "outcome_reason"),
        mismatches=_count(body, "mismatches"),
        unbalanced=_counts(body, "unbalanced"),
        newest=_count(body, "newest"),
        wear=MappingProxyType({t: _wear(w) for t, w in _mapping(body, "wear").items()}),
        guards=MappingProxyType({t: _guard(g) for t, g in _mapping(body, "guards").items()}),
        misfit=_count(body, "misfit"),
        struck=_texts(body, "struck"),
        batch=None if body["batch"] is None else _integer(body, "batch"),
        trips=_count(body, "trips"),
    )


def _wear(body: Mapping[str, Any]) -> Wear:
    _exactly(body, Wear._fields, "wear")
    heading = body["heading"]
    if type(heading) is not int or heading not in (-1, 0, 1):
        raise StateError(f"The recorded heading must be -1, 0 or 1, not {heading!r}.")
    return Wear(
        travel=_level(body, "travel"),
        reversals=_level(body, "reversals"),
        heading=heading,
        turn=_number(body, "turn"),
        moved_s=_time(body, "moved_s"),
    )


def _guard(body: Mapping[str, Any]) -> Guard:
    _exactly(body, Guard._fields, "guard")
    return Guard(holds=_flag(body, "holds"), cycles=_count(body, "cycles"))


def _mapping(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body[name]
    if not isinstance(value, Mapping):
        raise StateError(f"The recorded {name} must map tags to what is remembered of them.")
    return value


def _number(body: Mapping[str, Any], name: str) -> float:
    value = body[name]
    if not _is_finite(value):
        raise StateError(f"The recorded {name} must be a number, not {value!r}.")
    return float(value)


def _level(body: Mapping[str, Any], name: str) -> float:
    value = _number(body, name)
    if value < 0.0:
        raise StateError(f"The recorded {name} must not be below zero, but is {value!r}.")
    return value


def _exactly(body: object, names: Iterable[str], what: str) -> None:
    if not isinstance(body, Mapping) or set(body) != set(names):
        raise StateError(f"The recorded {what} has other fields than this version writes.")


def _integer(body: Mapping[str, Any], name: str) -> int:
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise StateError(f"The recorded {name} must be a whole number, not {value!r}.")
    return value


def _count(body: Mapping[str, Any], name: str) -> int:
    value = _integer(body, name)
    if value < 0:
        raise StateError(f"The recorded {name} must be a count, not {value!r}.")
    return value


def _counts(body: Mapping[str, Any], name: str) -> Mapping[str, int]:
    counts = _mapping(body, name)
    return MappingProxyType({one: _count(counts, one) for one in counts})


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body[name]
    if not isinstance(value, bool):
        raise StateError(f"The recorded {name} must be true or false, not {value!r}.")
    return value


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body[name]
    if not isinstance(value, str):
        raise StateError(f"The recorded {name} must be text, not {value!r}.")
    return value


def _texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = body[name]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise StateError(f"The recorded {name} must be a list of texts, not {value!r}.")
    return tuple(value)


def _time(body: Mapping[str, Any], name: str) -> float | None:
    value = body[name]
    if value is None or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise StateError(f"The recorded {name} must be a time or nothing, not {value!r}.")


def _numbers(body: Mapping[str, Any], name: str) -> Mapping[str, float]:
    value = body[name]
    if not isinstance(value, Mapping) or not all(_is_finite(item) for item in value.values()):
        raise StateError(f"The recorded {name} must map tags to numbers, not {value!r}.")
    return MappingProxyType(dict(value))


def _spans(body: Mapping[str, Any], name: str) -> Mapping[str, Span]:
    value = body[name]
    pairs = value.values() if isinstance(value, Mapping) else [None]
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(map(_is_finite, pair)):
            raise StateError(f"The recorded {name} must map tags to ranges, not {value!r}.")
    return MappingProxyType({tag: (pair[0], pair[1]) for tag, pair in value.items()})


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)
