"""The bench of the wire tests: starts a PLC in another process, talks to it, stops and kills it;
and builds the sealed dict that goes with it. Waits for events, never measures time.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fieldbus.port_wire import WirePort
from safety.gate import Command
from safety.words import Quality, Reading
from tests.fieldbus.peers import URI
from tests.safety.builders import forge

PATIENCE_S = 20.0  # only a hung test waits that long

OPCUA_TYPES = {
    "bool": "Boolean",
    "int16": "Int16",
    "uint16": "UInt16",
    "int32": "Int32",
    "uint32": "UInt32",
    "int64": "Int64",
    "uint64": "UInt64",
    "float": "Float",
    "double": "Double",
}


class Clock:
    """Engine time that stands still unless a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Peer:
    """One PLC process. A context manager: on exit the process is gone, whatever state it was in."""

    def __init__(self, **spec: Any) -> None:
        self.spec = {"port": free_port(), **spec}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def port(self) -> int:
        return int(self.spec["port"])

    def start(self, **changes: Any) -> None:
        self.spec |= changes
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._heard() == {"port": self.spec["port"]}

    def command(self) -> list[str]:
        """Return what starts this PLC."""
        return [sys.executable, str(Path(__file__).with_name("peers.py")), json.dumps(self.spec)]

    def ask(self, verb: str, **details: Any) -> Any:
        """Have the peer do something and return its answer."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write((self.line(verb, **details) + "\n").encode())
        self.process.stdin.flush()
        return self._heard()["answer"]

    def line(self, verb: str, **details: Any) -> str:
        """Return the line that has the peer do something."""
        return json.dumps({"do": verb, **details})

    def stop(self) -> None:
        """Freeze the process (SIGSTOP): its sockets stay open, nobody answers."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        self.process = None

    def _heard(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the peer ended before it answered"
        answer: dict[str, Any] = json.loads(line)
        return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def opcua_source(peer: Peer, timeout_s: float = 5.0, **changes: Any) -> dict[str, Any]:
    endpoint = f"opc.tcp://127.0.0.1:{peer.port}/plc"
    return {
        "protocol": "opcua",
        "endpoint": endpoint,
        "timeout": timeout_s,
        "insecure": True,
    } | changes


def modbus_source(peer: Peer, timeout_s: float = 5.0, **changes: Any) -> dict[str, Any]:
    return {
        "protocol": "modbus-tcp",
        "host": "127.0.0.1",
        "port": peer.port,
        "device_id": 1,
        "timeout": timeout_s,
    } | changes


def opcua_tag(
    source: str, name: str, kind: str, direction: str = "read", **more: Any
) -> dict[str, Any]:
    return {
        "source": source,
        "direction": direction,
        "node": f"nsu={URI};s={name}",
        "type": kind,
        "gain": 1.0,
        "offset": 0.0,
        "unit": "",
    } | more


def modbus_tag(
    source: str, register: int, kind: str, direction: str = "read", **more: Any
) -> dict[str, Any]:
    return {
        "source": source,
        "direction": direction,
        "table": "holding",
        "register": register,
        "type": kind,
        "gain": 1.0,
        "offset": 0.0,
        "unit": "",
    } | more


def loop(source: str, setpoints: Sequence[str]) -> dict[str, Any]:
    words = ("heartbeat_in", "remote_ready", "remote_active", "remote_request", "sequence")
    handshake = {word: f"{source}.{word}" for word in (*words, "heartbeat_out")}
    return {
        "handshake": {"source": source, **handshake},
        "mvs": {name: f"{name}_active" for name in setpoints},
    }


def opcua_words(source: str) -> dict[str, dict[str, Any]]:
    """Return the tags of a handshake over OPC UA; node names are the tag names without source."""
    kinds = {
        "heartbeat_in": ("uint32", "read"),
        "remote_ready": ("bool", "read"),
        "remote_active": ("bool", "read"),
        "remote_request": ("bool", "write"),
        "sequence": ("uint32", "write"),
        "heartbeat_out": ("uint16", "write"),
    }
    return {
        f"{source}.{name}": opcua_tag(source, name, kind, direction)
        for name, (kind, direction) in kinds.items()
    }


def modbus_words(source: str) -> dict[str, dict[str, Any]]:
    """Return the tags of a handshake over Modbus: 0..2 to read, 106..108 to write."""
    return {
        f"{source}.heartbeat_in": modbus_tag(source, 0, "uint16"),
        f"{source}.remote_ready": modbus_tag(source, 1, "bool"),
        f"{source}.remote_active": modbus_tag(source, 2, "bool"),
        f"{source}.remote_request": modbus_tag(source, 106, "bool", "write"),
        f"{source}.sequence": modbus_tag(source, 107, "uint16", "write"),
        f"{source}.heartbeat_out": modbus_tag(source, 108, "uint16", "write"),
    }


def variables(tags: dict[str, dict[str, Any]], **values: Any) -> dict[str, list[Any]]:
    """Return the variables an OPC UA peer needs for these tags: variant type, value, writable."""
    found = {}
    for tag in tags.values():
        name = tag["node"].partition(";s=")[2]
        start = False if tag["type"] == "bool" else 0.0 if tag["type"] in ("float", "double") else 0
        writable = tag["direction"] == "write"
        found[name] = [OPCUA_TYPES[tag["type"]], values.get(name, start), writable]
    return found


def command(setpoints: Mapping[str, float], count: int = 1, **changes: Any) -> Command:
    """Return a command of the loop 'plc', minted and not yet expired on a standing clock."""
    fields: dict[str, Any] = {
        "loop": "plc",
        "sequence": count,
        "heartbeat": count,
        "minted_s": 1000.0,
        "expires_s": 1003.0,
    }
    return forge(setpoints, **(fields | changes))


@asynccontextmanager
async def opened(
    sealed: dict[str, Any], clock: Callable[[], float], **options: Any
) -> AsyncIterator[WirePort]:
    """Open a port, wait until every source is connected, close it at the end."""
    port = WirePort(sealed, clock, **options)
    await port.open()
    try:
        await connected(port)
        yield port
    finally:
        await port.close()


async def connected(port: WirePort, epoch: int = 1) -> None:
    """Wait until all sources are connected, for the `epoch`th time at least."""
    await until(
        lambda: all(s["connected"] and s["epoch"] >= epoch for s in port.sources_status().values())
    )


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.01)


def values(reading: Reading) -> dict[str, Any]:
    return {name: sample.value for name, sample in reading.items()}


def all_bad(reading: Reading) -> bool:
    return all(s.quality is Quality.BAD and s.value is None for s in reading.values())
