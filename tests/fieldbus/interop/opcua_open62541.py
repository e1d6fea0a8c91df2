"""An OPC UA PLC by open62541 (the C stack, in its wheel `o6`), alone in a network namespace.

That build listens on every interface and ends after ten minutes, so it is started by
`unshare --net`: nothing but its own loopback is there, and a pair of socats carries its port out.

    python opcua_open62541.py '{"port": 4840, "certificate": "plc.der", ...}'
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # the library greets on standard output, which is for answers

import o6  # noqa: E402

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
KINDS = {
    "Boolean": o6.Boolean,
    "Int16": o6.Int16,
    "UInt16": o6.UInt16,
    "Int32": o6.Int32,
    "UInt32": o6.UInt32,
    "Int64": o6.Int64,
    "UInt64": o6.UInt64,
    "Float": o6.Float,
    "Double": o6.Double,
}


class Door(o6.AccessControl):  # type: ignore[misc]  # its types are not installed here
    """Lets in who is in `logins`, or anybody when there is none."""

    def __init__(self, logins: dict[str, str]) -> None:
        super().__init__(anonymous=not logins, username=bool(logins))
        self.logins = logins

    def activateSession(self, endpoint: Any, certificate: Any, session: Any, token: Any) -> Any:  # noqa: N802 - the library's name
        if not self.logins:
            return super().activateSession(endpoint, certificate, session, token)
        if self.logins.get(str(token.userName)) != bytes(token.password or b"").decode():
            raise o6.StatusCodeError(o6.StatusCode.BAD_USER_ACCESS_DENIED)
        return None


class Plc:
    """The variables of `spec`, at string NodeIds of its application's namespace."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.kinds = {name: KINDS[kind] for name, (kind, _, _) in spec["variables"].items()}
        secured = {}
        if "certificate" in spec:
            secured = {
                "certificate": Path(spec["certificate"]),
                "privateKey": Path(spec["key"]),
                "trustList": [Path(name) for name in spec.get("clients", [])],
                "acceptAllCertificates": "clients" not in spec,
            }
        self.server = o6.Server(
            port=spec["port"],
            applicationUri=spec["uri"],
            accessControl=Door(spec.get("logins", {})),
            **secured,
        )
        for name, (_, value, writable) in spec["variables"].items():
            self.server.addVariable(
                name,
                self.server.objectsNode,
                self.kinds[name](value),
                nodeId=f"ns=1;s={name}",
                writable=writable,
            )

    def set(self, name: str, value: Any) -> None:
        """Put a value behind a node."""
        self.server.write(f"ns=1;s={name}", self.kinds[name](value))

    def get(self, name: str) -> Any:
        """Return the value behind a node."""
        value = self.server.read(f"ns=1;s={name}")
        return value.item() if hasattr(value, "item") else value


def main() -> None:
    """Serve until the standard input ends."""
    with socket.socket() as probe:
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    spec = json.loads(sys.argv[1])
    plc = Plc(spec)
    with plc.server:
        say({"port": spec["port"]})
        for line in sys.stdin:
            ask = json.loads(line)
            say({"answer": getattr(plc, ask.pop("do"))(**ask)})
    os._exit(0)  # its worker threads have nothing to say any more


def say(message: dict[str, Any]) -> None:
    """Write one JSON line where the tests listen."""
    ANSWERS.write(json.dumps(message) + "\n")
    ANSWERS.flush()


if __name__ == "__main__":
    main()
