"""What may be asked of a running engine, checked word by word before anything happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from records.chain import RecordError
from safety.words import RequestedMode
from service.limits_words import ChangeRefusedError
from service.loop_runner import LoopRunner

Verb = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Answers one kind of message; raises RefusedError in words."""

_LONGEST_NAME = 64
_LONGEST_WHY = 500


class RefusedError(ValueError):
    """The message asks for nothing that exists; the text says what would."""


class RequestDesk:
    """Answers the messages of the command door."""

    def __init__(
        self,
        runners: Mapping[str, LoopRunner],
        status: Callable[[], Awaitable[Mapping[str, Any]]],
        activate: Callable[[str, str], Awaitable[Mapping[str, Any]]],
        signed_by: Callable[[Sequence[LoopRunner], Mapping[str, Any]], Awaitable[str]],
        more: Mapping[str, Verb] = MappingProxyType({}),
    ) -> None:
        """`more` are the messages that others answer, by their 'do'."""
        self._runners = runners
        self._status = status
        self._activate = activate
        self._signed_by = signed_by
        self._more = more

    async def answer(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer one message; a bad one gets words, never an exception."""
        try:
            if message.get("do") == "mode":
                return await self._mode(message)
            if message.get("do") == "status":
                only(message, {"do"})
                return {"ok": True, **await self._status()}
            if message.get("do") == "alive":
                only(message, {"do"})
                return {"ok": True}
            if message.get("do") == "activate":
                return await self._new_limits(message)
            if (verb := self._more.get(str(message.get("do")))) is not None:
                return {"ok": True, **await verb(message)}
        except (RefusedError, RecordError) as error:
            return {"ok": False, "text": str(error)}
        except ChangeRefusedError as error:
            refusals = [refusal.as_json() for refusal in error.refusals]
            return {"ok": False, "text": str(error), "refusals": refusals}
        known = ", ".join(("mode", "status", "alive", "activate", *self._more))
        return {"ok": False, "text": f"unknown 'do': {message.get('do')!r}; known: {known}"}

    async def _new_limits(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        only(message, {"do", "proposal", "who"})
        proposal = text_of(message, "proposal", _LONGEST_NAME)
        if not proposal.isalnum():
            raise RefusedError("'proposal' is the hash that names one")
        who = named(message)
        return {"ok": True, **await self._activate(proposal, who)}

    async def _mode(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        only(message, {"do", "loop", "mode", "who", "reset", "why", "signature"})
        runners = self._chosen(message.get("loop"))
        mode = _mode(message.get("mode"))
        who = named(message)
        reset = message.get("reset", False)
        if not isinstance(reset, bool):
            raise RefusedError("'reset' is true or false")
        why = text_of(message, "why", _LONGEST_WHY)
        for refusal in (runner.refusal(mode) for runner in runners):
            if refusal:
                raise RefusedError(refusal)
        if reset and len(runners) != 1:
            raise RefusedError("a reset is for one loop: each has its own cause")
        if reset or mode is RequestedMode.AUTO:
            who = await self._signed_by(runners, message) or who
        texts = [await runner.ask_for(mode, who, reset, why) for runner in runners]
        return {"ok": True, "text": "; ".join(texts)}

    def _chosen(self, loop: object) -> list[LoopRunner]:
        if loop == "all":
            return list(self._runners.values())
        if isinstance(loop, str) and loop in self._runners:
            return [self._runners[loop]]
        known = ", ".join([*self._runners, "all"])
        raise RefusedError(f"there is no loop {loop!r}; known: {known}")


def _mode(word: object) -> RequestedMode:
    if isinstance(word, str) and word in set(RequestedMode):
        return RequestedMode(word)
    raise RefusedError(f"there is no mode {word!r}; known: {', '.join(RequestedMode)}")


def named(message: Mapping[str, Any]) -> str:
    """Return who makes a request; raises RefusedError without a name."""
    who = text_of(message, "who", _LONGEST_NAME)
    if not who:
        raise RefusedError("a request needs the name of the person who makes it ('who')")
    return who


def text_of(message: Mapping[str, Any], key: str, longest: int) -> str:
    """Return a short printable text: what people type ends up in records and on screens."""
    text = message.get(key, "")
    if not isinstance(text, str) or len(text) > longest or not text.isprintable():
        raise RefusedError(f"{key!r} is one line of printable text, at most {longest} characters")
    return text.strip()


def only(message: Mapping[str, Any], known: set[str]) -> None:
    """Raise RefusedError when a message holds a word that is not `known`."""
    strangers = sorted(set(message) - known)
    if strangers:
        raise RefusedError(f"unknown word {strangers[0]!r}; known: {', '.join(sorted(known))}")
