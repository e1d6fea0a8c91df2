from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from cli import doctor_line, doctor_machine
from tests.cli.ask import in_a_process


@pytest.mark.slow
def test_doctor_answers_in_json() -> None:
    said = in_a_process("doctor", "--json")
    answer = json.loads(said.out)
    findings = {one["subject"]: one for one in answer["findings"]}
    assert {"Python", "packages", "clocks", "disk space", "durable writes", "SQLite", "solver",
            "configuration", "PLC coater", "PLC mixer"} <= set(findings)  # fmt: skip
    assert said.code == (0 if answer["ok"] else 1)
    for one in answer["findings"]:
        assert one["health"] == "well" or (one["why"] and one["next"])


def test_a_package_that_differs_from_the_lock_is_found(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text("pytest==0.1 \\\n    --hash=sha256:00\nno-such-package==1\n", "utf-8")
    finding = doctor_machine.packages(lock)
    assert finding.health == "ill"
    assert "instead of 0.1" in finding.what
    assert "no-such-package nothing" in finding.what


def test_a_solver_that_fails_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "_SOLVER", "raise SystemExit('no ipopt here')")
    finding = doctor_machine.solver()
    assert finding.health == "ill"
    assert "no ipopt here" in finding.what


def test_a_bad_configuration_is_found(tmp_path: Path) -> None:
    finding, sealed = doctor_line.configuration(tmp_path / "none.yaml")
    assert (finding.health, sealed) == ("ill", None)
    assert "./rheostat check" in finding.next


def test_a_place_that_cannot_be_written_is_found() -> None:
    assert doctor_machine.disk(Path("/proc/rheostat"))[-1].health == "ill"


def test_a_plc_that_answers_and_one_that_does_not() -> None:
    def at(port: int) -> dict[str, Any]:
        return {"sources": {"x": {"protocol": "modbus-tcp", "host": "127.0.0.1", "port": port}}}

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert doctor_line.sources(at(port))[0].health == "well"
    finding = doctor_line.sources(at(port))[0]
    assert finding.health == "warning"
    assert "nobody answers" in finding.what
