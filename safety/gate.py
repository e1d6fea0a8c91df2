"""REFUSES: the gate. One pure function between the controller's wish and the wire.

`judge` is total and default-deny: it reads no clock, does no I/O, keeps nothing, and whatever it
does not understand ends in SHED. Only this module can make a `Command`. See SAFETY.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, replace
from types import MappingProxyType
from typing import Any, NoReturn

from safety.interlocks import PLAN_INTERLOCKS, PLANT_INTERLOCKS, Case, is_number
from safety.modes import ARMED, CLOSED, Facts, ModeState, mark_of, next_mode
from safety.rules import LoopRules
from safety.shape import is_safe, nearest, shape
from safety.signals import Snapshot
from safety.state import GateState
from safety.words import Action, Mode, Proposal, Reason, Request, RequestedMode

_NOTHING: Mapping[str, float] = MappingProxyType({})
_MINT = object()  # known to this module only: without it no Command comes into being


@dataclass(frozen=True, slots=True)
class Command:
    """The only thing `PlantPort.write` accepts; only this module makes one.

    `setpoints` maps MV setpoint tags to SI values; it is empty when only the handshake words go
    out. `remote` is the remote-request word, `heartbeat` our counter, `sequence` the number of the
    judgement, both wrapped to the width of their tags; a command that is not on the wire before
    `expires_s` (engine time) is void, and it is written once. It cannot be copied or altered.
    """

    loop: str
    sequence: int
    setpoints: Mapping[str, float]
    remote: bool
    heartbeat: int
    minted_s: float
    expires_s: float
    mint: InitVar[object]

    def __post_init__(self, mint: object) -> None:
        if mint is not _MINT:
            raise PermissionError("Only the safety gate makes a Command; ask safety.gate.judge.")

    def __reduce__(self) -> NoReturn:
        raise PermissionError("A Command is used once, here; it cannot be copied or sent on.")

    def expired(self, now_s: float) -> bool:
        """Say whether the command is void; also when the time itself makes no sense."""
        return not self.minted_s <= now_s < self.expires_s


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided in one cycle, and why.

    `action` is the highest of all `reasons` (in SHADOW: what it would have been); `limiting` the
    sentence of the most limiting one, empty if nothing limited. `requested` is what the plan
    wanted (the numbers in it), `allowed` what may be written or, in SHADOW, might have been.
    """

    mode: Mode
    action: Action
    reasons: tuple[Reason, ...]
    limiting: str
    requested: Mapping[str, float]
    allowed: Mapping[str, float]
    command: Command | None
    state: GateState


def judge(
    rules: LoopRules,
    state: GateState,
    snapshot: Snapshot,
    plan_status: str,
    proposal: Proposal | None,
    request: Request,
    now_s: float,
) -> Verdict:
    """Judge one cycle: the mode, the action, and at most one command.

    Deterministic: the same arguments give the same verdict. Never raises; a surprise is a SHED.
    """
    if not isinstance(state, GateState):
        return _refusal(GateState(), "the gate's memory is missing")
    if not isinstance(rules, LoopRules) or not isinstance(snapshot, Snapshot):
        return _refusal(state, "rules or snapshot are missing")
    if not _is_request(request) or not is_number(now_s):
        return _refusal(state, "request or time cannot be understood")
    case = Case(rules, state, snapshot, plan_status, proposal, request, float(now_s))
    try:
        return _judge(case)
    except Exception as error:  # noqa: BLE001  # the last line of default-deny: P3
        return _refusal(state, f"the gate failed: {type(error).__name__}")


def _judge(case: Case) -> Verdict:
    plant = [reason for rule in PLANT_INTERLOCKS for reason in rule(case)]
    plan = [reason for rule in PLAN_INTERLOCKS for reason in rule(case)]
    plant_action = _highest(plant)
    allowed: Mapping[str, float] = _NOTHING
    cuts: list[Reason] = []
    if max(plant_action, _highest(plan)) < Action.HOLD:
        allowed, cuts = _shape_all(case)
    reasons = [*plant, *plan, *cuts]
    action = _highest(reasons)
    remote_active = case.snapshot.remote_active is True
    facts = Facts(action, plant_action, remote_active, case.rules.hold_cycles)
    modes = next_mode(case.state.modes, case.request, facts)
    if modes.mode is Mode.OFF:
        reasons, allowed = [], _NOTHING
    elif modes.mode is Mode.SHED and action < Action.SHED:
        reasons.append(_shed_reason(case))
    if modes.mode is Mode.TRIPPED and _highest(reasons) < Action.TRIP:
        reasons += [Reason("IL-04", Action.TRIP, "", text) for text in case.state.latches]
    return _verdict(case, modes, tuple(reasons), allowed)


