"""A PLC of one setpoint over OPC UA, in a process of its own: watchdog, handshake, a log of writes.

`python -m tests.service.tiny_plc PORT SPEED LOG` plays the small line of `small_line.py`. It shares
no code with the engine. Plant seconds are wall seconds times SPEED.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import Server, ua

URI = "urn:rheostat:test:plc"
WATCHDOG_S = 24.0
VARIANT = ua.VariantType
READS = {
    "heartbeat": VARIANT.UInt32,
    "running": VARIANT.Boolean,
    "remote_ready": VARIANT.Boolean,
    "remote_active": VARIANT.Boolean,
    "gap_sp_active": VARIANT.Double,
}
WRITES = {
    "gap_sp": VARIANT.Double,
    "remote_request": VARIANT.Boolean,
    "engine_sequence": VARIANT.UInt32,
    "owner": VARIANT.UInt32,
    "engine_heartbeat": VARIANT.UInt32,
}


class TinyPlc:
    """The scan: who has the loop, and with which setpoint."""

    def __init__(self) -> None:
        self.words: dict[str, Any] = {
            "gap_sp": 3e-4,
            "remote_request": False,
            "engine_heartbeat": 0,
        }
        self.image: dict[str, Any] = {
            "heartbeat": 0,
            "running": True,
            "remote_ready": True,
            "remote_active": False,
            "gap_sp_active": 3e-4,
        }
        self._pulse, self._pulse_s, self._asked = 0, -WATCHDOG_S, False

    def scan(self, now_s: float) -> None:
        """Take the loop back when asked to, or when the engine's heartbeat stands still."""
        image, words = self.image, self.words
        image["heartbeat"] += 1
        if words["engine_heartbeat"] != self._pulse:
            self._pulse, self._pulse_s = words["engine_heartbeat"], now_s
        alive = now_s - self._pulse_s < WATCHDOG_S
        asked = bool(words["remote_request"])
        if asked and not self._asked and alive:
            image["remote_active"] = True
        if not (asked and alive):
            image["remote_active"] = False
        self._asked = asked
        if image["remote_active"]:
            image["gap_sp_active"] = words["gap_sp"]


def log_to(path: Path) -> Callable[[dict[str, Any]], None]:
    """Return what writes one row of the log; a row is in the file before the client's answer."""
    file = path.open("a", buffering=1, encoding="ascii")
    return lambda row: print(json.dumps(row), file=file)


async def main() -> None:
    """Serve until killed; the first line on stdout says that the server listens."""
    port, speed, log_path = int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    plc, server, ids = TinyPlc(), Server(), {}
    say = log_to(log_path)
    gc.disable()  # it would search six thousand new nodes for rubbish, for a second
    await server.init()
    gc.enable()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(URI)
    for name, kind in {**READS, **WRITES}.items():
        first = plc.image.get(name, plc.words.get(name, 0))
        node = await server.nodes.objects.add_variable(ua.NodeId(name, index), name, first, kind)
        ids[name] = node.nodeid
        if name in WRITES:
            await node.set_writable()

            def take(node: Any, attribute: Any, value: Any, name: str = name) -> None:
                node.attributes[attribute].value = value
                plc.words[name] = value.Value.Value
                say({"tag": name, "value": value.Value.Value})

            server.set_attribute_value_setter(ids[name], take)
    await server.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        plc.scan(time.monotonic() * speed)
        stamp = datetime.now(UTC)
        for name, kind in READS.items():
            shown = ua.Variant(plc.image[name], kind)
            value = ua.DataValue(shown, SourceTimestamp=stamp, ServerTimestamp=stamp)
            await server.write_attribute_value(ids[name], value)
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main())
