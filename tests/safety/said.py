"""What the gate says in every story of these tests, kept to the letter in `said.json`.

A test asserts what its title claims. The rest of each verdict (every reason, its rule and its
words, what is remembered) is read by operators, auditors and replays as well, and may not change
unnoticed. So whatever a test asks of the gate is listened to, and compared with what was said when
somebody last looked at it: the words one by one, everything else as a digest.

`python -m tests.safety.said` writes the reference anew; look at its diff before you commit it.
`python -m tests.safety.said NAME` prints all that is said in the tests of that name, to be compared
with what another commit prints.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import TestCase

import pytest

from safety.gate import Command, Verdict, judge
from safety.readback import verify
from safety.rules import LoopRules, loop_rules
from safety.signals import Snapshot, validate
from safety.strict import RuleError
from tests.safety import builders, edges

REFERENCE = Path(__file__).with_name("said.json")
LISTENED: Mapping[str, Callable[..., Any]] = {
    "loop_rules": loop_rules,
    "validate": validate,
    "judge": judge,
    "verify": verify,
}
UNHEARD = ("test_metamorphic.py", "test_attack.py")  # their stories are the attack's, and drawn
Said = Mapping[str, Any]
"""What one test heard: `words` that people read, and a `digest` of all there was."""


class Ear:
    """Listens to one test."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.words: list[str] = []

    def listening(self, name: str) -> Callable[..., Any]:
        """Return the function of this name, as it is heard."""
        true = LISTENED[name]

        @functools.wraps(true)
        def heard(*given: Any, **named: Any) -> Any:
            try:
                answer = true(*given, **named)
            except RuleError as error:
                self._note(name, f"refused: {error}", str(error))
                raise
            self._note(name, _in_words(answer), plain(answer))
            return answer

        return heard

    def told(self) -> Said:
        """Return what was heard."""
        digest = hashlib.sha256("\n".join(self.lines).encode()).hexdigest()
        return {"words": self.words, "digest": digest[:16]}

    def _note(self, name: str, words: str, whole: Any) -> None:
        self.lines.append(f"{name} {json.dumps(whole)}")
        if words and words != (self.words[-1] if self.words else ""):
            self.words.append(words)


def _in_words(answer: Any) -> str:
    """Return what a person reads of an answer."""
    if isinstance(answer, LoopRules):
        return ""
    if isinstance(answer, Snapshot):
        doubts = {tag: one.reason for tag, one in answer.samples.items() if one.reason}
        return "; ".join(f"{tag}: {reason}" for tag, reason in doubts.items())
    head = f"{answer.mode} {answer.action.name}" if isinstance(answer, Verdict) else "verify"
    reasons = [f"{one.rule} {one.action.name} {one.tag}: {one.text}" for one in answer.reasons]
    return " | ".join([head, *reasons]) if reasons or head != "verify" else ""


@functools.cache
def reference() -> Mapping[str, Said]:
    """Return what was said when somebody last looked, by test."""
    told: Mapping[str, Said] = json.loads(REFERENCE.read_text("utf-8"))
    return told


def plain(thing: Any) -> Any:
    """Return anything a gate takes or gives as plain data."""
    if isinstance(thing, Enum):
        return thing.name
    if thing is None or isinstance(thing, (bool, str)):
        return thing
    if isinstance(thing, float):
        return float(f"{thing:.9g}")  # the last digits are the machine's
    if isinstance(thing, int):
        return thing
    if isinstance(thing, Mapping):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, (Command, LoopRules)):
        return {one.name: plain(getattr(thing, one.name)) for one in fields(thing)}
    if isinstance(thing, (set, frozenset)):
        return sorted(plain(one) for one in thing)
    if isinstance(thing, tuple) and hasattr(thing, "_asdict"):
        return plain(thing._asdict())
    if isinstance(thing, (tuple, list)):
        return [plain(one) for one in thing]
    return f"({type(thing).__name__})"


def name_of(item: pytest.Item) -> str:
    """Return the name under which the reference keeps a test."""
    return f"{item.path.name}::{item.nodeid.partition('::')[2]}"


def is_unheard(item: pytest.Item) -> bool:
    """Say whether this test's stories are drawn, and differ from run to run."""
    test: Any = getattr(item, "obj", None)
    return (
        item.path.name in UNHEARD
        or hasattr(test, "hypothesis")
        or issubclass(getattr(item, "cls", None) or object, TestCase)
    )


def ears_on(module: ModuleType, ear: Ear, patch: pytest.MonkeyPatch) -> None:
    """Have `ear` listen to what a test module, and its helpers, ask of the gate."""
    for place in (module, builders, edges):
        for name, true in LISTENED.items():
            if getattr(place, name, None) is true:
                patch.setattr(place, name, ear.listening(name))


class Writer:
    """A pytest plugin under which nothing is compared and everything written down."""

    def __init__(self) -> None:
        self.ears: dict[str, Ear] = {}


def main(names: list[str]) -> int:
    """Write the reference anew, or print what the tests of these names hear."""
    writer = Writer()
    chosen = ["-k", " or ".join(names)] if names else []
    command = ["-q", "-p", "no:xdist", str(Path(__file__).parent), *chosen]
    code = int(pytest.main(command, plugins=[writer]))
    if code != 0:
        return code
    if names:
        lines = [f"{name}: {line}" for name, ear in writer.ears.items() for line in ear.lines]
        sys.stdout.write("\n".join(lines) + "\n")
        return 0
    told = {name: ear.told() for name, ear in writer.ears.items() if ear.lines}
    REFERENCE.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
