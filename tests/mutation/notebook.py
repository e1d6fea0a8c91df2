"""The results so far, in a file: an interrupted hunt goes on where it was."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.hunt import CAUGHT, Outcome
from tests.mutation.mutants import Mutant
from tests.mutation.scope import ROOT


@dataclass(slots=True)
class Notebook:
    """What came of each mutant, by its key.

    A kill stands as long as the function and the file of the test that did it are unchanged. What
    was not killed is hunted again in every run.
    """

    path: Path
    found: dict[str, Outcome] = field(default_factory=dict)
    _saved_s: float = 0.0

    def note(self, mutant: Mutant, outcome: Outcome) -> None:
        """Keep one result; written down every few seconds."""
        self.found[mutant.key] = outcome
        if time.monotonic() - self._saved_s > 5.0:
            self.save()

    def save(self) -> None:
        """Write all results down, whole or not at all."""
        self._saved_s = time.monotonic()
        files = {_file_of(one) for one in self.found.values() if one.result in CAUGHT}
        body = {
            "tests": {name: _hash_of(name) for name in sorted(files)},
            "mutants": {key: [one.result, one.by] for key, one in sorted(self.found.items())},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(body, indent=0) + "\n", "utf-8")
        draft.replace(self.path)

    def load(self) -> None:
        """Take over what an earlier run killed, where it still stands."""
        if not self.path.exists():
            return
        body = json.loads(self.path.read_text("utf-8"))
        stands = {name for name, was in body["tests"].items() if _hash_of(name) == was}
        for key, fields in body["mutants"].items():
            outcome = Outcome(*fields)
            if outcome.result in CAUGHT and _file_of(outcome) in stands:
                self.found[key] = outcome


def _file_of(outcome: Outcome) -> str:
    """Return the file of the test that caught it."""
    return outcome.by.partition("::")[0]


def _hash_of(name: str) -> str:
    path = ROOT / name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
