"""A worker has no way to a PLC: the kernel gives it local sockets and nothing else."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.solver_process import SolverProcess

_TRY = """
import errno, json, os, socket, subprocess, sys
def tried(family, kind=socket.SOCK_STREAM):
    try:
        socket.socket(family, kind).close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "made"
def connected(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "connected"
port = int(sys.argv[1])
said = {
    "plc": connected(port),
    "udp": tried(socket.AF_INET, socket.SOCK_DGRAM),
    "six": tried(socket.AF_INET6),
    "local": tried(socket.AF_UNIX),
}
if len(sys.argv) == 2:
    words = [sys.executable, __file__, str(port), "again"]
    said["child"] = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
print(json.dumps(said))
"""

pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "aarch64"), reason="no filter for this processor"
)


@pytest.mark.requirement("SVC-03")
def test_neither_a_worker_nor_its_child_can_connect_to_a_plc(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("m")
    (folder / "tries.py").write_text(_TRY, "utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{':'.join(p for p in sys.path if p)}")
    nothing = {"plc": "EPERM", "udp": "EPERM", "six": "EPERM", "local": "made"}
    with socket.create_server(("127.0.0.1", 0)) as plc:
        port = str(plc.getsockname()[1])

        def say(*words: str) -> dict[str, object]:
            command = [sys.executable, *words, port]
            done = subprocess.run(command, capture_output=True, check=True, timeout=60)
            found: dict[str, object] = json.loads(done.stdout)
            return found

        assert say("-m", "tries")["plc"] == "connected"  # anybody else can
        assert say("-m", "service.no_network", "tries") == nothing | {"child": nothing}


@pytest.mark.requirement("SVC-03")
def test_the_workers_of_an_engine_are_started_without_a_network() -> None:
    command = SolverProcess("coating", {})._command
    assert command[-2:] == ["service.no_network", "controller.worker"]


@pytest.mark.parametrize(("before", "after"), [(0, 5), (5, 5), (7, 7)])
def test_a_worker_gives_way_to_its_engine(before: int, after: int, tmp_path: Path) -> None:
    if os.nice(0) > 0:
        pytest.skip(f"this process runs at nice {os.nice(0)} itself, and 0 is out of its reach")
    (tmp_path / "tells.py").write_text("import os; print(os.nice(0))", "utf-8")
    places = {"PYTHONPATH": f"{tmp_path}:{':'.join(place for place in sys.path if place)}"}
    command = ["nice", "-n", str(before - os.nice(0)), sys.executable]
    command += ["-m", "service.no_network", "tells"]
    done = subprocess.run(command, env=os.environ | places, capture_output=True, check=True)
    assert int(done.stdout) == after
