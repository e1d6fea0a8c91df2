"""Alarms as OPC UA conditions (OPC 10000-9): events, refresh, and the method Acknowledge.

A condition mirrors what the engine says. Acknowledging here asks the engine; the condition changes
only when the engine has, so that a page and a control room can never differ for long.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from asyncua import ua

from fieldbus.outward.points import Alarm
from fieldbus.outward.server import OutwardServer, caller, retype

Acknowledge = Callable[[str, str, str], Awaitable[bool]]
"""Asks the engine to acknowledge: alarm, user, comment; whether it did."""

_LONGEST_COMMENT = 500


class Conditions:
    """The alarms of one line on its outward server."""

    def __init__(self, outward: OutwardServer, line: str, acknowledge: Acknowledge) -> None:
        self._outward = outward
        self._acknowledge = acknowledge
        self._folder = f"{line}/Alarms"
        self._shown: dict[str, Alarm] = {}
        self._generators: dict[str, Any] = {}
        self._places: dict[ua.NodeId, str] = {}

    async def open(self) -> None:
        """Link the standard method of acknowledgeable conditions; call after the server's open."""
        server = self._outward.server
        machine = server.get_node(self._outward.node_id(self._folder.rpartition("/")[0]))
        index = self._outward.index
        await machine.add_object(self._outward.node_id(self._folder), f"{index}:Alarms")
        method = ua.ObjectIds.AcknowledgeableConditionType_Acknowledge
        server.link_method(server.get_node(ua.NodeId(method)), self._on_acknowledge)

    async def show(self, alarms: Iterable[Alarm]) -> None:
        """Tell every subscriber what has changed; an alarm that is not named any more is over."""
        fresh = {alarm.id: alarm for alarm in alarms}
        for id_, old in self._shown.items():
            if id_ not in fresh and old.standing:
                fresh[id_] = Alarm(id_, old.text, False, True, old.severity, old.comment, old.who)
        for alarm in fresh.values():
            if self._shown.get(alarm.id) != alarm:
                await self._tell(alarm)
        self._shown |= fresh

    async def _tell(self, alarm: Alarm) -> None:
        generator = self._generators.get(alarm.id) or await self._new(alarm.id)
        _fill(generator.event, alarm)
        await generator.trigger(message=alarm.text)

    async def _new(self, id_: str) -> Any:  # noqa: ANN401 - the library's generator
        server, path = self._outward.server, f"{self._folder}/{id_}"
        node_id = self._outward.node_id(path)
        folder = server.get_node(self._outward.node_id(self._folder))
        kind = ua.ObjectIds.AlarmConditionType
        node = await folder.add_object(node_id, f"{self._outward.index}:{id_}")
        await retype(node, ua.ObjectIds.BaseObjectType, kind)
        generator = await server.get_event_generator(kind, server.nodes.server)
        event = generator.event
        event.NodeId = node.nodeid
        event.SourceNode = self._outward.node_id(self._folder.rpartition("/")[0])
        event.SourceName = self._folder.partition("/")[0]
        event.ConditionName = id_
        event.ConditionClassId = ua.NodeId(ua.ObjectIds.ProcessConditionClassType)
        event.ConditionClassName = ua.LocalizedText("ProcessConditionClass")
        event.BranchId = ua.NodeId()
        self._generators[id_] = generator
        self._places[node_id] = id_
        return generator

    async def _on_acknowledge(self, condition: ua.NodeId, *words: ua.Variant) -> ua.StatusCode:
        """Answer the method Acknowledge(EventId, Comment) of one condition."""
        codes = ua.StatusCodes
        user, id_ = caller.get(), self._places.get(condition)
        if not user:
            return ua.StatusCode(codes.BadUserAccessDenied)
        if id_ is None:
            return ua.StatusCode(codes.BadNodeIdUnknown)
        if len(words) != 2:
            return ua.StatusCode(codes.BadArgumentsMissing)
        event = self._generators[id_].event
        if _bytes(words[0]) != _bytes(event.EventId):
            return ua.StatusCode(codes.BadEventIdUnknown)
        if self._shown[id_].acknowledged:
            return ua.StatusCode(codes.BadConditionBranchAlreadyAcked)
        done = await self._acknowledge(id_, user, _comment(words[1]))
        return ua.StatusCode(codes.Good if done else codes.BadUserAccessDenied)


def _fill(event: Any, alarm: Alarm) -> None:  # noqa: ANN401 - the library's event
    event.Severity = alarm.severity
    event.Retain = alarm.standing
    event.Quality = ua.StatusCode(ua.StatusCodes.Good)
    event.SuppressedOrShelved = alarm.hidden
    event.Comment = ua.LocalizedText(alarm.comment)
    event.ClientUserId = alarm.who
    for name, on, yes, no in (
        ("EnabledState", True, "Enabled", "Disabled"),
        ("ActiveState", alarm.active, "Active", "Inactive"),
        ("AckedState", alarm.acknowledged, "Acknowledged", "Unacknowledged"),
    ):
        setattr(event, name, ua.LocalizedText(yes if on else no))
        setattr(event, f"{name}/Id", on)


def _bytes(word: Any) -> bytes:  # noqa: ANN401 - a variant, or what is in one
    inside = getattr(word, "Value", word)
    return inside if isinstance(inside, bytes) else b""


def _comment(word: Any) -> str:  # noqa: ANN401 - a variant with a localized text
    text = getattr(getattr(word, "Value", None), "Text", "") or ""
    return "".join(c if c.isprintable() else " " for c in str(text))[:_LONGEST_COMMENT].strip()