def _verdict(
    case: Case, modes: ModeState, reasons: tuple[Reason, ...], allowed: Mapping[str, float]
) -> Verdict:
    """Mint the command of the mode and write down what the next cycle must know."""
    setpoints, remote = _command_content(case, modes, allowed)
    state = _remember(case, modes, reasons)
    command = None
    if setpoints is not None:
        asked = modes.asked or (modes.mode is Mode.INIT and remote)
        state = replace(
            state,
            modes=replace(modes, asked=asked),
            heartbeat=case.state.heartbeat + 1,
            outcome="pending",
            commanded_before=case.state.commanded if setpoints else state.commanded_before,
            commanded=setpoints or state.commanded,
            applied_before=case.snapshot.applied if setpoints else state.applied_before,
            commanded_s=case.now_s if setpoints else state.commanded_s,
        )
        command = _mint(case, state, setpoints, remote)
    ordered = sorted(reasons, key=lambda reason: -reason.action)
    limiting = ordered[0] if ordered and ordered[0].action > Action.ALLOW else None
    return Verdict(
        mode=modes.mode,
        action=_highest(ordered),
        reasons=tuple(ordered),
        limiting=_sentence(limiting) if limiting else "",
        requested=_numbers(case.proposal),
        allowed=setpoints if setpoints else allowed,
        command=command,
        state=state,
    )


def _command_content(
    case: Case, modes: ModeState, allowed: Mapping[str, float]
) -> tuple[Mapping[str, float] | None, bool]:
    """Return the setpoints and the remote request of this cycle's command; None: no command.

    AUTO writes what was allowed. HOLD repeats what the PLC uses, or nothing but the heartbeat when
    that is not known. INIT tracks the PLC's own setpoints, first with the remote request down (so
    that there is an edge to see, and the heartbeat is running), then with it up. A person who
    takes the loop away from us gets one release. Everything else is silence.
    """
    before = case.state.mode
    if modes.mode is Mode.AUTO:
        return allowed, True
    if modes.mode is Mode.HOLD:
        return _in_use(case) or _NOTHING, True
    if modes.mode is Mode.INIT:
        in_use = _in_use(case)
        if not in_use:
            return None, False
        if case.state.modes.asked:
            return in_use, True
        fresh = before is Mode.INIT and case.state.outcome == "written"
        return in_use, fresh and case.snapshot.remote_active is False
    wanted_less = case.request.mode is not RequestedMode.AUTO
    had_it = before in ARMED or (before is Mode.SHED and case.snapshot.remote_active is True)
    if had_it and wanted_less and modes.mode is not before:
        return _NOTHING, False
    return None, False


def _in_use(case: Case) -> Mapping[str, float]:
    """Return the setpoints the PLC uses, if all are known; a rounding error outside is put right."""
    applied = case.snapshot.applied
    if any(tag not in applied for tag in case.rules.setpoints):
        return _NOTHING
    return MappingProxyType(
        {tag: nearest(applied[tag], rule.equipment) for tag, rule in case.rules.setpoints.items()}
    )


def _shape_all(case: Case) -> tuple[Mapping[str, float], list[Reason]]:
    """Put every wish into the box, at the allowed speed (IL-01, IL-02, IL-14), then check again."""
    wishes = case.proposal.setpoints if case.proposal else {}
    allowed: dict[str, float] = {}
    cuts: list[Reason] = []
    for tag, rule in case.rules.setpoints.items():
        wanted, applied = float(wishes[tag]), case.snapshot.applied[tag]
        step = rule.rate_per_s * _moving_time_s(case)
        shaped = shape(rule, wanted, applied, step)
        if not is_safe(rule, shaped.value, applied, step):
            text = f"the gate's own result {shaped.value!r} does not pass its check"
            return _NOTHING, [Reason("IL-04", Action.TRIP, tag, text)]
        allowed[tag] = shaped.value
        if shaped.boxed:
            text = f"wanted {wanted:.6g}, operating range {rule.operating[0]:.6g} to {rule.operating[1]:.6g}"
            cuts.append(Reason("IL-01", Action.CLAMP, tag, text))
        if shaped.slowed:
            text = f"wanted {wanted:.6g} from {applied:.6g}, at most {step:.6g} now"
            cuts.append(Reason("IL-02", Action.CLAMP, tag, text))
        if shaped.too_small:
            cuts.append(Reason("IL-14", Action.ALLOW, tag, "move smaller than the resolution"))
    return MappingProxyType(allowed), cuts


