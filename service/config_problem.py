"""One thing wrong with a configuration, said so that a person can repair it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where, why it matters and what to do next.

    `code` is stable ('RH-1020') and has a page section in docs/reference/errors.md; `path` is the
    dotted name of the value ('limits.setpoints.coater.gap_sp.rate'); `line` and `column` count
    from 1; `source` is the text of that line.
    """

    code: str
    file: str
    line: int
    column: int
    path: str
    what: str
    why: str
    next: str
    source: str = ""

    def as_text(self) -> str:
        """Return the lines a terminal shows, with a caret under the place."""
        where = f"{self.file}:{self.line}:{self.column}"
        name = f"{self.path}: " if self.path else ""
        lines = [f"{where}: {self.code} {name}{self.what}"]
        if self.source.strip():
            lines += [f"    | {self.source}", f"    | {' ' * (self.column - 1)}^"]
        lines += [f"    why:  {self.why}", f"    next: {self.next}"]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain data."""
        return asdict(self)


class ConfigError(Exception):
    """A configuration was refused; `problems` says why, all of them at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep `problems`; the message is their text, one after the other."""
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.as_text() for problem in self.problems))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ' Did you mean X?' for the known word nearest to `word`, or nothing."""
    words = list(known)
    folded = {w.lower(): w for w in words}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return f" Did you mean `{folded[near[0]]}`?" if near else ""


WHY: dict[str, str] = {
    "RH-1001": "the line is described by several files, and one of them is not there to be judged",
    "RH-1002": "what cannot be read cannot be checked",
    "RH-1003": "two values for one name: the later one would silently win",
    "RH-1004": "a control configuration must read the same to a person and to the machine",
    "RH-1005": "another schema version may mean other things by the same words",
    "RH-1010": "a misspelt limit would otherwise be no limit at all, and nobody would notice",
    "RH-1011": "the engine has no default for anything that decides what reaches the plant",
    "RH-1012": "a value of another type may mean something else than its writer thought",
    "RH-1013": "only these values have a meaning here",
    "RH-1020": "a number without its unit has been read as another one in many a plant",
    "RH-1021": "the engine calculates in SI and cannot convert what it cannot read",
    "RH-1022": "this value would be off by whatever the two units differ by",
    "RH-1023": "10 degC is 283.15 K as a temperature, but 10 K as a difference",
    "RH-1024": "a comparison with NaN is always false, so a limit of NaN lets everything pass",
    "RH-1030": "an inverted range admits nothing, or everything, depending on who compares",
    "RH-1031": "nothing may be allowed today that validation did not cover, and nothing validated "
    "that the machine cannot do",
    "RH-1032": "the instrument or the PLC cannot show such a value, so it could never be confirmed",
    "RH-1033": "the loop would steer to where its own readings are no longer believed, or where "
    "its setpoints are not allowed",
    "RH-1034": "moves this small or this fast cannot be told from a standstill or a jump",
    "RH-1040": "the engine reads and writes only what the tag table lists",
    "RH-1041": "a tag without a source is on no wire",
    "RH-1042": "a reading taken from a word we write ourselves confirms nothing",
    "RH-1043": "what the PLC confirms is the truth that rates and read-back are judged by",
    "RH-1044": "a setpoint without limits can never be allowed",
    "RH-1045": "the engine would read or write another word of the PLC, or none",
    "RH-1046": "two names for one word of the PLC: one of the two would show the other's value",
    "RH-1047": "one word in two roles: each would be right only while the other is not used",
    "RH-1048": "a role is played by one kind of value only",
    "RH-1049": "on an open line anybody can read the plant, and write in the engine's name",
    "RH-1050": "a controlled variable without target and limits gives the controller nothing to do",
    "RH-1051": "limits are given up in the order of their ranks, so the order must be unambiguous",
    "RH-1052": "an override of nothing looks like a controller that was tuned",
    "RH-1060": "times that contradict each other make every cycle late, or none",
    "RH-1070": "a signature can only be checked against a real public key",
    "RH-1071": "two entries for one person would let one person sign twice",
    "RH-1072": "a line whose AUTO nobody can sign can never close a loop",
}
"""Why each kind of problem matters: one sentence per stable code."""
