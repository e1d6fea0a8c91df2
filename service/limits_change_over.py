"""A signed change comes into force while the line runs: judge, prepare, record, change, prove.

Nothing changes before every loop's new worker stands and holds the new limits, and before the
new version is in the records. Then each loop changes over between two of its cycles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from records.canonical import sha256_of
from records.recorder import FileRecorder
from safety.rules import LoopRules, loop_rules
from safety.shape import shape
from service.calibration import calibrations
from service.limits_keeper import SealKeeper
from service.limits_proposal import Seal
from service.limits_words import ChangeRefusedError, Refusal
from service.loop_runner import LoopRunner

Limits = Mapping[str, tuple[float, float]]
_ROUNDING = 1e-6  # of a limit: solvers scale, and 32-bit registers round


class ChangeOver:
    """Changes the loops of one engine over to a new seal, one change at a time."""

    def __init__(
        self,
        keeper: SealKeeper,
        runners: Mapping[str, LoopRunner],
        hashes_of: Callable[[Seal], Mapping[str, str]],
        done: Callable[[Seal], None],
    ) -> None:
        """`hashes_of` gives what cycle records carry; `done` is told of a seal in force."""
        self._keeper = keeper
        self._runners = runners
        self._hashes_of = hashes_of
        self._done = done
        self._turn = asyncio.Lock()

    async def activate(
        self, recorder: FileRecorder, name: str, who: str, utc: Callable[[], str]
    ) -> dict[str, Any]:
        """Put the proposal `name` into force; return the proof. Every refusal is recorded.

        Raises ChangeRefusedError: then everything is as it was.
        """
        async with self._turn:
            try:
                seal = self._keeper.judge(name, datetime.now(UTC))
                rules = {loop: loop_rules(seal.config, loop) for loop in self._runners}
                echoes = await self._prepare(seal, rules)
                await self._keeper.enforce(recorder, seal, utc())
            except ChangeRefusedError as error:
                for runner in self._runners.values():
                    await runner.solver.disown()
                refusals = [refusal.as_json() for refusal in error.refusals]
                await recorder.append(
                    "event", "", utc(),
                    {"event": "change-refused", "proposal": name, "who": who, "refusals": refusals},
                )  # fmt: skip
                raise
            hashes = self._hashes_of(seal)
            adopted = asyncio.gather(
                *(
                    runner.adopt(rules[loop], hashes, calibrations(seal.config, rules[loop].inputs))
                    for loop, runner in self._runners.items()
                )
            )
            await adopted
            self._done(seal)
            proof = {
                loop: {"gate": gate_echo(runner.loop.rules), "optimiser": echoes[loop]}
                for loop, runner in self._runners.items()
            }
            proposal = seal.proposal
            body = {
                "event": "change-in-force", "proposal": proposal.sha256, "at": "cycle boundary",
                "version": proposal.version, "config_sha256": sha256_of(seal.config), "who": who,
                "proof": proof,
            }  # fmt: skip
            await recorder.append("event", "", utc(), body)
            return body

    async def _prepare(self, seal: Seal, rules: Mapping[str, LoopRules]) -> dict[str, Limits]:
        """Build every loop's new worker; return the limits their problems hold."""
        echoes = {}
        for loop, runner in self._runners.items():
            try:
                facts = await runner.solver.prepare(seal.config)
            except (OSError, ValueError) as error:
                what = f"{loop}: no controller could be built on it: {error}"
                raise _refused(what) from error
            echoes[loop] = facts.get("echo", {})
            _must_hold(loop, "the gate", rules[loop].limits(), gate_echo(rules[loop]), rules[loop])
            _must_hold(loop, "the optimiser", rules[loop].limits(), echoes[loop], rules[loop])
        return echoes


def gate_echo(rules: LoopRules) -> dict[str, tuple[float, float]]:
    """Return the limits the gate really keeps: what it makes of a wish far outside them.

    Asked from the middle of the range with all the time in the world, so that only the limit cuts.
    """
    echo = {}
    for tag, rule in rules.setpoints.items():
        low, high = rule.equipment
        middle, far = 0.5 * sum(rule.operating), high - low
        least = shape(rule, low, middle, far).value
        most = shape(rule, high, middle, far).value
        echo[tag] = (least, most)
    return echo


def _must_hold(loop: str, who: str, wanted: Limits, echo: Limits, rules: LoopRules) -> None:
    """Raise unless `echo` names every limit that is wanted, to within grain and rounding."""
    for tag, (low, high) in wanted.items():
        said = echo.get(tag)
        grain = rules.setpoints[tag].resolution + _ROUNDING * max(abs(low), abs(high))
        if said is None or max(abs(said[0] - low), abs(said[1] - high)) > grain:
            raise _refused(f"{loop}: {who} holds {tag} to {said}, not to {(low, high)}")


def _refused(what: str) -> ChangeRefusedError:
    step = "report it; nothing was changed, and the version in force goes on"
    return ChangeRefusedError([Refusal("RH-2022", what, step)])
