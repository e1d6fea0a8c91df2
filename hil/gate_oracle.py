"""An independent judge of the gate's verdicts: what must never be written, by other means.

It shares no code with the gate: its table is its own, its comparisons are of words on the wire
(exact; where a float subtraction could decide, in fractions), and it looks at the raw readings,
not at what the signal checks made of them. It demands what is necessary and does not care what is
clever: it never says that the gate must write, only that it must not.
"""

# ruff: noqa: ANN401 - it trusts no type
from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from hil.gate_oracle_ledger import SLACK, Escape, Ledger
from hil.gate_oracle_plan import plan_objection, surprised, together
from hil.gate_oracle_senses import Seen, Senses
from hil.gate_oracle_table import (
    COMMAND_LIFE_S,
    LABOUR_CYCLES,
    LANDS_WITHIN_S,
    LONGEST_HOLD,
    PERIOD_S,
    ROWS,
    SURPRISES,
    TRIPS_IN_A_BATCH,
    Row,
)

_ARMED = ("INIT", "AUTO", "HOLD")
_WINDOW_S = 60.0
_NEARLY = 1.0 - 1e-9


class Oracle:
    """Follows one gate through a story and says where it escaped."""

    def __init__(self) -> None:
        self.senses = Senses()
        self.ledgers = {row.tag: Ledger() for row in ROWS}
        self.beat = self.sequence = self.newest = 0
        self.surprises = self.trips = 0
        self.batch: int | None = None
        self.words: dict[str, float] = {}  # of the last command
        self.latched, self.standing = False, -1
        self.restarted()
        self.latched = False

    def restarted(self) -> None:
        """The engine died and came back: closing the loop begins anew, a trip stays."""
        self.mode = "TRIPPED" if self.latched else "OFF"
        self.senses.restarted()
        self.last: dict[str, float] = {}
        self.last_s: float | None = None
        self.lawful: dict[str, tuple[float, float]] = {}
        self.outcome = "none"
        self.mismatches = self.held = self.shadows = self.laboured = 0
        self.asked = False
        self.spent: tuple[int, str] | None = None
        self.now_s: float | None = None
        for ledger in self.ledgers.values():
            ledger.last_s = None

    # -- one verdict -----------------------------------------------------------------------------

    def check(
        self, raw: Mapping[str, Any], read_s: float, request: Any, status: Any, plan: Any,
        now_s: float, verdict: Any, *, sealed: bool,
    ) -> list[Escape]:  # fmt: skip
        """Return every property this verdict breaks, and take it into account.

        `raw` was read at `read_s`, and the verdict is of `now_s`.
        """
        found: list[Escape] = []
        refused = verdict.limiting.startswith(("IL-00", "IL-20"))
        seen = self.senses.look(raw, read_s, request, refused=refused)
        if not 0.0 <= now_s - read_s <= PERIOD_S:
            seen.objection = f"IL-07|judged {now_s - read_s} s after it was read"
            seen.applied = {}  # meanwhile the PLC may have moved on
        elif request.lapsed != "":
            seen.objection = f"IL-07|the request does not hold any more: {request.lapsed}"
        mode, command = str(verdict.mode), verdict.command
        if seen.batch is not None and seen.batch != self.batch:
            self.trips = 0 if self.batch is not None else self.trips
            self.batch = seen.batch
        person = _person(request)
        if person and request.number < self.newest:
            person = ""
        wants = str(request.mode) if person else "OFF"
        reset = bool(person) and request.reset
        misfit = self.surprises if refused else surprised(self.surprises, plan)
        self._labour(seen)
        if mode in ("AUTO", "HOLD") and self.laboured >= LABOUR_CYCLES:
            found.append(Escape("IL-12", f"{mode}, out of balance for {self.laboured} cycles"))
        why_not = self._why_no_move(seen, status, plan, now_s, misfit) if mode == "AUTO" else ""
        if mode == "AUTO" and why_not:
            found.append(Escape(*why_not.split("|", 1)))
        self._check_mode(found, mode, wants, reset, request, seen, verdict)
        if not sealed and (command is not None or mode != ("TRIPPED" if self.latched else "OFF")):
            found.append(Escape("IL-20", f"the rules were tampered with, yet {mode}"))
        if command is None:
            if mode in ("AUTO", "HOLD"):
                found.append(Escape("P12", f"{mode} without a command"))
        else:
            self._check_command(found, command, mode, wants, seen, now_s, plan)
        if not refused:
            if not self.senses.struck <= set(verdict.state.struck):
                found.append(Escape("IL-05", "a struck instrument votes again, unrepaired"))
            self.senses.struck = set(verdict.state.struck)
        self._remember(mode, command, seen, now_s, request, reset, misfit)
        return found

    def heard(self, outcome: str, landed: Mapping[str, Any], command: Any, over_s: float) -> None:
        """Take what the wire said of the last command, and when; it may have landed as late."""
        if command.setpoints and self.last_s is not None:
            self.last_s = max(self.last_s, over_s - LANDS_WITHIN_S)
        self.outcome = outcome if outcome == "written" else "not written"
        if outcome != "written" or not command.setpoints:
            return
        wrong = 0
        for row in ROWS:
            wanted, got = self.words[row.tag], landed.get(row.tag)
            if got is None:
                self.outcome = "not read back"
            elif not abs((got - row.zero) / row.scale - wanted) <= row.tolerance * 1.001:
                wrong = 1
        if wrong:
            self.outcome = "differs"
            self.mismatches += 1
        elif self.outcome == "written":
            self.mismatches = 0

    def _labour(self, seen: Seen) -> None:
        """Count cycles that are surely out of balance; the gate may see more of them."""
        closed = self.mode in ("AUTO", "HOLD")
        step = 1 if seen.laboured else -1
        self.laboured = max(0, self.laboured + step) if closed else 0

    # -- what must not be ------------------------------------------------------------------------

    def _why_no_move(self, seen: Seen, status: Any, plan: Any, now_s: float, misfit: int) -> str:
        """Return 'property|text' if nothing may be moved in this cycle."""
        if seen.objection:
            return seen.objection
        if seen.active is not True:
            return "IL-09|the PLC does not say that it follows us"
        if self.now_s is not None and now_s < self.now_s:
            return "IL-02|time ran backwards"
        if self.outcome != "written":
            return f"IL-13|the last command was {self.outcome}"
        if self.mismatches >= 2:
            return "IL-04|registers differed twice"
        if why := plan_objection(status, plan, now_s):
            return why
        if misfit >= SURPRISES or type(plan.innovation) not in (float, int):
            return f"IL-12|surprised for {misfit} cycles, now {plan.innovation!r}"
        for row in ROWS:
            why = self._foreign(row, seen)
            if why:
                return why
            if len(self.ledgers[row.tag].turns) > row.reversals:
                return f"IL-14|{row.tag} turned round {len(self.ledgers[row.tag].turns)} times"
        return ""

    def _foreign(self, row: Row, seen: Seen) -> str:
        word = seen.applied.get(row.tag)
        if word is None:
            return f"IL-07|setpoint in use of {row.tag} unknown"
        if (
            not row.equipment[0] - row.tolerance * 1.001
            <= word
            <= (row.equipment[1] + row.tolerance * 1.001)
        ):
            return f"IL-04|{row.tag} in use is {word!r}: outside the equipment"
        lawful = self.lawful.get(row.tag)
        slack = row.tolerance * 1.001
        if lawful and not lawful[0] - slack <= word <= lawful[1] + slack and self.mode != "INIT":
            return f"IL-18|{row.tag} in use is {word!r}, lawful {lawful}"
        return ""

    def _check_mode(
        self, found: list[Escape], mode: str, wants: str, reset: bool, request: Any, seen: Seen,
        verdict: Any,
    ) -> None:  # fmt: skip
        before = self.mode
        if mode in _ARMED and wants != "AUTO":
            found.append(Escape("IL-09", f"{mode} though nobody (new) asks for AUTO"))
        if mode in ("AUTO", "HOLD") and before not in _ARMED:
            found.append(Escape("GMP-08", f"{before} to {mode} without the handshake"))
        if mode == "INIT" and before not in ("INIT", "SHADOW"):
            found.append(Escape("GMP-08", f"{before} to INIT"))
        if mode == "INIT" and before == "SHADOW" and self.shadows < 2:
            found.append(Escape("GMP-08", f"INIT after {self.shadows} cycles of SHADOW"))
        if mode == "AUTO" and before == "INIT" and not self.asked:
            found.append(Escape("FS-12", "AUTO though remote was never asked for"))
        if self.latched and mode != "TRIPPED":
            fresh = reset and request.number != self.standing
            if not fresh:
                found.append(Escape("P9", f"a trip ended in {mode} without a new reset"))
            elif mode in _ARMED:
                found.append(Escape("P9", f"a reset led to {mode}"))
        if (
            before == "SHED"
            and mode in ("SHADOW", *_ARMED)
            and (self.spent == (request.number, str(request.mode)))
        ):
            found.append(Escape("IL-16", "SHED ended without a new request"))
        if self.trips > TRIPS_IN_A_BATCH and mode in ("SHADOW", *_ARMED):
            text = f"{mode} though it tripped {self.trips} times in batch {self.batch}"
            found.append(Escape("IL-04", text))
        if mode == "HOLD" and self.held >= LONGEST_HOLD:
            found.append(Escape("IL-16", f"held for the {self.held + 1}th cycle"))
        if mode in ("AUTO", "HOLD") and before in ("AUTO", "HOLD"):
            if seen.known_no:
                found.append(Escape("IL-03", f"{mode} though {seen.known_no}"))
            impossible = [r.tag for r in ROWS if self._impossible(r, seen)]
            if impossible or self.mismatches >= 2:
                found.append(Escape("IL-04", f"{mode}, not tripped: {impossible or 'read-back'}"))
            if mode == "HOLD":
                stranger = next((w for r in ROWS if (w := self._foreign(r, seen)).startswith(
                    "IL-18")), "")  # fmt: skip
                if stranger:
                    found.append(Escape("IL-18", f"HOLD though {stranger}"))
        if verdict.limiting.startswith("IL-00: the gate failed"):
            found.append(Escape("P3", str(verdict.limiting)))

    def _impossible(self, row: Row, seen: Seen) -> bool:
        word = seen.applied.get(row.tag)
        slack = row.tolerance * 1.001
        return word is not None and not (
            row.equipment[0] - slack <= word <= row.equipment[1] + slack
        )

    def _check_command(
        self, found: list[Escape], command: Any, mode: str, wants: str, seen: Seen, now_s: float,
        plan: Any,
    ) -> None:  # fmt: skip
        if command.heartbeat != (self.beat + 1) % 65536 or command.minted_s != now_s:
            found.append(Escape("IL-08", "our heartbeat did not move by one"))
        if not now_s < command.expires_s <= now_s + COMMAND_LIFE_S * SLACK:
            found.append(Escape("P10", f"expires {command.expires_s!r}"))
        values = command.setpoints
        words = self.words = {
            row.tag: row.word(values[row.tag]) for row in ROWS if row.tag in values
        }
        if mode not in _ARMED and (values or command.remote):
            found.append(Escape("P12", f"{mode} writes {dict(values)}"))
        if mode not in _ARMED and self.mode not in (*_ARMED, "SHED"):
            found.append(Escape("P12", f"{mode} after {self.mode} sends words"))
        if not values:
            if mode == "AUTO":
                found.append(Escape("IL-19", "AUTO without setpoints"))
            return
        if len(values) != len(ROWS):
            found.append(Escape("IL-19", f"writes {sorted(values)}"))
            return
        for row in ROWS:
            value, applied = values.get(row.tag), seen.applied.get(row.tag)
            if type(value) is not float or not abs(value) < 1e300:
                found.append(Escape("P1", f"{row.tag} is {value!r}"))
            elif applied is None:
                found.append(Escape("IL-07", f"{row.tag} written, not knowing what is in use"))
            else:
                self._check_value(found, row, words[row.tag], applied, mode, now_s)
        if mode == "AUTO" and not found:
            found += together(words, seen)

    def _check_value(
        self, found: list[Escape], row: Row, word: float, applied: float, mode: str, now_s: float
    ) -> None:
        if not row.equipment[0] <= word <= row.equipment[1]:
            found.append(Escape("P1", f"{row.tag} {word!r} is outside the equipment range"))
        if not min(row.low, applied) <= word <= max(row.high, applied):
            found.append(Escape("P1", f"{row.tag} {word!r} is outside the operating range"))
        move = abs(word - applied)
        if mode != "AUTO":
            if move > row.tolerance:
                found.append(Escape("P2", f"{mode} moves {row.tag} by {move!r}"))
            return
        if move == 0.0:
            return
        ledger = self.ledgers[row.tag]
        elapsed = now_s - self.last_s if self.last_s is not None else 0.0
        if move > row.rate_float * min(elapsed, PERIOD_S) * _NEARLY:
            exact = abs(Fraction(word) - Fraction(applied))
            since = Fraction(now_s) - Fraction(self.last_s or now_s)
            if exact > row.rate * min(since, Fraction(PERIOD_S)) and not (
                self._impossible_by_a_hair(row, applied)
            ):
                found.append(Escape("P2", f"{row.tag} moves {float(exact)!r} in {float(since)} s"))
        last = self.last.get(row.tag, applied)
        adopting = min(last, applied) <= word <= max(last, applied)
        if not adopting and abs(word - last) > row.rate_float * PERIOD_S * (1 + 1e-6):
            found.append(Escape("P2", f"{row.tag} jumps from our {last!r} to {word!r}"))
        if ledger.last_s is not None and now_s - ledger.last_s < row.dwell_s * _NEARLY:
            found.append(Escape("IL-14", f"{row.tag} moves {now_s - ledger.last_s} s after a move"))
        ledger.forget(now_s)
        if ledger.total + move > row.travel * SLACK:
            found.append(Escape("IL-17", f"{row.tag} travels {ledger.total + move!r} in an hour"))
        if ledger.within(now_s, _WINDOW_S) + move > (
            row.rate_float * (_WINDOW_S + PERIOD_S) * SLACK
        ):
            found.append(Escape("P2", f"{row.tag} is too fast over a minute"))

    def _impossible_by_a_hair(self, row: Row, applied: float) -> bool:
        return not row.equipment[0] <= applied <= row.equipment[1]

    # -- memory ----------------------------------------------------------------------------------

    def _remember(
        self, mode: str, command: Any, seen: Seen, now_s: float, request: Any, reset: bool,
        misfit: int,
    ) -> None:  # fmt: skip
        self.surprises = misfit
        if mode == "TRIPPED" and not self.latched:
            self.standing = request.number if reset else -1
        elif mode == "TRIPPED" and not reset:
            self.standing = -1
        self.trips += mode == "TRIPPED" and not self.latched
        self.latched = mode == "TRIPPED"
        self.newest = max(self.newest, request.number)
        self.shadows = self.shadows + 1 if mode == "SHADOW" else 0
        if mode == "HOLD":
            self.held += 1
        else:
            self.held = max(0, self.held - 1) if mode == "AUTO" else 0
        if mode == "SHED" and self.mode != "SHED":
            self.spent = (request.number, str(request.mode))
        if mode not in _ARMED:
            self.last, self.last_s, self.lawful, self.asked = {}, None, {}, False
            self.outcome, self.mismatches = "none", self.mismatches if self.latched else 0
        if command is not None:
            self.beat = (self.beat + 1) % 65536
            self.asked = mode in _ARMED and (self.asked or command.remote)
            if command.setpoints and mode in _ARMED:
                self._moved(command, mode, seen, now_s)
        self.mode, self.now_s = mode, now_s

    def _moved(self, command: Any, mode: str, seen: Seen, now_s: float) -> None:
        for row in ROWS:
            tag = row.tag
            word = self.words[tag]
            applied = seen.applied.get(tag, word)
            ends = [word, applied, self.last.get(tag, word)]
            if self.outcome != "written":
                ends += self.lawful.get(tag, ())
            self.lawful[tag] = (min(ends), max(ends))
            self.last[tag] = word
            if mode == "AUTO" and word != applied:
                self.ledgers[tag].add(now_s, applied, word, row.swing)
        self.last_s = now_s


def _person(request: Any) -> str:
    who = getattr(request, "who", "")
    return who.strip() if isinstance(who, str) else ""
