"""The words of a cycle: what every room of the house says to the next one.

Bad news is a value here, never an exception: a bad reading is a `Sample` of quality BAD, a failed
solve is a plan without a `Proposal`, a refused move is an `Action` with `Reason`s. All of it is
frozen, standard library only, and in SI units (temperatures in K, rotation in rev/s, coat weight
in kg/m2, mass fractions as plain numbers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Quality(IntEnum):
    """How far a sample may be trusted; the lowest of several wins."""

    BAD = 0
    UNCERTAIN = 1
    GOOD = 2


_BAD = Quality.BAD


class Sample(NamedTuple):
    """One reading of one tag: always value, quality and time together.

    `value` is None exactly when quality is BAD. `source_time_s` is the device's own clock (Unix
    seconds) or None where the protocol carries none; `received_s` is our monotonic engine time;
    `epoch` counts the connections to the source, so a change means 'reconnected since'.
    """

    value: float | int | bool | str | None
    quality: Quality
    reason: str
    source_time_s: float | None
    received_s: float
    epoch: int

    @staticmethod
    def bad(reason: str, received_s: float, epoch: int = 0) -> Sample:
        """Return the sample that says 'no value, and this is why'."""
        return Sample(None, _BAD, reason, None, received_s, epoch)


Reading = Mapping[str, Sample]
"""Tag name to sample, as one bulk read brought it."""


class Action(IntEnum):
    """The ladder. The highest of all that were called for wins, never the last one."""

    ALLOW = 0
    CLAMP = 1
    HOLD = 2
    SHED = 3
    TRIP = 4


class RequestedMode(StrEnum):
    """What a person asked for."""

    OFF = "OFF"
    SHADOW = "SHADOW"
    AUTO = "AUTO"


class Mode(StrEnum):
    """What the loop really does; computed every cycle, never set."""

    OFF = "OFF"  # reads nothing into control, plans nothing, writes nothing
    SHADOW = "SHADOW"  # reads, plans, displays, records; writes nothing
    INIT = "INIT"  # asked for AUTO; bumpless handshake with the PLC not complete
    AUTO = "AUTO"  # closed loop
    HOLD = "HOLD"  # keeps the last confirmed setpoint for a bounded number of cycles
    SHED = "SHED"  # our heartbeat has stopped; the PLC has the loop
    TRIPPED = "TRIPPED"  # as SHED, latched until an operator resets it


@dataclass(frozen=True, slots=True)
class Request:
    """What a person last asked of a loop; it stands until the next one.

    `number` counts the requests of a session, so that asking for AUTO a second time is a new act:
    a request that ended in SHED, in a trip or in a refusal is spent and never works again by
    itself. `reset` asks to clear a latched trip. AUTO and reset need a name in `who`. `lapsed` says
    in words what it rested on and that is no more (a calibration that ended), '' while all stands.
    """

    mode: RequestedMode
    who: str
    reset: bool = False
    number: int = 0
    lapsed: str = ""


class Reason(NamedTuple):
    """Why a rule acted, in words an operator reads; `tag` is empty where no one tag is meant."""

    rule: str  # requirement ID of the interlock, e.g. "IL-02"
    action: Action
    tag: str
    text: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the controller would like: a setpoint for each MV, and how well it was found.

    `residual` is the largest scaled constraint violation, checked outside the solver;
    `made_s` is the engine time of the snapshot it rests on. `innovation` is the mean square of the
    estimator's normalised innovations, 1 where the model is right; None: there is no model.
    """

    setpoints: Mapping[str, float]
    status: str
    iterations: int
    residual: float
    cost: float
    made_s: float
    innovation: float | None = None


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What came of one command on the wire.

    `landed` maps each setpoint tag to the value read back from the PLC (SI), or None where the
    read-back failed. `outcome` is 'written', 'refused' (the PLC said no: nothing landed),
    'unknown' (a time-out: it may still land; never repeat it) or 'not-sent'.
    """

    outcome: str
    landed: Mapping[str, float | None]
    reason: str
