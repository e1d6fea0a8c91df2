"""PLCs by stacks that share nothing with our libraries, and what has to be installed for them.

`.ci/interop` installs it all; a test whose stack is not there skips and names what is missing.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.fieldbus.bench import Peer

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
INSTALLED = ROOT / "var" / "interop"
MODULES = INSTALLED / "node_modules"
NEXT = "install it with .ci/interop"


class NodeOpcUa(Peer):
    """An OPC UA server by node-opcua (TypeScript)."""

    def command(self) -> list[str]:
        spec = self.spec | {"modules": str(MODULES)}
        spec["variables"] = {
            name: [kind, str(value) if kind.endswith("Int64") else value, writable]
            for name, (kind, value, writable) in spec["variables"].items()
        }  # JavaScript's numbers end at 53 bits
        return ["node", str(HERE / "opcua_node.mjs"), json.dumps(spec)]


class Open62541(Peer):
    """An OPC UA server by open62541 (C), in a network and process namespace of its own.

    A pair of socats is its cable: one inside takes connections from a socket file, one outside
    listens at the same port on our loopback. The server is the first process of its namespace, so
    that nothing in there outlives it.
    """

    cable: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        inside = [str(INSTALLED / "o6" / "bin" / "python"), str(HERE / "opcua_open62541.py")]
        cable = Path(self.spec["folder"]) / "cable"
        script = 'socat UNIX-LISTEN:"$0",fork TCP4:127.0.0.1:"$1" & exec "$2" "$3" "$4"'
        words = [str(cable), str(self.port), *inside, json.dumps(self.spec)]
        return ["unshare", "-rnpf", "--kill-child", "sh", "-c", script, *words]

    def start(self, **changes: Any) -> None:
        super().start(**changes)
        self.cable = subprocess.Popen(
            ["socat", f"TCP4-LISTEN:{self.port},bind=127.0.0.1,fork,reuseaddr",
             f"UNIX-CONNECT:{self.spec['folder']}/cable"], stderr=subprocess.DEVNULL
        )  # fmt: skip

    def kill(self) -> None:
        if self.cable is not None:
            self.cable.kill()
            self.cable.wait()
            self.cable = None
        super().kill()

    def stop(self) -> None:
        os.kill(self._first_inside(), signal.SIGSTOP)
        while self._state() != "T":
            time.sleep(0.01)

    def resume(self) -> None:
        os.kill(self._first_inside(), signal.SIGCONT)

    def _first_inside(self) -> int:
        assert self.process is not None
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()[0])

    def _state(self) -> str:
        text = Path(f"/proc/{self._first_inside()}/stat").read_text("ascii")
        return text.rpartition(")")[2].split()[0]


class Libmodbus(Peer):
    """A Modbus device by libmodbus (C), over TCP, or RTU when its port is a device."""

    def command(self) -> list[str]:
        kind = "tcp" if isinstance(self.spec["port"], int) else "rtu"
        return [str(_libmodbus_program()), kind, str(self.spec["port"])]

    def line(self, verb: str, **details: Any) -> str:
        words = details.pop("words", [])
        return " ".join([verb, *(str(value) for value in details.values()), *map(str, words)])


class ModbusSerial(Peer):
    """A Modbus/TCP device by modbus-serial (JavaScript)."""

    def command(self) -> list[str]:
        spec = self.spec | {"modules": str(MODULES)}
        return ["node", str(HERE / "modbus_serial.mjs"), json.dumps(spec)]


class SerialCable:
    """Two pseudo-terminals joined by socat: what is written to one end comes out of the other."""

    def __init__(self, folder: Path) -> None:
        self.ends = (folder / "tty-engine", folder / "tty-device")

    def __enter__(self) -> Self:
        ends = [f"pty,raw,echo=0,link={end}" for end in self.ends]
        self.process = subprocess.Popen(["socat", *ends])
        deadline = time.monotonic() + 20.0
        while not all(end.exists() for end in self.ends) and time.monotonic() < deadline:
            time.sleep(0.01)
        # as on a real line, nothing ends when one side lets go of its end
        self.held = [os.open(end, os.O_RDWR | os.O_NOCTTY) for end in self.ends]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for end in self.held:
            os.close(end)
        self.process.kill()
        self.process.wait()


def needs_program(*names: str) -> None:
    for name in names:
        if shutil.which(name) is None:
            pytest.skip(f"the program {name} is not here; {NEXT}")


def needs_node(package: str) -> None:
    needs_program("node")
    if not (MODULES / package).is_dir():
        pytest.skip(f"the npm package {package} is not in {MODULES}; {NEXT}")


def needs_libmodbus() -> None:
    needs_program("cc", "pkg-config")
    if subprocess.run(["pkg-config", "--exists", "libmodbus"], check=False).returncode:
        pytest.skip(f"the library libmodbus (libmodbus-dev) is not here; {NEXT}")


def needs_open62541() -> None:
    needs_program("unshare", "socat")
    if not (INSTALLED / "o6" / "bin" / "python").exists():
        pytest.skip(f"open62541 (the wheel o6) is not in {INSTALLED}; {NEXT}")
    alone = subprocess.run(["unshare", "-rnpf", "true"], capture_output=True, check=False)
    if alone.returncode:
        pytest.skip(
            "no namespace can be made here (unshare -rnpf), and open62541's wheel listens "
            "on every interface: it is not started without one"
        )


NEEDS: dict[type[Peer], Callable[[], None]] = {
    NodeOpcUa: lambda: needs_node("node-opcua"),
    Open62541: needs_open62541,
    Libmodbus: needs_libmodbus,
    ModbusSerial: lambda: needs_node("modbus-serial"),
}


@functools.cache
def _libmodbus_program() -> Path:
    """Compile the libmodbus device, once for each text of it."""
    source = HERE / "modbus_libmodbus.c"
    program = INSTALLED / "modbus_libmodbus"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        INSTALLED.mkdir(parents=True, exist_ok=True)
        flags = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "libmodbus"],
            check=True, capture_output=True, text=True,
        ).stdout.split()  # fmt: skip
        made = program.with_name(f"{program.name}.{time.monotonic_ns()}")
        subprocess.run(["cc", str(source), *flags, "-o", str(made)], check=True)
        made.rename(program)
    return program
