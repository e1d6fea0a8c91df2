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
            if name in self.spec.get("described", {}):
                unit, low, high = self.spec["described"][name]
                about = ua.EUInformation(DisplayName=ua.LocalizedText(unit))
                await node.add_property(ua.NodeId(), "0:EngineeringUnits", about)
                await node.add_property(ua.NodeId(), "0:EURange", ua.Range(low, high))
        for name, most in self.spec.get("limits", {}).items():
            limit = getattr(ua.ObjectIds, f"Server_ServerCapabilities_OperationLimits_{name}")
            await self.server.get_node(limit).write_value(ua.UInt32(most))
        self.server.subscribe_server_callback(CallbackType.PreWrite, self.before_write)
        self.server.subscribe_server_callback(CallbackType.PreRead, self.before_read)
        if "dress" in self.spec:
            self.dress_up(**self.spec["dress"])
        await self.server.start()
        return int(self.spec["port"])

    async def dress(self, **clothes: Any) -> None:
        """Close every connection, and listen again with another certificate, policy or user."""
        from asyncua.server.binary_server_asyncio import BinaryServer

        server = self.server
        await server.bserver.stop()
        server._policies = []
        server.iserver.endpoints.clear()
        self.dress_up(**clothes)
        await server._setup_server_nodes()
        address = ("127.0.0.1", self.spec["port"])
        server.bserver = BinaryServer(server.iserver, *address, server.limits)
        server.bserver.set_policies(server._policies)
        await server.bserver.start()

    def dress_up(
        self,
        certificate: str,
        key: str,
        policies: list[str],
        uri: str,
        logins: dict[str, str] | None = None,
        path: str = "/plc",
        clients: list[str] | None = None,
        shows: str = "",
        hides: bool = False,
    ) -> None:
        """Take a certificate (hexadecimal DER) with its key (PEM), and say who may come in.

        `shows` is what the list of endpoints says the certificate is; `hides`: that list is told
        inside a session only. `clients` are the certificates of clients that are trusted,
        everybody's when there is none.
        """
        from asyncua import ua
        from asyncua.common.utils import ServiceError
        from asyncua.crypto.permission_rules import User, UserRole
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        server = self.server
        server.set_endpoint(f"opc.tcp://127.0.0.1:{self.spec['port']}{path}")
        server._application_uri = uri
        server.set_security_policy([ua.SecurityPolicyType[name] for name in policies])
        inside = server.iserver
        inside.certificate = x509.load_der_x509_certificate(bytes.fromhex(certificate))
        inside.private_key = load_pem_private_key(key.encode(), None)
        token = ua.UserNameIdentityToken if logins else ua.AnonymousIdentityToken
        server.set_identity_tokens([token])

        class Manager:
            def get_user(
                self,
                _server: Any,
                username: str | None = None,
                password: str | None = None,
                certificate: bytes | None = None,
            ) -> User | None:
                known = not logins or logins.get(username or "") == password
                return User(UserRole.User) if known else None

        async def validate(one: x509.Certificate, _description: Any) -> None:
            from cryptography.hazmat.primitives.serialization import Encoding

            if clients is not None and one.public_bytes(Encoding.DER).hex() not in clients:
                raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)

        inside.user_manager = Manager()
        server.set_certificate_validator(validate)
        inside.__dict__.pop("get_endpoints", None)
        if shows:
            told = inside.get_endpoints

            async def lie(*words: Any, **more: Any) -> Any:
                endpoints = await told(*words, **more)
                for endpoint in endpoints:
                    endpoint.ServerCertificate = bytes.fromhex(shows)
                return endpoints

            inside.get_endpoints = lie
        if hides:
            inside_told, asked = inside.get_endpoints, iter(range(1_000_000))

            async def hide(*words: Any, **more: Any) -> Any:
                if next(asked) % 2 == 0:  # each attempt asks openly first, then in its session
                    raise ServiceError(ua.StatusCodes.BadSecurityPolicyRejected)
                return await inside_told(*words, **more)

            inside.get_endpoints = hide

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
        self.course: list[dict[str, list[int]]] = []

    async def start(self) -> int:
        from pymodbus.server import ModbusTcpServer, ModbusTlsServer
        from pymodbus.simulator import DataType, SimData, SimDevice

        ranges = self.spec.get("ranges", [[0, 200]])
        data = [
            SimData(start, count=count, values=0, datatype=DataType.REGISTERS)
            for start, count in ranges
        ]
        device = SimDevice(1, data, action=self.on_request)
        address = ("127.0.0.1", self.spec["port"])
        server: Any
        if "tls" in self.spec:
            server = ModbusTlsServer(device, address=address, sslctx=secret(**self.spec["tls"]))
        else:
            server = ModbusTcpServer(device, address=address)
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
        if values is None and self.course:
            step = self.course.pop(0)
            self.image.update(
                {int(at) + i: word for at, words in step.items() for i, word in enumerate(words)}
            )
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

    async def play(self, course: list[dict[str, list[int]]]) -> None:
        """Before each of the next reads put these words (register to words) into the image."""
        self.course = course

    async def fail(self, code: int) -> None:
        """Answer every request with this exception code; 0 ends it."""
        self.code = code


def secret(certificate: str, key: str, client: str) -> Any:
    """Return a TLS context of a device that lets in one client, by its certificate (DER files)."""
    import ssl
    from pathlib import Path

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=Path(client).read_bytes())
    return context


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
