"""REFUSES: the gate. One pure function between the controller's wish and the wire.

`judge` is total and default-deny: it reads no clock, does no I/O, keeps nothing, and whatever it
does not understand ends in SHED. Only this module can make a `Command`. See SAFETY.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass, replace
from types import MappingProxyType
from typing import NoReturn, TypeVar

from safety.case import Case, is_number, setpoints_of
from safety.cuts import NOTHING, cut_down, in_use, lawful_after
from safety.modes import ARMED, Facts, ModeState, is_named, mark_of, next_mode
from safety.plan_interlocks import PLAN_INTERLOCKS
from safety.plant_interlocks import PLANT_INTERLOCKS
from safety.rules import LoopRules
from safety.signals import Snapshot
from safety.state import GateState
from safety.words import Action, Mode, Proposal, Reason, Request, RequestedMode

_Kind = TypeVar("_Kind")
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
    memory = _known(state, GateState) or GateState()
    if memory is not state or not _known(rules, LoopRules) or not _known(snapshot, Snapshot):
        return _refusal(memory, memory.request_mark, "rules, memory or snapshot are missing")
    if not _is_request(request) or not is_number(now_s):
        return _refusal(memory, memory.request_mark, "request or time cannot be understood")
    try:
        return _judge(Case(rules, state, snapshot, plan_status, proposal, request, float(now_s)))
    except Exception as error:  # noqa: BLE001  # the last line of default-deny (P3)
        return _refusal(memory, mark_of(request), f"the gate failed: {type(error).__name__}")


def _judge(case: Case) -> Verdict:
    plant = [reason for interlock in PLANT_INTERLOCKS for reason in interlock(case)]
    plan = [reason for interlock in PLAN_INTERLOCKS for reason in interlock(case)]
    reasons = [*plant, *plan]
    allowed = NOTHING
    if _highest(reasons) < Action.HOLD:
        allowed, cuts = cut_down(case)
        reasons += cuts
    action = _highest(reasons)
    facts = Facts(
        action=action,
        plant_action=_highest(plant),
        remote_active=case.snapshot.remote_active is True,
        hold_cycles=case.rules.hold_cycles,
    )
    modes = next_mode(case.state.modes, case.request, facts)
    reasons = _explained(case, modes, reasons)
    if modes.mode not in (Mode.SHADOW, Mode.AUTO):
        allowed = NOTHING
    command, state = _command(case, modes, reasons, allowed)
    limiting = reasons[0] if reasons and reasons[0].action > Action.ALLOW else None
    return Verdict(
        mode=modes.mode,
        action=_highest(reasons),
        reasons=tuple(reasons),
        limiting=sentence(limiting) if limiting else "",
        requested=_numbers(proposal=case.proposal),
        allowed=command.setpoints if command else allowed,
        command=command,
        state=state,
    )


def _explained(case: Case, modes: ModeState, reasons: list[Reason]) -> list[Reason]:
    """Return the reasons, highest first, with those that lie in the mode and not in this cycle."""
    if modes.mode is Mode.OFF:
        unnamed = case.request.mode is not RequestedMode.OFF and not is_named(case.request)
        text = "a request without a person's name is refused"
        return [Reason("IL-09", Action.HOLD, "", text)] if unnamed else []
    extra: list[Reason] = []
    if modes.mode is Mode.TRIPPED and _highest(reasons) < Action.TRIP:
        extra = [Reason("IL-04", Action.TRIP, "", text) for text in _latches(case, modes, reasons)]
    elif modes.mode is Mode.SHED and _highest(reasons) < Action.SHED:
        extra = [Reason("IL-16", Action.SHED, "", _why_shed(case))]
    elif modes.mode is Mode.SHADOW and modes.spent == mark_of(case.request):
        text = "the request for AUTO was refused; ask again when nothing stands against it"
        extra = [Reason("IL-09", Action.HOLD, "", text)]
    return sorted([*reasons, *extra], key=lambda reason: -reason.action)


def _why_shed(case: Case) -> str:
    cycles = case.rules.hold_cycles
    if case.state.mode is Mode.SHED:
        return "stays shed until a person asks again"
    if case.state.mode is Mode.INIT:
        return f"the PLC did not go to remote within {cycles} cycles"
    return f"the hold lasted longer than {cycles} cycles"


def _latches(case: Case, modes: ModeState, reasons: list[Reason]) -> tuple[str, ...]:
    """Return why the loop is tripped, in words; the first cause stays until the reset."""
    if modes.mode is not Mode.TRIPPED:
        return ()
    causes = (sentence(reason) for reason in reasons if reason.action is Action.TRIP)
    return case.state.latches or tuple(causes) or ("tripped",)


def _command(
    case: Case, modes: ModeState, reasons: list[Reason], allowed: Mapping[str, float]
) -> tuple[Command | None, GateState]:
    """Mint the command of this cycle, if any, and write down what the next one must know."""
    setpoints, remote = _content(case, modes, allowed)
    kept = case.state if modes.mode in ARMED else GateState()
    state = replace(
        kept,
        modes=modes,
        sequence=case.state.sequence + 1,
        heartbeat=case.state.heartbeat,
        request_mark=mark_of(case.request),
        latches=_latches(case, modes, reasons),
        now_s=case.now_s,
    )
    if setpoints is None:
        return None, state
    asked = modes.asked or (modes.mode is Mode.INIT and remote)
    state = replace(
        state,
        modes=replace(modes, asked=asked),
        heartbeat=state.heartbeat + 1,
        outcome="pending",
        outcome_reason="",
    )
    if setpoints:
        lawful = lawful_after(case, setpoints)
        state = replace(state, commanded=setpoints, commanded_s=case.now_s, lawful=lawful)
    hands = case.rules.handshake
    command = Command(
        loop=case.rules.loop,
        sequence=state.sequence % hands.sequence_modulus,
        setpoints=MappingProxyType(dict(setpoints)),
        remote=remote,
        heartbeat=state.heartbeat % hands.heartbeat_modulus,
        minted_s=case.now_s,
        expires_s=case.now_s + case.rules.command_life_s,
        mint=_MINT,
    )
    return command, state


def _content(
    case: Case, modes: ModeState, allowed: Mapping[str, float]
) -> tuple[Mapping[str, float] | None, bool]:
    """Return the setpoints and the remote request of this cycle's command; None: no command.

    AUTO writes what was allowed. HOLD repeats what the PLC uses, or sends the heartbeat alone when
    that is not known. INIT tracks the PLC's own setpoints, first with the remote request down (so
    that there is an edge to see, and a heartbeat to trust), then with it up. A person who takes
    the loop from us gets one release. Everything else is silence.
    """
    before = case.state.mode
    if modes.mode is Mode.AUTO:
        return allowed, True
    if modes.mode is Mode.HOLD:
        return in_use(case), True
    if modes.mode is Mode.INIT:
        tracked = in_use(case) or None
        ready = before is Mode.INIT and case.state.outcome == "written"
        edge = ready and case.snapshot.remote_active is False
        return tracked, tracked is not None and (case.state.modes.asked or edge)
    taken = before in ARMED or (before is Mode.SHED and case.snapshot.remote_active is True)
    if taken and case.request.mode is not RequestedMode.AUTO and modes.mode is not before:
        return NOTHING, False
    return None, False


def _refusal(state: GateState, mark: str, text: str) -> Verdict:
    """SHED without understanding: no command, the request spent, a latched trip kept."""
    tripped = state.mode is Mode.TRIPPED
    modes = state.modes if tripped else ModeState(Mode.SHED, spent=mark)
    reason = Reason("IL-00", Action.TRIP if tripped else Action.SHED, "", text)
    return Verdict(
        mode=modes.mode,
        action=reason.action,
        reasons=(reason,),
        limiting=sentence(reason),
        requested=NOTHING,
        allowed=NOTHING,
        command=None,
        state=GateState(
            modes=modes,
            sequence=state.sequence + 1,
            heartbeat=state.heartbeat,
            request_mark=mark,
            latches=state.latches,
        ),
    )


def sentence(reason: Reason) -> str:
    """Return a reason as one line: rule, tag, text."""
    place = f"{reason.rule} {reason.tag}" if reason.tag else reason.rule
    return f"{place}: {reason.text}"


def _highest(reasons: Iterable[Reason]) -> Action:
    return max((reason.action for reason in reasons), default=Action.ALLOW)


def _numbers(proposal: object) -> Mapping[str, float]:
    """Return the finite numbers a proposal asked for: fit for a record."""
    wishes = setpoints_of(proposal).items()
    return MappingProxyType({t: float(v) for t, v in wishes if isinstance(t, str) and is_number(v)})


def _known(value: object, kind: type[_Kind]) -> _Kind | None:
    return value if isinstance(value, kind) else None


def _is_request(request: object) -> bool:
    if not isinstance(request, Request):
        return False
    mode, who, reset, number = _fields(request)
    return (
        isinstance(mode, RequestedMode)
        and isinstance(who, str)
        and type(reset) is bool
        and type(number) is int
    )


def _fields(request: Request) -> tuple[object, ...]:
    return request.mode, request.who, request.reset, request.number