def _moving_time_s(case: Case) -> float:
    """Return for how long we may move: since the last command, at most one period (IL-02)."""
    last_s = case.state.commanded_s
    if last_s is None:
        # Not closed yet: what SHADOW shows is one period's move; INIT commands before AUTO does.
        return 0.0 if case.state.mode in CLOSED else case.rules.period_s
    elapsed_s = case.now_s - last_s
    return nearest(elapsed_s, (0.0, case.rules.period_s))


def _remember(case: Case, modes: ModeState, reasons: tuple[Reason, ...]) -> GateState:
    """Return the state for the next cycle, before a command is counted in."""
    latches: tuple[str, ...] = ()
    if modes.mode is Mode.TRIPPED:
        latches = case.state.latches or tuple(
            _sentence(reason) for reason in reasons if reason.action is Action.TRIP
        )
    kept = case.state if modes.mode in ARMED else GateState()
    return replace(
        kept,
        modes=modes,
        sequence=case.state.sequence + 1,
        heartbeat=case.state.heartbeat,
        request_mark=mark_of(case.request),
        latches=latches,
        now_s=case.now_s,
    )


def _mint(case: Case, state: GateState, setpoints: Mapping[str, float], remote: bool) -> Command:
    hands = case.rules.handshake
    return Command(
        loop=case.rules.loop,
        sequence=state.sequence % hands.sequence_modulus,
        setpoints=MappingProxyType(dict(setpoints)),
        remote=remote,
        heartbeat=state.heartbeat % hands.heartbeat_modulus,
        minted_s=case.now_s,
        expires_s=case.now_s + case.rules.command_life_s,
        mint=_MINT,
    )


def _refusal(state: GateState, text: str) -> Verdict:
    """SHED without understanding: no command, the request spent, trips kept latched."""
    modes = state.modes
    if modes.mode is not Mode.TRIPPED:
        modes = ModeState(Mode.SHED, spent=state.request_mark)
    reason = Reason("IL-00", Action.SHED, "", text)
    return Verdict(
        mode=modes.mode,
        action=Action.SHED,
        reasons=(reason,),
        limiting=_sentence(reason),
        requested=_NOTHING,
        allowed=_NOTHING,
        command=None,
        state=replace(state, modes=modes, sequence=state.sequence + 1),
    )


def _shed_reason(case: Case) -> Reason:
    """Say why a loop is SHED although no interlock asks for it now."""
    if case.state.mode is Mode.SHED:
        return Reason("IL-16", Action.SHED, "", "stays shed until a person asks again")
    cycles = case.rules.hold_cycles
    if case.state.mode is Mode.INIT:
        return Reason("IL-16", Action.SHED, "", f"PLC did not take remote within {cycles} cycles")
    return Reason("IL-16", Action.SHED, "", f"hold lasted longer than {cycles} cycles")


def _highest(reasons: list[Reason]) -> Action:
    return max((reason.action for reason in reasons), default=Action.ALLOW)


def _sentence(reason: Reason) -> str:
    return (
        f"{reason.rule} {reason.tag}: {reason.text}"
        if reason.tag
        else f"{reason.rule}: {reason.text}"
    )


def _numbers(proposal: Any) -> Mapping[str, float]:
    """Return the finite numbers a proposal asked for: fit for a record."""
    wanted = proposal.setpoints if isinstance(proposal, Proposal) else None
    if not isinstance(wanted, Mapping):
        return _NOTHING
    return MappingProxyType(
        {t: float(v) for t, v in wanted.items() if isinstance(t, str) and is_number(v)}
    )


def _is_request(request: Any) -> bool:
    return (
        isinstance(request, Request)
        and isinstance(request.mode, RequestedMode)
        and isinstance(request.who, str)
        and type(request.reset) is bool
        and type(request.number) is int
    )
