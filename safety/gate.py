"""The gate (contract only until the interlocks stand)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """The only thing `PlantPort.write` accepts; only this module makes one.

    `setpoints` maps MV setpoint tags to SI values; it is empty when only the handshake words go
    out. `remote` is the remote-request word, `heartbeat` our counter, `sequence` the cycle's
    number; a command that is not on the wire before `expires_s` (engine time) is void.
    """

    loop: str
    sequence: int
    setpoints: Mapping[str, float]
    remote: bool
    heartbeat: int
    minted_s: float
    expires_s: float
