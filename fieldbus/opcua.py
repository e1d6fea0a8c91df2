"""OPC UA by asyncua 2.1: what this library does differently from what one hopes is known here.

- `read_values` hides the status code, and a Bad answer may carry a number: full DataValues only.
- A plain write adds a source timestamp, which PLC servers refuse: DataValue(Variant) only.
- `write_values` is not atomic, and 'accepted' is not 'stored': every code is checked, and the
  port reads back.
- Namespace indices move when a server restarts: resolved by URI at each connect.
- Its own reconnect lets requests out before the session stands: off; see supervisor.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from asyncua import Client, ua

from fieldbus.link import LinkError, WireReading, cut
from fieldbus.opcua_quality import quality_of
from fieldbus.opcua_security import connect
from fieldbus.pki import Pki
from fieldbus.sources import Source
from fieldbus.tags import Tag, Wire, WiringError
from safety.words import Quality

VARIANTS: Final[Mapping[str, ua.VariantType]] = {
    "bool": ua.VariantType.Boolean,
    "int16": ua.VariantType.Int16,
    "uint16": ua.VariantType.UInt16,
    "int32": ua.VariantType.Int32,
    "uint32": ua.VariantType.UInt32,
    "int64": ua.VariantType.Int64,
    "uint64": ua.VariantType.UInt64,
    "float32": ua.VariantType.Float,
    "float64": ua.VariantType.Double,
}
_LAST_BUILT_IN_TYPE: Final = 25
_PATIENCE_TO_CLOSE_S: Final = 1.0

T = TypeVar("T")


class OpcUaLink:
    """One session with one server. `wall_scale` is engine seconds per second of the PLC's clock."""

    def __init__(
        self,
        source: Source,
        tags: Sequence[Tag],
        wall_scale: float = 1.0,
        pki: Pki | None = None,
    ) -> None:
        # The library logs every expected loss with a traceback; here it becomes one sentence.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        self.lost = asyncio.Event()
        self.why_lost = ""
        self._source = source
        self._tags = tags
        self._wall_scale = wall_scale
        self._pki = pki
        self._client: Any = None
        self._ids: dict[str, ua.NodeId] = {}
        self._most_read = 0  # nodes in one request; 0: no limit
        self._most_written = 0

    async def open(self) -> None:
        """Connect, resolve namespaces by URI, learn limits and types; raises when they differ."""
        limit_s = self._source.timeout_s
        client = Client(
            self._source.endpoint, timeout=limit_s, watchdog_intervall=max(1.0, limit_s)
        )
        self._client = client
        client.connection_lost_callback = self._on_lost
        await connect(client, self._source, self._pki)
        uris = await client.get_namespace_array()
        self._ids = {tag.name: node_id(tag, uris) for tag in self._tags}
        await self._learn_limits()
        await self._check_table()

    async def read(self, tags: Sequence[Tag]) -> Mapping[str, WireReading]:
        """Read all tags in one request, with status code and both times."""
        wanted = [(self._ids[tag.name], ua.AttributeIds.Value) for tag in tags]
        values = await self._read(wanted)
        now_s = newest_time_s(values)
        return {
            tag.name: self._reading(tag, value, now_s)
            for tag, value in zip(tags, values, strict=True)
        }

    async def write(self, items: Sequence[tuple[Tag, Wire]]) -> Mapping[str, str]:
        """Write in the given order in one request; return the refused tags in words."""
        refused: dict[str, str] = {}
        for part in _parts(items, self._most_written):
            if refused:
                why = "not sent after the refusal before it"
                refused |= {tag.name: why for tag, _ in part}
                continue
            request = ua.WriteParameters()
            request.NodesToWrite = [
                ua.WriteValue(
                    NodeId=self._ids[tag.name],
                    AttributeId=ua.AttributeIds.Value,
                    Value=ua.DataValue(ua.Variant(wire, VARIANTS[tag.type])),
                )
                for tag, wire in part
            ]
            codes = await self._client.uaclient.write(request)
            if len(codes) != len(part):
                raise LinkError(f"the server answered {len(codes)} of {len(part)} writes")
            for (tag, _), code in zip(part, codes, strict=True):
                if code.value >> 30 != 0:
                    refused[tag.name] = f"the server answered {code.name}"
        return refused

    def drop(self, why: str) -> None:
        """Cut the connection at once; bytes that are not out yet never leave."""
        if not self.lost.is_set():
            self.why_lost = why
            self.lost.set()
        protocol = self._client.uaclient.protocol if self._client is not None else None
        if protocol is not None:
            cut(protocol.transport)

    async def close(self) -> None:
        """Close the session when there still is one, and end the library's tasks."""
        if self._client is None:
            return
        # In a task of its own: the library's teardown swallows a cancellation that is meant for us.
        farewell = asyncio.create_task(self._client.disconnect())
        farewell.add_done_callback(_forget)
        try:
            await asyncio.wait({farewell}, timeout=_PATIENCE_TO_CLOSE_S)
        finally:
            self.drop("closed")
            farewell.cancel()

    async def _on_lost(self, error: Exception) -> None:
        self.drop(f"connection lost: {error}" if str(error) else "connection lost")

    async def _read(self, wanted: Sequence[tuple[ua.NodeId, ua.AttributeIds]]) -> list[Any]:
        answers: list[Any] = []
        for part in _parts(wanted, self._most_read):
            request = ua.ReadParameters(
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                NodesToRead=[ua.ReadValueId(NodeId=node, AttributeId=what) for node, what in part],
            )
            answer = await self._client.uaclient.read(request)
            if len(answer) != len(part):
                raise LinkError(f"the server answered {len(answer)} of {len(part)} reads")
            answers.extend(answer)
        return answers

    async def _learn_limits(self) -> None:
        """Ask how many nodes fit one request; a server that does not say has no limit."""
        names = (
            ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
            ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerWrite,
        )
        answers = await self._read([(ua.NodeId(name), ua.AttributeIds.Value) for name in names])
        said = [
            int(answer.Value.Value)
            if answer.StatusCode.value >> 30 == 0 and isinstance(answer.Value.Value, int)
            else 0
            for answer in answers
        ]
        self._most_read, self._most_written = said

    async def _check_table(self) -> None:
        """Compare every tag with the live node: there, of the type, writable where we write."""
        ids = [self._ids[tag.name] for tag in self._tags]
        types = await self._read([(node, ua.AttributeIds.DataType) for node in ids])
        levels = await self._read([(node, ua.AttributeIds.UserAccessLevel) for node in ids])
        faults = []
        for tag, node, kind, level in zip(self._tags, ids, types, levels, strict=True):
            if kind.StatusCode.value >> 30 != 0:
                faults.append(f"tag {tag.name}: no node {tag.node} ({kind.StatusCode.name})")
                continue
            variant = await self._variant_type(node, kind.Value.Value)
            if variant != VARIANTS[tag.type]:
                faults.append(
                    f"tag {tag.name}: the server has {variant.name}, the tag table says {tag.type}"
                )
            elif tag.direction == "write" and not _may_write(level):
                faults.append(f"tag {tag.name}: the server does not let us write it")
        if faults:
            raise WiringError("; ".join(faults))

    async def _variant_type(self, node: ua.NodeId, kind: ua.NodeId) -> ua.VariantType:
        if kind.NamespaceIndex == 0 and 0 < kind.Identifier <= _LAST_BUILT_IN_TYPE:
            return ua.VariantType(kind.Identifier)
        return await self._client.get_node(node).read_data_type_as_variant_type()

    def _reading(self, tag: Tag, answer: ua.DataValue, now_s: float | None) -> WireReading:
        source_s = _unix_s(answer.SourceTimestamp)
        quality, reason = quality_of(answer.StatusCode.value if answer.StatusCode else 0)
        if quality is Quality.BAD:
            return WireReading.bad(reason, source_s)
        if answer.Value is None or answer.Value.VariantType != VARIANTS[tag.type]:
            kind = "nothing" if answer.Value is None else answer.Value.VariantType.name
            return WireReading.bad(f"the server sent {kind} instead of {tag.type}", source_s)
        if tag.max_age_s is not None and source_s is not None and now_s is not None:
            age_s = (now_s - source_s) * self._wall_scale
            if abs(age_s) > tag.max_age_s:
                when = "older than" if age_s > 0 else "ahead of"
                return WireReading.bad(
                    f"{abs(age_s):.0f} s {when} the server's clock; at most {tag.max_age_s:g} s",
                    source_s,
                )
        return WireReading(answer.Value.Value, quality, reason, source_s)


