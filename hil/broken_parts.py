"""Parts beside the gate with one thing broken each: the writer, its memory of what it wrote.

As with `broken_gates`, each is the true part with one function replaced, and a fixture for the
self-test of the harness only.
"""

# ruff: noqa: ANN401 - stand-ins for functions of any kind
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hil.broken_gates import Patch
from hil.fault_disk import FaultyRecorder
from safety import gate, signals
from safety.readback import Verified
from service import cycle, loop_runner


def _writes_before_it_records() -> list[Patch]:
    """A command that goes out while its intent is nowhere."""

    async def intend(self: FaultyRecorder, *_: Any) -> int:
        await self.world.moment("intent")
        return 0

    return [(FaultyRecorder, "intend", intend)]


def _sends_what_is_void() -> list[Patch]:
    """A writer that does not look at the time a command lives."""
    return [(gate.Command, "expired", lambda _self, _now_s: False)]


def _believes_the_acknowledgement() -> list[Patch]:
    """A writer that takes 'written' for landed, whatever the registers hold."""

    def verify(_rules: Any, state: Any, _command: Any, _result: Any) -> Verified:
        return Verified(state._replace(outcome="written", outcome_reason="", mismatches=0), ())

    return [(cycle, "verify", verify)]


def _trusts_a_new_connection() -> list[Patch]:
    """A connection that came back is taken for the old one."""
    true = signals._sources  # noqa: SLF001 - that is what is broken here

    def sources(*words: Any) -> Any:
        epochs, _, zeroed = true(*words)
        return epochs, False, zeroed

    return [(signals, "_sources", sources)]


def _forgets_what_it_meant() -> list[Patch]:
    """An engine that comes back and does not ask what became of its last write."""
    return [(loop_runner, "reconciled", lambda *_: None)]


PARTS: Mapping[str, Callable[[], list[Patch]]] = {
    "writes-before-it-records": _writes_before_it_records,
    "sends-what-is-void": _sends_what_is_void,
    "believes-the-acknowledgement": _believes_the_acknowledgement,
    "trusts-a-new-connection": _trusts_a_new_connection,
    "forgets-what-it-meant": _forgets_what_it_meant,
}
"""Every broken part by its name."""
