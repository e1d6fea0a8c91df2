"""The folder `limits` of a state directory: proposals, signatures, and what waits for a start.

Every file is written once and never changed; a proposal's name begins with the hash of its content.
Nothing here is trusted: the engine reads and judges all of it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from records.canonical import canonical_json
from service.limits_proposal import Proposal, Signature, read_proposal, read_signature
from service.limits_words import ChangeRefusedError, Refusal

_LARGEST = 4_000_000
_SHORTEST_NAME = 6


@dataclass(frozen=True, slots=True)
class Signed:
    """A proposal of the folder with the signatures beside it, and where it stands."""

    proposal: Proposal
    signatures: tuple[Signature, ...]
    path: Path


class LimitsFolder:
    """Reads and writes the proposals of one line."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "limits"
        self._waiting = self.path / "next-start"

    def put(self, proposal: Proposal) -> Path:
        """Write a new proposal down; it cannot be changed afterwards."""
        path = self.path / f"{proposal.sha256}.proposal.json"
        _write_once(path, proposal.body())
        return path

    def put_signature(self, signature: Signature) -> Path:
        """Write a signature down beside its proposal."""
        path = self.path / f"{signature.proposal}.{signature.person}.signature.json"
        _write_once(path, signature.body())
        return path

    def find(self, name: str) -> Signed:
        """Return the proposal whose hash begins with `name`, with its signatures.

        Raises ChangeRefusedError when there is none, more than one, or one byte of it is changed.
        """
        good = name.isalnum() and len(name) >= _SHORTEST_NAME
        found = sorted(self.path.glob(f"{name}*.proposal.json")) if good else []
        if len(found) != 1:
            what = f"there is no one proposal {name!r} under {self.path}"
            raise _refused(what, "./rheostat limits show lists what was proposed")
        return self._signed(found[0])

    def _signed(self, path: Path) -> Signed:
        proposal = read_proposal(_read(path))
        if proposal.sha256 != path.name.partition(".")[0]:
            what = f"{path.name} was changed after it was proposed: its hash does not fit"
            raise _refused(what, "propose it again; a proposal cannot be edited")
        signatures = sorted(self.path.glob(f"{proposal.sha256}.*.signature.json"))
        return Signed(proposal, tuple(read_signature(_read(one)) for one in signatures), path)

    def all(self) -> Sequence[Signed]:
        """Return every proposal that can be read, by version and time."""
        found = []
        for path in self.path.glob("*.proposal.json"):
            try:
                found.append(self._signed(path))
            except ChangeRefusedError:
                continue
        return sorted(found, key=lambda one: (one.proposal.version, one.proposal.utc))

    def wait_for_start(self, proposal: str) -> None:
        """Note that the engine shall put this proposal (its hash) into force when it starts."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._waiting.write_text(f"{proposal}\n", "ascii")

    def forget_waiting(self) -> None:
        """Wait no longer: what waited for this start was judged, and the outcome recorded."""
        self._waiting.unlink(missing_ok=True)

    @property
    def waiting(self) -> str:
        """Return the hash that waits for the next start, or nothing."""
        try:
            return self._waiting.read_text("ascii", errors="replace").strip()
        except OSError:
            return ""


def _write_once(path: Path, body: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440)
    except FileExistsError as error:
        what = f"{path.name} is there already, and is never written twice"
        raise _refused(what, "./rheostat limits show says what it holds") from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(canonical_json(body) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> object:
    try:
        if path.stat().st_size > _LARGEST:
            raise _refused(f"{path.name} is far too large", "name a proposal")
        return json.loads(path.read_text("ascii"), parse_constant=_no_number)
    except (OSError, ValueError) as error:
        raise _refused(f"{path.name} cannot be read: {error}", "propose it again") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _refused(what: str, step: str) -> ChangeRefusedError:
    return ChangeRefusedError([Refusal("RH-2001", what, step)])
