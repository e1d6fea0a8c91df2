"""REFUSES: the gate. One pure function between the controller's wish and the wire.

`judge` is total and default-deny: it reads no clock, does no I/O, keeps nothing, and whatever it
does not understand ends in SHED. Only this module can make a `Command`. See SAFETY.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from types import MappingProxyType
from typing import NamedTuple, NoReturn, TypeVar

from safety.case import Case, is_count, is_number, look
from safety.cuts import NOTHING, cut_down, in_use, lawful_after
from safety.explain import explained, highest, latches, sentence
from safety.modes import ARMED, Facts, ModeState, mark_of, next_mode
from safety.plan_interlocks import PLAN_INTERLOCKS, il_06_combinations
from safety.plant_interlocks import PLANT_INTERLOCKS
from safety.rules import LoopRules
from safety.seal import unbroken
from safety.signals import Snapshot
from safety.state import GateState, lasting
from safety.wear import Wear, moved
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


class Verdict(NamedTuple):
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
    known = _is_request(request)
    mark = mark_of(request) if known else memory.request_mark
    try:
        if not unbroken(rules):
            text = "the rules are not those that were sealed"
            return _refusal(memory, mark, text, rule="IL-20", mode=Mode.OFF)
        if not known or not is_number(now_s):
            return _refusal(memory, mark, "request or time cannot be understood")
        return _judge(
            look(rules, state, snapshot, plan_status, proposal, _new(request, memory), float(now_s))
        )
    except Exception as error:  # noqa: BLE001  # the last line of default-deny (P3)
        return _refusal(memory, mark, f"the gate failed: {type(error).__name__}")


def _new(request: Request, state: GateState) -> Request:
    """Return the request, or a bare OFF for one that is older than one already seen (IL-09).

    Requests carry growing numbers. One that comes back is a repetition, by accident or by
    somebody who kept it, and no act of a person: nor does it take a standing reset back.
    """
    if request.number >= state.newest:
        return request
    return Request(RequestedMode.OFF, "", reset=True, number=request.number)


def _judge(case: Case) -> Verdict:
    plant: list[Reason] = []
    for interlock in PLANT_INTERLOCKS:
        plant += interlock(case)
    reasons = plant.copy()
    for interlock in PLAN_INTERLOCKS:
        reasons += interlock(case)
    allowed, action = NOTHING, highest(reasons)
    if action < Action.HOLD:
        allowed, cuts = cut_down(case)
        reasons += cuts
        reasons += il_06_combinations(case, allowed)
        action = highest(reasons)
    facts = Facts(
        action=action,
        plant_action=highest(plant),
        remote_active=case.snapshot.remote_active is True,
        hold_cycles=case.rules.hold_cycles,
        barred=case.barred,
    )
    modes = next_mode(case.state.modes, case.request, facts)
    reasons = explained(case, modes, reasons)
    if action >= Action.HOLD or modes.mode not in (Mode.SHADOW, Mode.AUTO):
        allowed = NOTHING
    command, state = _command(case, modes, reasons, allowed)
    limiting = reasons[0] if reasons and reasons[0].action > Action.ALLOW else None
    return Verdict(
        mode=modes.mode,
        action=highest(reasons),
        reasons=tuple(reasons),
        limiting=sentence(limiting) if limiting else "",
        requested=_numbers(case.wishes),
        allowed=command.setpoints if command else allowed,
        command=command,
        state=state,
    )


def _command(
    case: Case, modes: ModeState, reasons: list[Reason], allowed: Mapping[str, float]
) -> tuple[Command | None, GateState]:
    """Mint the command of this cycle, if any, and write down what the next one must know."""
    content = _content(case, modes, allowed)
    before, sent = case.state, content is not None
    setpoints, remote = content or (NOTHING, False)
    kept = before if modes.mode in ARMED else lasting(before)
    tripped = modes.mode is Mode.TRIPPED and before.mode is not Mode.TRIPPED
    if modes.mode is Mode.INIT and remote and not modes.asked:
        modes = modes._replace(asked=True)
    state = GateState(
        modes=modes,
        sequence=before.sequence + 1,
        heartbeat=kept.heartbeat + 1 if sent else kept.heartbeat,
        request_mark=mark_of(case.request),
        latches=latches(case, modes, reasons),
        now_s=_later(case.now_s, before.now_s),
        commanded_s=_later(case.now_s, kept.commanded_s) if setpoints else kept.commanded_s,
        commanded=setpoints or kept.commanded,
        lawful=lawful_after(case, setpoints) if setpoints else kept.lawful,
        outcome="pending" if sent else kept.outcome,
        outcome_reason="" if sent else kept.outcome_reason,
        mismatches=kept.mismatches,
        unbalanced=MappingProxyType(case.unbalanced),
        newest=max(before.newest, case.request.number),
        wear=_worn(case, setpoints) if setpoints else MappingProxyType(case.wear),
        guards=MappingProxyType(case.guards),
        misfit=case.misfit,
        struck=case.snapshot.memory.ballot.struck,
        batch=case.batch,
        trips=case.trips + int(tripped),
    )
    if not sent:
        return None, state
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


def _later(now_s: float, before_s: float | None) -> float:
    """Return the later time: what ran backwards earns no second move, no second rest."""
    return now_s if before_s is None else max(now_s, before_s)


def _worn(case: Case, setpoints: Mapping[str, float]) -> Mapping[str, Wear]:
    """Return the wear of every setpoint after this command."""
    wear, applied, now_s = case.wear, case.snapshot.applied, case.now_s
    return MappingProxyType(
        {
            tag: moved(wear[tag], rule, applied[tag], setpoints[tag], now_s)
            for tag, rule in case.rules.setpoints.items()
        }
    )


def _content(
    case: Case, modes: ModeState, allowed: Mapping[str, float]
) -> tuple[Mapping[str, float], bool] | None:
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
        tracked = in_use(case)
        ready = before is Mode.INIT and case.state.outcome == "written"
        edge = ready and case.snapshot.remote_active is False
        return (tracked, case.state.modes.asked or edge) if tracked else None
    taken = before in ARMED or (before is Mode.SHED and case.snapshot.remote_active is True)
    if taken and case.request.mode is not RequestedMode.AUTO and modes.mode is not before:
        return NOTHING, False
    return None


def _refusal(
    state: GateState, mark: str, text: str, *, rule: str = "IL-00", mode: Mode = Mode.SHED
) -> Verdict:
    """Silence without understanding: no command, the request spent, a latched trip kept."""
    tripped = state.mode is Mode.TRIPPED
    modes = state.modes if tripped else ModeState(mode, spent=mark)
    reason = Reason(rule, Action.TRIP if tripped else Action.SHED, "", text)
    return Verdict(
        mode=modes.mode,
        action=reason.action,
        reasons=(reason,),
        limiting=sentence(reason),
        requested=NOTHING,
        allowed=NOTHING,
        command=None,
        state=lasting(state)._replace(
            modes=modes,
            sequence=state.sequence + 1,
            request_mark=mark,
            latches=state.latches,
        ),
    )


def _numbers(wishes: Mapping[object, object]) -> Mapping[str, float]:
    """Return the finite numbers a proposal asked for: fit for a record."""
    numbers = {t: float(v) for t, v in wishes.items() if isinstance(t, str) and is_number(v)}
    return MappingProxyType(numbers)


def _known(value: object, kind: type[_Kind]) -> _Kind | None:
    return value if isinstance(value, kind) else None


def _is_request(request: object) -> bool:
    if not isinstance(request, Request):
        return False
    mode, who, reset, number, lapsed = _fields(request)
    return (
        isinstance(mode, RequestedMode)
        and isinstance(who, str)
        and type(reset) is bool
        and is_count(number)
        and isinstance(lapsed, str)
    )


def _fields(request: Request) -> tuple[object, ...]:
    return request.mode, request.who, request.reset, request.number, request.lapsed
