"""The coater's PLC as an OPC UA server process: `python -m hil.plc_opcua --sealed F ...`.

asyncua 2.1.0 plays the PLC's server: loopback only, no remote administration, writes on the
Remote.* nodes only, with the security its source names. Every accepted write is logged before the
client gets its answer.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from asyncua import Server, ua

from fieldbus.opcua_space import build_space
from fieldbus.pki import Pki
from hil.bench_door import Door
from hil.bench_identity import plc_identity
from hil.bench_process import (
    PlantClock,
    arguments,
    read_sealed,
    run_until_told,
    write_log,
)
from hil.field_link import FieldCable
from hil.plc_opcua_security import protect
from hil.plc_program import Value
from hil.plc_scan import door_of, row_writer, scan_for_ever
from hil.plc_station import Station, coater_program

VARIANTS = {
    "bool": ua.VariantType.Boolean,
    "int16": ua.VariantType.Int16,
    "uint16": ua.VariantType.UInt16,
    "int32": ua.VariantType.Int32,
    "uint32": ua.VariantType.UInt32,
    "float": ua.VariantType.Float,
    "float32": ua.VariantType.Float,
    "double": ua.VariantType.Double,
    "float64": ua.VariantType.Double,
}


class OpcUaPlc:
    """The server and its nodes; `publish` shows the station's image with fresh source times."""

    def __init__(self, station: Station, source: Mapping[str, Any], pki: Pki | None = None) -> None:
        """Prepare the server of `source`; one with security needs its `pki`."""
        endpoint: str = source["endpoint"]
        if urlsplit(endpoint).hostname not in ("127.0.0.1", "localhost"):
            raise ValueError(f"the bench serves on loopback only, not at {endpoint}")
        self.server = Server()
        self._station = station
        self._source = source
        self._pki = pki
        self._endpoint = endpoint
        self._ids: dict[str, ua.NodeId] = {}

    async def open(self, others: int = 0) -> None:
        """Build the address space from the tag table and listen.

        So many `others` take the namespaces before ours: every index is another then.
        """
        server = self.server
        await build_space(server)
        for number in range(others):
            await server.register_namespace(f"urn:another:{number}")
        server.set_endpoint(self._endpoint)
        server.set_server_name("Rheostat bench: coater PLC")
        if self._pki is None:
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        else:
            await protect(server, self._source, self._pki)
        server.allow_remote_admin(False)
        tables = (self._station.reads, self._station.writes)
        for name, tag in (row for table in tables for row in table.items()):
            await self._add_node(name, tag)
        for name in self._station.writes:
            self._catch_writes(name)
        await server.start()

    async def publish(self) -> None:
        """Show the newest image; an instrument that says nothing is BadSensorFailure."""
        now = datetime.now(UTC)
        write = self.server.write_attribute_value
        for name, tag in self._station.reads.items():
            shown = self._station.shown(name)
            await write(self._ids[name], _data_value(tag, shown, now))

    async def _add_node(self, name: str, tag: Mapping[str, Any]) -> None:
        uri, identifier = _address(tag["node"])
        index = await self.server.register_namespace(uri)
        self._ids[name] = ua.NodeId(identifier, index)
        kind = VARIANTS[tag["type"]]
        silent: Value = False if kind is ua.VariantType.Boolean else 0
        value = math.nan if kind in (ua.VariantType.Float, ua.VariantType.Double) else silent
        node = await self.server.nodes.objects.add_variable(
            self._ids[name], f"{index}:{identifier}", value, varianttype=kind
        )
        if tag["direction"] == "write":
            await node.set_writable()

    def _catch_writes(self, name: str) -> None:
        """Let every write to a Remote node pass through the station, which logs it."""

        def take(node: Any, attribute: ua.AttributeIds, value: ua.DataValue) -> None:  # noqa: ANN401 - the library's type
            node.attributes[attribute].value = value
            word = value.Value.Value if value.Value is not None else None
            self._station.accept(name, math.nan if word is None else word)

        self.server.set_attribute_value_setter(self._ids[name], take)


def _data_value(tag: Mapping[str, Any], shown: Value, now: datetime) -> ua.DataValue:
    kind = VARIANTS[tag["type"]]
    if isinstance(shown, float) and not math.isfinite(shown):
        bad = ua.StatusCode(ua.StatusCodes.BadSensorFailure)
        return ua.DataValue(ua.Variant(), bad, SourceTimestamp=now, ServerTimestamp=now)
    good = ua.StatusCode(ua.StatusCodes.Good)
    return ua.DataValue(ua.Variant(shown, kind), good, SourceTimestamp=now, ServerTimestamp=now)


def _address(node: str) -> tuple[str, str]:
    """Return namespace URI and string identifier of 'nsu=<URI>;s=<identifier>'."""
    uri, _, identifier = node.removeprefix("nsu=").partition(";s=")
    return uri, identifier


async def run(argv: list[str] | None = None) -> None:
    """Run the coater's PLC until told to end."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    options = arguments("Rheostat's bench: the coater's PLC, OPC UA", argv, field=True)
    sealed = read_sealed(options.sealed)
    source = sealed["sources"]["coater"]
    endpoint = source["endpoint"]
    pki = plc_identity(source, options.state) if source.get("security") else None
    with write_log(options.state / "plc-coater.jsonl") as lines:
        station = Station(coater_program(sealed), sealed["tags"], row_writer(lines))
        plc = OpcUaPlc(station, source, pki)
        await plc.open()
        door = Door(options.state / "plc-coater.sock", door_of(station))
        await door.open()
        cable = FieldCable("coater", options.field)
        clock = PlantClock(options.speed)
        work = scan_for_ever(station, cable, clock, options.scan, plc.publish)
        try:
            await run_until_told(work, port=urlsplit(endpoint).port, endpoint=endpoint)
        finally:
            cable.close()
            await door.close()
            await plc.server.stop()


if __name__ == "__main__":
    asyncio.run(run())
