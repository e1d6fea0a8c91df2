"""Gates with one thing broken each: a campaign that does not find these finds nothing.

Each is the true gate with one function replaced, the way respected systems have failed: a clamp
that NaN slips through, a rate counted from our own wish, rounding after the clamp. They are
fixtures for tests and for `./rheostat fuzz gate --gate NAME`; nothing that controls loads them.
"""

# ruff: noqa: ANN401 - stand-ins for functions of any kind
from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

from hil import gate_fuzz
from safety import (
    case,
    cuts,
    gate,
    modes,
    plan_interlocks,
    plant_interlocks,
    readback,
    shape,
    signal_checks,
    signals,
    vote,
    watch,
    wire,
)
from safety.words import Mode, Quality

Patch = tuple[ModuleType | type, str, Any]


def _is_float(value: object) -> bool:
    return type(value) is float


def _nan_blind_clamp() -> list[Patch]:
    """Max and min around a NaN: they return a limit, and the NaN has become a setpoint."""

    def clamp(value: float, span: tuple[float, float]) -> float:
        return max(span[0], min(span[1], value))

    return [
        (cuts, "is_number", _is_float),
        (plan_interlocks, "is_number", _is_float),
        (shape, "nearest", clamp),
        (shape, "settled", lambda value, _span, _grid: value),
        (shape, "_whole_grains", lambda _applied, moved, _rule: moved),
        (cuts, "is_safe", lambda *_: True),
    ]


def _swapped_limits() -> list[Patch]:
    """Two ranges in the wrong places: the wish is cut to what the equipment can do."""
    true = shape.shape

    def swapped(rule: Any, *rest: float) -> Any:
        return true(rule._replace(operating=rule.equipment), *rest)

    return [(cuts, "shape", swapped), (cuts, "is_safe", lambda *_: True)]


def _rate_from_own_request() -> list[Patch]:
    """Moves counted from what we asked for last, not from what the PLC uses."""
    true = cuts.cut_down

    def cut_down(one: case.Case) -> Any:
        ours = {**one.snapshot.applied, **one.state.commanded}
        return true(one._replace(snapshot=one.snapshot._replace(applied=ours)))

    return [(gate, "cut_down", cut_down)]


def _rate_per_cycle_only() -> list[Patch]:
    """A cycle's move in every cycle, however soon it comes."""
    return [(cuts, "moving_time_s", lambda one: one.rules.period_s)]


def _round_after_clamp() -> list[Patch]:
    """The register rounds to nearest when everything has been checked."""
    return [
        (shape, "settled", lambda value, _span, _grid: value),
        (shape, "quantised", lambda value, _applied, grid: wire.landed(value, grid)),
        (cuts, "is_safe", lambda *_: True),
    ]


def _edge() -> list[Patch]:
    """< where <= belongs: the hold timer lasts one cycle more."""
    true = modes.next_mode

    def next_mode(now: Any, request: Any, facts: Any) -> Any:
        return true(now, request, facts._replace(hold_cycles=facts.hold_cycles + 1))

    return [(gate, "next_mode", next_mode)]


def _hold_never_ends() -> list[Patch]:
    """A hold timer that every good word of the PLC winds up again."""
    true = modes.next_mode

    def next_mode(now: Any, request: Any, facts: Any) -> Any:
        return true(now._replace(held=0), request, facts)

    return [(gate, "next_mode", next_mode)]


def _unlatched_trip() -> list[Patch]:
    """A trip that goes when its cause goes."""
    true = modes.next_mode

    def next_mode(now: Any, request: Any, facts: Any) -> Any:
        after = true(now, request, facts)
        gone = after.mode is Mode.TRIPPED and facts.plant_action < 4
        return modes.ModeState(Mode.SHADOW) if gone and now.mode is Mode.TRIPPED else after

    return [(gate, "next_mode", next_mode)]


def _trips_uncounted() -> list[Patch]:
    """A loop that may trip as often as it likes."""
    true = modes.next_mode

    def next_mode(now: Any, request: Any, facts: Any) -> Any:
        return true(now, request, facts._replace(barred=False))

    return [(gate, "next_mode", next_mode)]


def _vote_averages_uncertain() -> list[Patch]:
    """An instrument that doubts itself votes like the others."""
    true = vote.cast

    def cast(rule: Any, samples: Any, ballot: Any) -> Any:
        raised = {
            tag: s._replace(quality=Quality.GOOD) if s.quality is Quality.UNCERTAIN else s
            for tag, s in samples.items()
        }
        return true(rule, raised, ballot)

    return [(signals, "cast", cast)]


def _vote_of_one() -> list[Patch]:
    """The last instrument left decides alone."""
    true = vote.vote

    def alone(values: Any, tolerance: float) -> Any:
        return vote.Voted(values[0], 1) if len(values) == 1 else true(values, tolerance)

    return [(vote, "vote", alone)]


def _stale_accepted() -> list[Patch]:
    """Old readings are readings."""
    return [
        (signal_checks, "_untimely", lambda *_: ""),
        (signal_checks, "_source_clock", lambda *_: (None, "")),
    ]


def _token_not_checked() -> list[Patch]:
    """An old request, sent again, is as good as a new one."""
    return [(gate, "_new", lambda request, _state: request)]


def _nobody_asked() -> list[Patch]:
    """A request needs no person."""
    return [(modes, "is_named", lambda _request: True)]


def _restart_stays_closed() -> list[Patch]:
    """An engine that takes up where it died."""
    return [(gate_fuzz, "restart", lambda state: state)]


