"""Faults of an OPC UA peer, played on real connections over loopback: who is let in, and who not.

The peer is the bench's own coater PLC, in this process; ours is the fieldbus as the engine has it.
Each story works in a scratch folder and returns what our side said of its source.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fieldbus.pki import Pki
from fieldbus.port_wire import WirePort
from hil.bench import on_free_ports
from hil.bench_identity import PLC, introduce, plc_identity
from hil.plc_opcua import OpcUaPlc
from hil.plc_station import Station, coater_program
from safety.words import Quality

WITHIN_S = 20.0  # wall, for a connection or a refusal
SERVER_URI = "urn:rheostat:plc:coater:application"
SECURED = {"policy": "Basic256Sha256", "server_uri": SERVER_URI, "user": "rheostat"}


def moved_namespace(folder: Path, sealed: Mapping[str, Any], others: int) -> str:
    """The PLC comes up with other namespaces before its own, so that every index is another."""
    line = _coater_alone(sealed)
    found = asyncio.run(_asked(line, folder, None, others=others))
    if not found["connected"]:
        return f"not connected: {found['last_error']}"
    return f"found by URI: {found['good']} of {found['read']} tags are good"


def rogue_certificate(folder: Path, sealed: Mapping[str, Any]) -> str:
    """A stranger answers at the PLC's address, with its name and a certificate of its own."""
    line = _secured(sealed, folder)
    stranger = plc_identity(line["sources"][PLC], folder / "stranger")
    _let_in(stranger, folder)
    return _told(asyncio.run(_asked(line, folder, stranger)))


def no_security(folder: Path, sealed: Mapping[str, Any]) -> str:
    """The PLC's address offers connections without signature and encryption only."""
    return _told(asyncio.run(_asked(_secured(sealed, folder), folder, None)))


def as_it_should(folder: Path, sealed: Mapping[str, Any]) -> str:
    """The PLC that two people introduced: what refuses the others lets this one in."""
    line = _secured(sealed, folder)
    return _told(asyncio.run(_asked(line, folder, plc_identity(line["sources"][PLC], folder))))


STORIES: Mapping[str, Callable[..., str]] = {
    story.__name__: story
    for story in (moved_namespace, rogue_certificate, no_security, as_it_should)
}


def _coater_alone(sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line with its OPC UA source only, at a free port."""
    line = copy.deepcopy(dict(sealed))
    line["sources"] = {PLC: line["sources"][PLC]}
    line["tags"] = {n: tag for n, tag in line["tags"].items() if tag["source"] == PLC}
    line["loops"] = {
        n: loop for n, loop in line["loops"].items() if loop["handshake"]["source"] == PLC
    }
    return on_free_ports(line)


def _secured(sealed: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    line = _coater_alone(sealed)
    line["sources"][PLC] = {**line["sources"][PLC], "security": SECURED, "insecure": None}
    introduce(line, folder)
    return line


def _let_in(stranger: Pki, folder: Path) -> None:
    """Let the stranger take everybody; what is asked is whether we take the stranger."""
    stranger.accept(Pki(folder / "pki").own().certificate)


def _told(found: Mapping[str, Any]) -> str:
    if found["connected"]:
        return f"connected: {found['good']} of {found['read']} tags are good"
    return f"refused: {found['last_refusal']}, {found['good']} of {found['read']} tags are good"


async def _asked(
    line: Mapping[str, Any], folder: Path, identity: Pki | None, others: int = 0
) -> dict[str, Any]:
    """Let our side meet the peer; return its word on the source, and how many tags it read."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    station = Station(coater_program(line), line["tags"], lambda _row: None)
    station.scan(0.0, {})
    peer = OpcUaPlc(station, line["sources"][PLC], identity)
    await peer.open(others)
    await peer.publish()
    started_s = time.monotonic()
    port = WirePort(line, lambda: time.monotonic() - started_s, pki=Pki(folder / "pki"))
    await port.open()
    try:
        while time.monotonic() - started_s < WITHIN_S:
            status = port.sources_status()[PLC]
            if status["connected"] or status["refusals"]:
                break
            await asyncio.sleep(0.05)
        tags = [name for name, tag in line["tags"].items() if tag["direction"] == "read"]
        reading = await port.read(tags)
        good = sum(1 for sample in reading.values() if sample.quality is Quality.GOOD)
        return {**port.sources_status()[PLC], "good": good, "read": len(tags)}
    finally:
        await port.close()
        await peer.server.stop()
