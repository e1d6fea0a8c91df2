"""Which sealed configuration is in force: read from the record chain, never from a file.

The first start commissions version 1 from the files. From then on the chain's last `seal` is what
runs; files that say something else are shown and change nothing. A signed change that waited for a
start is judged like any other. Lost or rewritten seals refuse the start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from records.chain import RecordError
from records.recorder import FileRecorder
from safety.rules import loop_rules
from safety.strict import RuleError
from service.limits_change import changes
from service.limits_folder import LimitsFolder
from service.limits_judge import fault_in_history, judge_change, registers_only
from service.limits_proposal import NOTHING_BEFORE, Proposal, Seal, moment_of, read_seal
from service.limits_words import ChangeRefusedError, Refusal

Record = Mapping[str, Any]


class SealKeeper:
    """Holds the seal in force and judges what is to replace it."""

    def __init__(self, state_dir: Path, given: Mapping[str, Any], files: Sequence[Path]) -> None:
        """`given` is what the files say, sealed; `files` are watched while the engine runs."""
        self.folder = LimitsFolder(state_dir)
        self._given = given
        self._in_order = {path: file_digest(path) for path in files}
        self._now = dict(self._in_order)
        self._seal: Seal | None = None
        self._differences = 0

    @property
    def seal(self) -> Seal:
        """Return the seal in force, once `open` has found it."""
        if self._seal is None:
            raise RuntimeError("no configuration is in force yet")
        return self._seal

    def open(self, recorded: Sequence[Record], who: str, utc: str) -> list[tuple[str, Record]]:
        """Find what is in force; return the rows (kind, body) this start must record before all.

        `recorded` are the bodies of every `seal` row. Raises RecordError when they cannot be
        trusted.
        """
        rows: list[tuple[str, Record]] = []
        seals = _read_all(recorded)
        if seals:
            self._seal = _fitting(seals[-1])
        else:
            rows.append(self._take(self._first(who, utc)))
        if registers_only(self.seal.config, self._given):
            rows.append(self._take(self._registration(who, utc)))
        waiting = self.folder.waiting
        if waiting:
            rows += self._waited(waiting, utc)
        found = changes(self.seal.config, self._given)
        self._differences = len(found)
        if found:
            paths = [change.path for change in found[:20]]
            event = {"event": "files-differ", "count": len(found), "paths": paths}
            rows.append(("event", event))
        return rows

    def judge(self, name: str, now: datetime) -> Seal:
        """Return the seal that the proposal `name` would be; raises ChangeRefusedError."""
        signed = self.folder.find(name)
        refusals = judge_change(signed.proposal, signed.signatures, self.seal, now)
        if refusals:
            raise ChangeRefusedError(refusals)
        return Seal(signed.proposal, signed.signatures)

    async def enforce(self, recorder: FileRecorder, seal: Seal, utc: str) -> None:
        """Record a seal that was judged; it is in force when this returns, also after a crash.

        Raises ChangeRefusedError when it cannot be recorded: then nothing has changed.
        """
        try:
            await recorder.append("seal", "", utc, seal.body())
        except RecordError as error:
            refusal = Refusal("RH-2030", str(error), "look after the records first")
            raise ChangeRefusedError([refusal]) from error
        self._take(seal)
        self._differences = 0
        sealed_from = seal.proposal.files
        self._in_order = {path: sealed_from.get(path.name, was)
                          for path, was in self._in_order.items()}  # fmt: skip

    def look_at_files(self) -> list[Record]:
        """Return an event for every configuration file that was edited since the last look."""
        events: list[Record] = []
        for path, was in self._now.items():
            now = file_digest(path)
            if now != was:
                self._now[path] = now
                events.append({"event": "file-edited", "file": path.name, "was": was, "is": now})
        return events

    def notices(self) -> list[str]:
        """Return what a person should know about the files, in words."""
        version = self.seal.proposal.version
        edited = [path.name for path, now in self._now.items() if now != self._in_order[path]]
        notices = [
            f"{name} was edited on the disk; version {version} stays in force. "
            "Look with ./rheostat limits diff, propose it, or put it back"
            for name in edited
        ]
        if self._differences:
            notices.append(
                f"the files differ from version {version} in force in {self._differences} "
                "value(s); nothing of it is in force. Look with ./rheostat limits diff"
            )
        return notices

    def summary(self) -> dict[str, Any]:
        """Return what the status shows of the seal."""
        proposal = self.seal.proposal
        return {
            "version": proposal.version,
            "sha256": proposal.sha256,
            "kind": proposal.kind,
            "author": proposal.author,
            "utc": proposal.utc,
            "waiting": self.folder.waiting,
            "notices": self.notices(),
        }

    def _first(self, who: str, utc: str) -> Seal:
        line = str(self._given["line"]["id"])
        proposal = Proposal(
            line, "commissioning", 1, NOTHING_BEFORE, who,
            "first start with this state folder", utc, "", self._digests(), self._given,
        )  # fmt: skip
        return Seal(proposal, ())

    def _registration(self, who: str, utc: str) -> Seal:
        last = self.seal.proposal
        register = {key: self._given[key] for key in ("people", "auto") if key in self._given}
        config = {**self.seal.config, **register}
        proposal = Proposal(
            last.line, "registration", last.version + 1, last.sha256, who,
            "the first people who can sign are registered", utc, "", self._digests(), config,
        )  # fmt: skip
        return Seal(proposal, ())

    def _digests(self) -> dict[str, str]:
        return {path.name: digest for path, digest in self._in_order.items()}

    def _waited(self, waiting: str, utc: str) -> list[tuple[str, Record]]:
        """Put a change that waited for this start into force, or say why not."""
        try:
            seal = self.judge(waiting, moment_of(utc) or datetime.now(UTC))
        except ChangeRefusedError as error:
            refusals = [refusal.as_json() for refusal in error.refusals]
            body = {"event": "change-refused", "proposal": waiting, "refusals": refusals}
            return [("event", body)]
        body = {"event": "change-in-force", "proposal": waiting, "at": "start"}
        return [self._take(seal), ("event", body)]

    def _take(self, seal: Seal) -> tuple[str, Record]:
        self._seal = seal
        return "seal", seal.body()


def _read_all(bodies: Sequence[Mapping[str, Any]]) -> list[Seal]:
    """Return the recorded seals, verified; raises RecordError in words."""
    try:
        seals = [read_seal(body) for body in bodies]
        fault = fault_in_history(seals)
    except ChangeRefusedError as error:
        fault = error.refusals[0].what
    if fault:
        raise RecordError(
            f"the sealed configuration in the records cannot be trusted: {fault}. Why it matters: "
            "nobody can say which limits were signed. Next: keep the state folder for QA, and "
            "commission with an empty one"
        )
    return seals


def _fitting(seal: Seal) -> Seal:
    """Return `seal` if this software can run it; raises RecordError in words."""
    try:
        for loop in seal.config["loops"]:
            loop_rules(seal.config, loop)
    except RuleError as error:
        raise RecordError(
            f"version {seal.proposal.version} of the configuration, in force by the records, does "
            f"not fit this software: {error} Why it matters: a limit that is not there would be no "
            "limit. Next: keep the state folder for QA, and commission with an empty one"
        ) from error
    return seal


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, or 'missing'."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "missing"
