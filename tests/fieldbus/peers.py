"""PLCs of the wire tests: an OPC UA or Modbus server in a process of its own, told what to do by
JSON lines on its standard input. It keeps a log of what came over the wire, in order, and ends
when its standard input ends.

    python peers.py '{"kind": "opcua", "port": 4840, ...}'
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

URI = "urn:rheostat:test:plc"


class OpcUaPeer:
    """Variables by name and type; every write request is logged with what it carried."""

    def __init__(self, spec: dict[str, Any]) -> None:
        from asyncua import Server

        self.spec = spec
        self.server = Server()
        self.log: list[Any] = []
        self.nodes: dict[str, Any] = {}
        self.names: dict[Any, str] = {}

    async def start(self) -> int:
        from asyncua import ua
        from asyncua.common.callback import CallbackType

        await self.server.init()
        self.server.set_endpoint(f"opc.tcp://127.0.0.1:{self.spec['port']}/plc")
        self.server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        for number in range(self.spec.get("shift", 0)):
            await self.server.register_namespace(f"urn:another:{number}")
        index = await self.server.register_namespace(self.spec.get("uri", URI))
        for name, (kind, value, writable) in self.spec["variables"].items():
            node = await self.server.nodes.objects.add_variable(
                ua.NodeId(name, index), f"{index}:{name}", value, ua.VariantType[kind]
            )
            if writable:
                await node.set_writable()
            self.nodes[name] = node
            self.names[node.nodeid] = name
        for name, most in self.spec.get("limits", {}).items():
            limit = getattr(ua.ObjectIds, f"Server_ServerCapabilities_OperationLimits_{name}")
            await self.server.get_node(limit).write_value(ua.UInt32(most))
        self.server.subscribe_server_callback(CallbackType.PreWrite, self.before_write)
        self.server.subscribe_server_callback(CallbackType.PreRead, self.before_read)
        await self.server.start()
        return int(self.spec["port"])

    def before_write(self, event: Any, _service: Any) -> None:
        if event.is_external:
            self.log.append(
                [
                    {
                        "name": self.names.get(item.NodeId, "?"),
                        "value": repr(item.Value.Value.Value),
                        "stamped": item.Value.SourceTimestamp is not None,
                    }
                    for item in event.request_params.NodesToWrite
                ]
            )

    def before_read(self, event: Any, _service: Any) -> None:
        items = event.request_params.NodesToRead
        if event.is_external and any(item.NodeId in self.names for item in items):
            self.log.append(len(items))

    async def set(
        self, name: str, value: Any, status: int = 0, time_s: float | None = None
    ) -> None:
        """Put a value with a status code and a source time behind a node (NaN as 'nan')."""
        from asyncua import ua

        kind = ua.VariantType[self.spec["variables"][name][0]]
        value = float(value) if isinstance(value, str) else value
        stamp = datetime.now(UTC) if time_s is None else datetime.fromtimestamp(time_s, UTC)
        node = self.server.iserver.aspace[self.nodes[name].nodeid]
        node.attributes[ua.AttributeIds.Value].value = ua.DataValue(
            ua.Variant(value, kind), ua.StatusCode(status), SourceTimestamp=stamp
        )

    async def set_raw(self, name: str, kind: str, value: Any) -> None:
        """Put a value of another type behind a node, as a changed PLC program would."""
        from asyncua import ua

        node = self.server.iserver.aspace[self.nodes[name].nodeid]
        variant = ua.Variant(value, ua.VariantType[kind])
        node.attributes[ua.AttributeIds.Value].value = ua.DataValue(variant)

    async def get(self, name: str) -> str:
        return repr(await self.nodes[name].read_value())

    async def store(self, name: str, stores: bool) -> None:
        """Answer Good to every write of this name and keep the old value; or store again."""
        self.server.set_attribute_value_setter(
            self.nodes[name].nodeid,
            None if stores else lambda _node, _attribute, _value: None,
        )

    async def lock(self, name: str) -> None:
        await self.nodes[name].set_read_only()

    async def unlock(self, name: str) -> None:
        await self.nodes[name].set_writable()


class ModbusPeer:
    """A register image with holes; every request is logged: function, address, count, values."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.log: list[Any] = []
        self.image: dict[int, int] = {}
        self.keeps = True
        self.code = 0

    async def start(self) -> int:
        from pymodbus.server import ModbusTcpServer
        from pymodbus.simulator import DataType, SimData, SimDevice

        ranges = self.spec.get("ranges", [[0, 200]])
        data = [
            SimData(start, count=count, values=0, datatype=DataType.REGISTERS)
            for start, count in ranges
        ]
        device = SimDevice(1, data, action=self.on_request)
        server = ModbusTcpServer(device, address=("127.0.0.1", self.spec["port"]))
        self.server = server
        await server.serve_forever(background=True)
        return int(self.spec["port"])

    async def on_request(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: Any,
    ) -> Any:
        from pymodbus.constants import ExcCodes

        self.log.append([function, address, count, list(values) if values else None])
        if self.code:
            return ExcCodes(self.code)
        if values is not None and self.keeps:
            self.image.update({address + at: int(word) for at, word in enumerate(values)})
        for at in range(address, address + count):
            registers[at - start] = self.image.get(at, 0)
        if values is not None:
            for at in range(count):
                values[at] = self.image.get(address + at, 0)
        return None

    async def set(self, register: int, words: list[int]) -> None:
        self.image.update({register + at: word for at, word in enumerate(words)})

    async def get(self, register: int, count: int) -> list[int]:
        return [self.image.get(register + at, 0) for at in range(count)]

    async def zero(self) -> None:
        self.image.clear()

    async def keep(self, keeps: bool) -> None:
        self.keeps = keeps

    async def fail(self, code: int) -> None:
        """Answer every request with this exception code; 0 ends it."""
        self.code = code


async def serve(spec: dict[str, Any]) -> None:
    logging.disable(logging.CRITICAL)
    peer: Any = OpcUaPeer(spec) if spec["kind"] == "opcua" else ModbusPeer(spec)
    say({"port": await peer.start()})
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), lambda: lines.put_nowait(sys.stdin.buffer.readline()))
    while line := await lines.get():
        ask = json.loads(line)
        verb = ask.pop("do")
        if verb == "log":
            say({"answer": peer.log.copy()})
            peer.log.clear()
        else:
            say({"answer": await getattr(peer, verb)(**ask)})


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