def _heartbeat_ignored() -> list[Patch]:
    """The PLC is taken to be alive."""
    true = signals._pulse  # noqa: SLF001 - that is what is broken here

    def pulse(sample: Any, memory: Any) -> Any:
        return (true(sample, memory)[0], 0, True)

    return [(signals, "_pulse", pulse)]


def _spent_request_works() -> list[Patch]:
    """SHED ends by itself: the request that led into it works again."""
    true = modes.next_mode

    def next_mode(now: Any, request: Any, facts: Any) -> Any:
        return true(now._replace(spent="") if now.mode is Mode.SHED else now, request, facts)

    return [(gate, "next_mode", next_mode)]


def _no_handshake() -> list[Patch]:
    """From SHADOW straight to AUTO."""
    true = modes.next_mode

    def next_mode(now: Any, request: Any, facts: Any) -> Any:
        after = true(now, request, facts)
        starts = after.mode is Mode.INIT and now.mode is Mode.SHADOW
        return modes.ModeState(Mode.AUTO) if starts else after

    return [(gate, "next_mode", next_mode)]


def _raises() -> list[Patch]:
    """An interlock with a slip in it."""

    def il_99(_case: object) -> NoReturn:
        raise ZeroDivisionError

    return [(gate, "PLANT_INTERLOCKS", (*plant_interlocks.PLANT_INTERLOCKS, il_99))]


def _without(name: str) -> Callable[[], list[Patch]]:
    """Return a gate that lacks one interlock."""

    def patches() -> list[Patch]:
        plant = tuple(i for i in plant_interlocks.PLANT_INTERLOCKS if i.__name__ != name)
        plan = tuple(i for i in plan_interlocks.PLAN_INTERLOCKS if i.__name__ != name)
        return [(gate, "PLANT_INTERLOCKS", plant), (gate, "PLAN_INTERLOCKS", plan)]

    return patches


def _always(module: ModuleType, name: str, value: object) -> Callable[[], list[Patch]]:
    return lambda: [(module, name, lambda *_: value)]


def _sum_without_signs() -> list[Patch]:
    """A weighted sum that adds what it should take away."""
    true = watch.weighted

    def unsigned(rule: Any, value_of: Any) -> float | None:
        weights = tuple((tag, abs(weight)) for tag, weight in rule.weights)
        return true(rule._replace(weights=weights), value_of)

    return [(watch, "weighted", unsigned)]


def _balances_of_a_cycle() -> list[Patch]:
    """One good cycle forgives all the bad ones before it."""

    def forgiving(before: int, *, well: bool) -> int:
        return 0 if well else before + 1

    return [(watch, "_net", forgiving)]


BROKEN: dict[str, Callable[[], list[Patch]]] = {
    "nan-blind-clamp": _nan_blind_clamp,
    "swapped-limits": _swapped_limits,
    "edge-of-the-hold-timer": _edge,
    "rate-from-own-request": _rate_from_own_request,
    "rate-per-cycle-only": _rate_per_cycle_only,
    "rate-from-the-judgement": lambda: [
        (readback, "_counted_from", lambda _rules, state, _over_s: state.commanded_s)
    ],
    "round-after-clamp": _round_after_clamp,
    "unlatched-trip": _unlatched_trip,
    "trips-skipped": _without("il_04_trips"),
    "trips-uncounted": _trips_uncounted,
    "vote-averages-uncertain": _vote_averages_uncertain,
    "vote-of-one": _vote_of_one,
    "combinations-skipped": _always(gate, "il_06_combinations", ()),
    "sum-without-signs": _sum_without_signs,
    "stale-accepted": _stale_accepted,
    "stale-setpoint-repeated": _always(cuts, "is_fresh", True),
    "lapsed-ignored": _without("il_07_calibration"),
    "heartbeat-ignored": _heartbeat_ignored,
    "remote-ignored": _without("il_09_remote"),
    "token-not-checked": _token_not_checked,
    "nobody-asked": _nobody_asked,
    "permissives-skipped": _without("il_03_permissives"),
    "phase-skipped": _without("il_10_phase"),
    "solver-trusted": _without("il_11_solver"),
    "model-trusted": _without("il_12_model"),
    "balances-skipped": _without("il_12_balances"),
    "balances-of-a-cycle": _balances_of_a_cycle,
    "write-not-verified": _without("il_13_write_verify"),
    "dwell-skipped": _always(cuts, "dwelling", False),
    "reversals-skipped": _without("il_14_reversals"),
    "guards-skipped": _without("il_15_guards"),
    "hold-never-ends": _hold_never_ends,
    "travel-unbounded": _always(cuts, "travel_left", math.inf),
    "foreign-writer-ignored": _without("il_18_foreign_writer"),
    "allow-list-skipped": _without("il_19_allow_list"),
    "seal-not-checked": _always(gate, "unbroken", True),
    "restart-stays-closed": _restart_stays_closed,
    "spent-request-works": _spent_request_works,
    "no-handshake": _no_handshake,
    "raises": _raises,
}
"""Every broken gate by its name."""


@contextmanager
def broken(name: str) -> Iterator[None]:
    """Break the gate of this process for a while; '' leaves it whole."""
    with patched(BROKEN[name]() if name else []):
        yield


@contextmanager
def patched(patches: Sequence[Patch]) -> Iterator[None]:
    """Replace functions of this process for a while."""
    olds = [(module, key, getattr(module, key)) for module, key, _ in patches]
    try:
        for module, key, new in patches:
            setattr(module, key, new)
        yield
    finally:
        for module, key, old in olds:
            setattr(module, key, old)
