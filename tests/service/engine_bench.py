"""An engine process against a PLC in another process: what the tests of the engine stand on."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from records.reader import RecordReader
from service.commands import ask
from service.sealed_file import write_sealed
from tests.service.small_line import LOOP, small_sealed
from tests.service.tiny_plc import URI

SPEED = 20.0  # a cycle of 8 s takes 0.4 s


def wait_for(fact: Callable[[], Any], what: str) -> Any:
    """Wait until `fact` is true and return it; the limit only ends a hopeless wait."""
    for _ in range(1500):
        found = fact()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail(f"{what}: not within 30 s")


def spawn(module: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a process and wait for its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline(), f"{module} ended before it was ready"
    return process


class Plc:
    """The PLC process all tests share; like a real one it goes on from engine to engine."""

    def __init__(self, place: Path) -> None:
        self.log_path = place / "plc.jsonl"
        self.log_path.touch()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        arguments = (str(self.port), str(SPEED), str(self.log_path))
        self.process = spawn("tests.service.tiny_plc", *arguments)

    def log(self) -> list[dict[str, Any]]:
        """Return every write that ever arrived, as the PLC logged it."""
        return [json.loads(line) for line in self.log_path.read_text("ascii").splitlines()]


class Bench:
    """The PLC, and engines one after another in one state directory."""

    def __init__(self, place: Path, plc: Plc) -> None:
        self.plc = plc
        self.state_dir = place / "state"
        self.port = plc.port
        self.sealed_path = write_sealed(self.sealed(), place / "sealed.json")
        self._seen = len(plc.log())
        self.engine: subprocess.Popen[str] | None = None

    def sealed(self) -> dict[str, Any]:
        sealed = small_sealed()
        sealed["sources"]["coater"] = {
            "protocol": "opcua",
            "endpoint": f"opc.tcp://127.0.0.1:{self.port}/",
            "timeout": 1.0,
            "insecure": True,
        }
        for name, tag in sealed["tags"].items():
            tag["node"] = f"nsu={URI};s={name.removeprefix('coater.')}"
            if tag["type"] == "float":
                tag["type"] = "double"
        return sealed

    def start_engine(self) -> subprocess.Popen[str]:
        """Start an engine and wait until it is ready; it is not connected yet."""
        self.engine = spawn(
            "tests.service.engine_with_fake_worker",
            str(self.state_dir), str(self.sealed_path), str(SPEED),
        )  # fmt: skip
        return self.engine

    def status(self) -> dict[str, Any]:
        return ask(self.state_dir, {"do": "status"})

    def loop(self) -> dict[str, Any]:
        found: dict[str, Any] = self.status()["loops"][LOOP]
        return found

    def request(self, mode: str) -> dict[str, Any]:
        return ask(self.state_dir, {"do": "mode", "loop": LOOP, "mode": mode, "who": "Kim"})

    def wait_for_mode(self, mode: str) -> None:
        wait_for(lambda: self.loop()["mode"] == mode, f"mode {mode}")

    def wait_for_beats(self, count: int) -> None:
        beats = self.loop()["beats"] + count
        wait_for(lambda: self.loop()["beats"] >= beats, f"{count} beats")

    def last_cycle(self) -> dict[str, Any]:
        reader = RecordReader(self.state_dir / "records.sqlite")
        body = reader.last_cycles(LOOP, 1)[0].body
        reader.close()
        return body

    def writes(self) -> list[dict[str, Any]]:
        """Return what arrived at the PLC since this bench was set up."""
        return self.plc.log()[self._seen :]

    def end(self) -> None:
        if self.engine is not None:
            self.engine.kill()
            self.engine.communicate()
            self.engine = None
