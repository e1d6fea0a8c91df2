"""What people enter about a batch beside what the PLCs say: the lots of material it is made of.

An entry is a record of its own kind; nothing is overwritten. A wrong one is struck with a reason,
and every one is checked by a second person, who signs it: transposed digits are found by whoever
did not type them. Requirements GMP-01, REC-01, REC-06, REC-07, FS-07.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from records.act import Act, act_of, fault_of_act
from records.reader import RecordReader
from records.recorder import FileRecorder
from service.lots import check_meaning, lots
from service.people.roles import may
from service.requests import RefusedError, Verb, named, only, text_of
from service.signed_act import People, is_of_now, row_named

LONGEST = 60
"""Letters of a material, of a lot."""
_LONGEST_WHY = 200
_GREATEST_BATCH = 2**32 - 1


class EntryDesk:
    """Records lots, strikes and checks; `people` is the register in force at that moment."""

    def __init__(
        self,
        recorder: Callable[[], FileRecorder],
        people: Callable[[], People],
        utc: Callable[[], str],
    ) -> None:
        self._recorder = recorder
        self._people = people
        self._utc = utc

    def verbs(self) -> Mapping[str, Verb]:
        """Return the door's messages that are answered here."""
        return {"lot": self.lot, "lot-strike": self.strike, "lot-check": self.check}

    async def lot(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record that a lot of a material goes into a batch, and who says so."""
        only(message, {"do", "batch", "material", "lot", "person", "who"})
        batch = message.get("batch")
        if type(batch) is not int or not 0 <= batch <= _GREATEST_BATCH:
            raise RefusedError("'batch' is the number of a batch, as the PLC counts them")
        texts = {key: text_of(message, key, LONGEST).strip() for key in ("material", "lot")}
        for key, text in texts.items():
            if not text:
                raise RefusedError(f"'{key}' is empty; write it as it stands on the label")
        by = {"person": text_of(message, "person", LONGEST), "who": named(message)}
        seq = await self._recorder().append(
            "entry", "", self._utc(), {"entry": "lot", "batch": batch, **texts, **by}
        )
        return {"record": seq, "text": "entered; a second person checks it against the label"}

    async def strike(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record that an entry was wrong, and why; it stays readable."""
        only(message, {"do", "of", "why", "person", "who"})
        recorder = self._recorder()
        lots = _lots_of(recorder)
        of, why = message.get("of"), text_of(message, "why", _LONGEST_WHY).strip()
        found = next((lot for lot in lots if lot["record"] == of), None)
        if found is None or found["struck"]:
            raise RefusedError(f"record {of} is no entry of a lot that still stands")
        if not why:
            raise RefusedError("a strike says why")
        by = {"person": text_of(message, "person", LONGEST), "who": named(message)}
        await recorder.append(
            "entry", "", self._utc(), {"entry": "lot-struck", "of": of, "why": why, **by}
        )
        return {"text": f"struck: {found['material']} {found['lot']} of batch {found['batch']}"}

    async def check(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record a second person's signature under an entry.

        Raises RefusedError when it does not stand, which is recorded as well.
        """
        only(message, {"do", "signature"})
        recorder = self._recorder()
        try:
            act = self._check(message.get("signature"), recorder)
        except ValueError as error:
            event = {"event": "check-refused", "text": str(error)}
            await recorder.append("event", "", self._utc(), event)
            raise RefusedError(f"not checked: {error}") from error
        await recorder.append("signature", "", self._utc(), act.body())
        return {"text": f"checked and signed by {act.name}"}

    def _check(self, signature: object, recorder: FileRecorder) -> Act:
        act = act_of(signature if isinstance(signature, Mapping) else {})
        row = row_named(recorder.path, signature)
        lots = _lots_of(recorder)
        found = next((lot for lot in lots if lot["record"] == act.record), None)
        if row is None or found is None or found["struck"]:
            raise ValueError(f"record {act.record} is no entry of a lot that still stands")
        if found["checked"]:
            raise ValueError(f"it was checked by {found['checked']['name']} already")
        if fault := fault_of_act(act, row.hash, self._people()):
            raise ValueError(fault)
        if not may(act.role, "check"):
            raise ValueError(f"{act.name} is registered as {act.role}, which may not check entries")
        if act.person == found["person"] or act.name == found["who"]:
            raise ValueError(f"{act.name} made the entry; a second person checks it")
        if act.meaning != check_meaning(row.body):
            raise ValueError("the signature means something else than this check")
        if not is_of_now(act, datetime.now(UTC)):
            raise ValueError("the signature is not of now")
        return act


def _lots_of(recorder: FileRecorder) -> list[dict[str, Any]]:
    reader = RecordReader(recorder.path)
    try:
        return lots(reader)
    finally:
        reader.close()
