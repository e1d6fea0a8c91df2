"""What the page reports and people sign beside a loop's work: rows of the chain, and nothing else.

Refused attempts, changes of accounts, what was deleted of the history by rule, and the signed
review of the audit trail. A flood of refused attempts is counted and recorded as a number: the
records are no place to fill a disk from.
Requirements REC-06, REC-12, SEC-14, SEC-15, SEC-16.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from records.act import act_of, fault_of_act
from records.recorder import FileRecorder
from service.people.roles import may
from service.requests import RefusedError, Verb, named, only, text_of
from service.signed_act import People, is_of_now, row_named

_PER_MINUTE = 30
_LONGEST = 200
_REMEMBERED = 200


class ReportDesk:
    """Records what the page reports; `people` is the register in force at that moment."""

    def __init__(
        self,
        recorder: Callable[[], FileRecorder],
        people: Callable[[], People],
        utc: Callable[[], str],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recorder = recorder
        self._people = people
        self._utc = utc
        self._monotonic_s = monotonic_s
        self._recent: deque[float] = deque(maxlen=_PER_MINUTE)
        self._more = 0
        self._used: deque[str] = deque(maxlen=_REMEMBERED)

    def refused_lately(self) -> str:
        """Return in words how many attempts were refused within a minute; '' for none."""
        now_s = self._monotonic_s()
        count = sum(1 for at_s in self._recent if now_s - at_s < 60.0) + self._more
        return f"{count} within a minute" if count else ""

    def verbs(self) -> Mapping[str, Verb]:
        """Return the door's messages that are answered here."""
        return {"refused": self.refused, "account": self.account, "review": self.review,
                "kept": self.kept}  # fmt: skip

    async def refused(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record a refused attempt, or count it when there are too many."""
        only(message, {"do", "who", "action", "why", "address", "more"})
        more = message.get("more", 0)
        if type(more) is not int or more < 0:
            raise RefusedError("'more' is how many attempts were counted and not told")
        texts = {key: text_of(message, key, _LONGEST) for key in ("who", "action", "why",
                                                                   "address")}  # fmt: skip
        now_s = self._monotonic_s()
        if len(self._recent) == _PER_MINUTE and now_s - self._recent[0] < 60.0:
            self._more += 1 + more
            return {"text": "counted"}
        self._recent.append(now_s)
        body = {"event": "refused", **texts, "more": self._more + more}
        await self._recorder().append("event", "", self._utc(), body)
        self._more = 0
        return {"text": "recorded"}

    async def account(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record what was done with an account, and who did it."""
        only(message, {"do", "what", "person", "who"})
        texts = {key: text_of(message, key, _LONGEST) for key in ("what", "person")}
        body = {"event": "account", **texts, "who": named(message)}
        await self._recorder().append("event", "", self._utc(), body)
        return {"text": "recorded"}

    async def kept(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record what was done with the history, and the head of its archive's manifest."""
        only(message, {"do", "what", "why", "who", "line", "hash"})
        texts = {key: text_of(message, key, _LONGEST) for key in ("what", "why", "hash")}
        line = message.get("line")
        if type(line) is not int or line < 1:
            raise RefusedError("'line' is the number of the manifest's newest line")
        body = {"event": "history", **texts, "line": line, "who": named(message)}
        await self._recorder().append("event", "", self._utc(), body)
        return {"text": "recorded"}

    async def review(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record a signature that says: the records from `first` to the signed one were reviewed.

        Raises RefusedError when it does not stand, which is recorded as well.
        """
        only(message, {"do", "first", "why", "signature"})
        recorder = self._recorder()
        why = text_of(message, "why", _LONGEST)
        try:
            body = self._review(message.get("first"), why, message.get("signature"), recorder)
        except ValueError as error:
            event = {"event": "review-refused", "text": str(error)}
            await recorder.append("event", "", self._utc(), event)
            raise RefusedError(f"no review: {error}") from error
        await recorder.append("signature", "", self._utc(), body)
        self._used.append(body["bytes_hex"])
        return {"text": f"reviewed and signed by {body['name']}"}

    def _review(
        self, first: object, why: str, signature: object, recorder: FileRecorder
    ) -> dict[str, Any]:
        act = act_of(signature if isinstance(signature, Mapping) else {})
        row = row_named(recorder.path, signature)
        if row is None or type(first) is not int or not 1 <= first <= row.seq:
            raise ValueError("it does not say which records were reviewed")
        if fault := fault_of_act(act, row.hash, self._people()):
            raise ValueError(fault)
        if not may(act.role, "review"):
            raise ValueError(f"{act.name} is registered as {act.role}, which may not review")
        if not why or act.meaning != review_meaning(first, row.seq, why):
            raise ValueError("the signature means something else than this review")
        if not is_of_now(act, datetime.now(UTC)) or act.bytes_hex in self._used:
            raise ValueError("the signature is not of now, or was used already")
        return act.body()


_REVIEW = re.compile(r"I have reviewed the records (\d+) to (\d+): ")


def review_span(meaning: str) -> tuple[int, int] | None:
    """Return the first and last record that a signature says were reviewed; None: it is another."""
    found = _REVIEW.match(meaning)
    return (int(found[1]), int(found[2])) if found else None


def review_meaning(first: int, last: int, why: str) -> str:
    """Return what the signature under a review of the records `first` to `last` means."""
    return f"I have reviewed the records {first} to {last}: {why}"
