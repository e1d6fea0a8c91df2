"""The rules of one loop: what the gate may let through, built strictly from the sealed dict.

Nothing here has a default. A limit that is missing, not a number, inverted or of zero width
refuses the whole loop with a sentence that names the place: code that quietly carries on without
a limit is how respected systems have failed open (oref0's missing max_basal, EPICS aoRecord's
unset DRVH). Requirements IL-01, IL-19, IL-20, GMP-12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from safety.seal import sealed_copy
from safety.setpoint_rules import FLOAT_TYPES, SetpointRule, setpoint_rule
from safety.strict import (
    RuleError,
    Span,
    count_at,
    name_at,
    names_at,
    number_from,
    positive_at,
    section,
    span_at,
)
from safety.watch_rules import WatchRules, watch_rules

_INTEGER_MODULUS = {"uint16": 2**16, "int16": 2**15, "uint32": 2**32, "int32": 2**31}


class InputRule(NamedTuple):
    """What one input tag must look like to be believed (SI, seconds, cycles).

    `kind` is 'float', 'int' or 'bool'; `span` the instrument's range and `validity` the narrower
    range that makes sense here (None: no range applies). `frozen_after` unchanged cycles make a
    value frozen (0: never); a jump beyond `max_step` is a spike (None: any jump is believed);
    going to and fro by more than `max_jitter` on the mean is noise (None: any is believed).
    `wire_zero` is what a register full of zeros reads as (273.15 for a temperature in degC).
    """

    tag: str
    source: str
    kind: str
    span: Span | None
    validity: Span | None
    max_age_s: float
    frozen_after: int
    max_step: float | None
    max_jitter: float | None
    wire_zero: float


class Handshake(NamedTuple):
    """The tags through which engine and PLC hold hands, and where the two counters wrap."""

    heartbeat_in: str
    remote_ready: str
    remote_active: str
    heartbeat_modulus: int
    sequence_modulus: int


class PhaseRule(NamedTuple):
    """The recipe phase must be one of `allowed` (numbers as the PLC reports them) to be in AUTO."""

    tag: str
    allowed: frozenset[int]


class TripsRule(NamedTuple):
    """How often the loop may trip in one batch, by the batch number that `batch` shows (IL-04)."""

    batch: str
    most: int


@dataclass(frozen=True, slots=True)
class LoopRules:
    """Everything the gate knows about one loop; immutable while the engine runs (P11).

    `seal` is a copy of all the rest, taken when the rules were built (IL-20); without one nothing
    is ever written.
    """

    loop: str
    period_s: float
    inputs: Mapping[str, InputRule]
    critical: tuple[str, ...]
    permissives: tuple[str, ...]
    setpoints: Mapping[str, SetpointRule]
    handshake: Handshake
    phase: PhaseRule | None
    trips: TripsRule | None
    hold_cycles: int
    heartbeat_cycles: int
    max_plan_age_s: float
    max_residual: float
    max_iterations: int
    command_life_s: float
    watch: WatchRules
    seal: tuple[Any, ...] = ()

    def limits(self) -> dict[str, Span]:
        """Return the operating range of every setpoint: what an optimiser should stay within."""
        return {tag: rule.operating for tag, rule in self.setpoints.items()}

    def max_step(self) -> dict[str, float]:
        """Return the largest move per cycle of every setpoint [SI]."""
        return {tag: rule.rate_per_s * self.period_s for tag, rule in self.setpoints.items()}


def loop_rules(sealed: Mapping[str, Any], loop: str) -> LoopRules:
    """Build the rules of `loop`, or raise `RuleError` with a sentence that names the place."""
    spec = section(section(sealed, "loops", "the sealed configuration"), loop, "loops")
    where = f"loops.{loop}"
    period_s = positive_at(spec, "period", where)
    hands = section(spec, "handshake", where)
    gate = section(spec, "gate", where)
    tags = section(sealed, "tags", "the sealed configuration")
    limits = section(sealed, "limits", "the sealed configuration")
    critical = names_at(spec, "critical", where)
    permissives = names_at(spec, "permissives", where)
    mvs = section(spec, "mvs", where)
    if not mvs:
        raise RuleError(f"{where}.mvs is empty: a loop without a setpoint has nothing to guard.")
    setpoints = {tag: setpoint_rule(limits, tags, tag, mvs[tag], where) for tag in mvs}
    for rule in setpoints.values():
        if rule.active_tag not in critical:
            raise RuleError(
                f"{where}.critical lacks {rule.active_tag}: the gate counts moves from it, "
                f"so it must be critical."
            )
    handshake = _handshake(hands, tags, f"{where}.handshake")
    phase, trips = _phase(sealed, spec, where), _trips(spec, where)
    wanted = [*critical, *permissives, *names_at(spec, "optional", where)]
    wanted += [handshake.heartbeat_in, handshake.remote_ready, handshake.remote_active]
    numbered = [*([phase.tag] if phase else []), *([trips.batch] if trips else [])]
    wanted += numbered
    inputs = {tag: _input(tags, limits, tag) for tag in wanted}
    _must_be(inputs, [*permissives, handshake.remote_ready, handshake.remote_active], "bool")
    _must_be(inputs, [handshake.heartbeat_in, *numbered], "int")
    _must_be(inputs, [rule.active_tag for rule in setpoints.values()], "float")
    numbers = [tag for tag, rule in inputs.items() if rule.kind == "float"]
    loose = LoopRules(
        loop=loop,
        period_s=period_s,
        inputs=MappingProxyType(inputs),
        critical=critical,
        permissives=permissives,
        setpoints=MappingProxyType(setpoints),
        handshake=handshake,
        phase=phase,
        trips=trips,
        hold_cycles=count_at(gate, "hold_cycles", f"{where}.gate", 1),
        heartbeat_cycles=count_at(gate, "heartbeat_cycles", f"{where}.gate", 1),
        max_plan_age_s=positive_at(gate, "max_plan_age", f"{where}.gate"),
        max_residual=positive_at(gate, "max_residual", f"{where}.gate"),
        max_iterations=count_at(gate, "max_iterations", f"{where}.gate", 1),
        command_life_s=positive_at(gate, "command_life", f"{where}.gate"),
        watch=watch_rules(limits, loop, setpoints, numbers),
    )
    return replace(loose, seal=sealed_copy(loose))


def _input(tags: Mapping[str, Any], limits: Mapping[str, Any], tag: str) -> InputRule:
    place = f"tags.{tag}"
    spec = section(tags, tag, "tags")
    if spec.get("direction") != "read":
        raise RuleError(f"{place} is not a tag to read, yet the loop counts on reading it.")
    kind = _kind(spec, place)
    span = _span_or_none(spec, place)
    if kind == "float" and span is None:
        raise RuleError(f"{place} has no range: no number could be called implausible.")
    checks = section(limits, "inputs", "limits")
    validity, frozen_after, max_step, max_jitter = None, 0, None, None
    if tag in checks:
        more = f"limits.inputs.{tag}"
        extra = section(checks, tag, "limits.inputs")
        validity = span_at(extra, "validity", more)
        frozen_after = count_at(extra, "frozen_after", more, 0)
        max_step = positive_at(extra, "max_step", more)
        max_jitter = positive_at(extra, "max_jitter", more)
    return InputRule(
        tag=tag,
        source=name_at(spec, "source", place),
        kind=kind,
        span=span,
        validity=validity,
        max_age_s=positive_at(spec, "max_age", place),
        frozen_after=frozen_after,
        max_step=max_step,
        max_jitter=max_jitter,
        wire_zero=number_from(spec.get("offset"), f"{place}.offset"),
    )


def _handshake(hands: Mapping[str, Any], tags: Mapping[str, Any], where: str) -> Handshake:
    def modulus(role: str) -> int:
        tag = name_at(hands, role, where)
        kind = section(tags, tag, "tags").get("type")
        if kind not in _INTEGER_MODULUS:
            raise RuleError(f"tags.{tag} must be an integer type: it carries the {role} counter.")
        return _INTEGER_MODULUS[kind]

    return Handshake(
        heartbeat_in=name_at(hands, "heartbeat_in", where),
        remote_ready=name_at(hands, "remote_ready", where),
        remote_active=name_at(hands, "remote_active", where),
        heartbeat_modulus=modulus("heartbeat_out"),
        sequence_modulus=modulus("sequence"),
    )


def _phase(sealed: Mapping[str, Any], spec: Mapping[str, Any], where: str) -> PhaseRule | None:
    """Return the phase rule of a loop that names a phase tag: {tag, codes: {NAME: number}}."""
    if "phase" not in spec or spec["phase"] is None:
        return None
    phase = section(spec, "phase", where)
    codes = section(phase, "codes", f"{where}.phase")
    recipe = section(sealed, "recipe", "the sealed configuration")
    names = names_at(recipe, "phases_in_control", "recipe")
    unknown = [name for name in names if name not in codes]
    if unknown or not names:
        raise RuleError(
            f"recipe.phases_in_control: {unknown or 'nothing'} is not a phase of {where}.phase."
        )
    return PhaseRule(
        tag=name_at(phase, "tag", f"{where}.phase"),
        allowed=frozenset(count_at(codes, name, f"{where}.phase.codes", 0) for name in names),
    )


def _trips(spec: Mapping[str, Any], where: str) -> TripsRule | None:
    """Return the rule of a loop that knows its batch: {batch: TAG, most: number}."""
    if "trips" not in spec or spec["trips"] is None:
        return None
    trips, place = section(spec, "trips", where), f"{where}.trips"
    return TripsRule(name_at(trips, "batch", place), count_at(trips, "most", place, 1))


def _must_be(inputs: Mapping[str, InputRule], tags: list[str], kind: str) -> None:
    for tag in tags:
        if inputs[tag].kind != kind:
            raise RuleError(f"tags.{tag} must be of type {kind}, not {inputs[tag].kind}.")


def _kind(spec: Mapping[str, Any], place: str) -> str:
    name = spec.get("type")
    if name == "bool":
        return "bool"
    if name in FLOAT_TYPES:
        return "float"
    if name in _INTEGER_MODULUS:
        return "int"
    raise RuleError(f"{place}.type is {name!r}; known are bool, integers and floats.")


def _span_or_none(spec: Mapping[str, Any], place: str) -> Span | None:
    if spec.get("low") is None and spec.get("high") is None:
        return None
    return span_at({"range": [spec.get("low"), spec.get("high")]}, "range", place)