def _forget(farewell: asyncio.Task[None]) -> None:
    """Take note of whatever a broken connection made the library raise at its end."""
    if not farewell.cancelled():
        farewell.exception()


def node_id(tag: Tag, uris: Sequence[str]) -> ua.NodeId:
    """Return the NodeId of 'nsu=<URI>;s=<name>' in a server with these namespaces.

    Raises:
        WiringError: no such namespace, or an address by index, which moves at a restart.
    """
    head, _, rest = tag.node.partition(";")
    if head.startswith("nsu=") and rest:
        uri = head.removeprefix("nsu=")
        if uri not in uris:
            raise WiringError(
                f"tag {tag.name}: the server has no namespace {uri}; is this the right PLC?"
            )
        return ua.NodeId.from_string(f"ns={list(uris).index(uri)};{rest}")
    if head.startswith("i=") and not rest:
        return ua.NodeId.from_string(tag.node)
    raise WiringError(
        f"tag {tag.name}: address {tag.node!r} must name its namespace by URI "
        "('nsu=urn:...;s=...'); an index can move when the server restarts"
    )


def newest_time_s(answers: Sequence[Any]) -> float | None:
    """Return the server's 'now' as this answer shows it [Unix s]: its newest time stamp.

    The server's own stamps come first; one instrument with a clock in the future must not make
    every other look old. Ages against it need no common clock with the PLC.
    """
    server = [_unix_s(answer.ServerTimestamp) for answer in answers]
    source = [_unix_s(answer.SourceTimestamp) for answer in answers]
    for stamps in (server, source):
        known = [stamp for stamp in stamps if stamp is not None]
        if known:
            return max(known)
    return None


def _may_write(level: ua.DataValue) -> bool:
    if level.StatusCode.value >> 30 != 0 or not isinstance(level.Value.Value, int):
        return True  # the server does not tell; the first write will
    return bool(level.Value.Value & (1 << int(ua.AccessLevel.CurrentWrite)))


def _unix_s(stamp: datetime | None) -> float | None:
    if stamp is None:
        return None
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def _parts(items: Sequence[T], most: int) -> list[Sequence[T]]:
    if most <= 0:
        return [items]
    return [items[at : at + most] for at in range(0, len(items), most)]
