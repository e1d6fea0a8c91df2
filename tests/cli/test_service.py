"""`./rheostat service`: what it writes, what it refuses, and what it says."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli import service_units
from cli.app import answer
from cli.doctor_service import ports, supervision
from cli.refusal import FINDINGS, OK, UNABLE, RefusalError
from cli.service_units import all_off
from records.store import RecordStore
from service.commands import socket_path
from service.outward.settings import Settings, write_settings


def written(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_what_install_writes_uninstall_takes_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["service", "install", "--root", str(tmp_path), "--page-port", "8999"]) == OK
    assert "systemctl enable --now rheostat@line-1.target" in capsys.readouterr().err
    page = tmp_path / "etc/systemd/system/rheostat-page@line-1.service.d/10-line.conf"
    assert "--port 8999" in page.read_text("utf-8")
    assert "etc/systemd/system/rheostat-engine@.service" in written(tmp_path)
    assert answer(["service", "uninstall", "--root", str(tmp_path)]) == OK
    assert written(tmp_path) == set()


def test_a_second_line_keeps_what_lines_share(tmp_path: Path) -> None:
    assert answer(["service", "install", "--root", str(tmp_path)]) == OK
    other = tmp_path / "etc/tmpfiles.d/rheostat-line-2.conf"
    other.write_text("", "utf-8")
    assert answer(["service", "uninstall", "--root", str(tmp_path)]) == OK
    assert "etc/systemd/system/rheostat-engine@.service" in written(tmp_path)


def test_only_root_writes_into_this_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert answer(["service", "install"]) == UNABLE
    assert "written by root only" in capsys.readouterr().err


@contextmanager
def door(state: Path, mode: str) -> Iterator[None]:
    """Answer one question at the engine's door: the status of a loop in `mode`."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(socket_path(state)))
        listener.listen()

        def serve() -> None:
            caller, _ = listener.accept()
            with caller:
                caller.recv(4096)
                loop = {"mode": mode, "requested": mode}
                caller.sendall(json.dumps({"ok": True, "loops": {"coating": loop}}).encode())
                caller.sendall(b"\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(30)


@pytest.mark.requirement("SEC-13")
@pytest.mark.parametrize("mode", ["SHADOW", "AUTO", "HOLD", "TRIPPED"])
def test_no_update_under_a_loop_that_is_not_off(tmp_path: Path, mode: str) -> None:
    with door(tmp_path, mode), pytest.raises(RefusalError, match="not every loop is OFF: coating"):
        all_off(tmp_path)


@pytest.mark.requirement("SEC-13")
def test_an_update_goes_on_when_every_loop_is_off_or_no_engine_runs(tmp_path: Path) -> None:
    all_off(tmp_path)
    (tmp_path / "engine.pid").write_text(f"{os.getpid()}\n", "ascii")
    all_off(tmp_path)  # another process has that number now
    with door(tmp_path, "OFF"):
        all_off(tmp_path)


def test_status_tells_how_each_process_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["service", "status", "--line", "nobody", "--state", str(tmp_path)]
    assert answer(ask) == FINDINGS
    assert "nothing supervises nobody" in capsys.readouterr().err
    one = {"state": "running", "pid": 7, "starts": 2, "says": "every part is alive",
           "last_end": "watchdog"}  # fmt: skip
    body = {"pid": os.getpid(), "processes": {"engine": one}}
    place = tmp_path / "supervision.json"
    place.write_text(json.dumps(body), "utf-8")
    assert answer(ask) == OK
    assert "every part is alive; before: watchdog" in capsys.readouterr().out
    body["processes"] = {"engine": one | {"state": "down"}}
    place.write_text(json.dumps(body), "utf-8")
    assert answer([*ask, "--json"]) == FINDINGS
    said = capsys.readouterr()
    assert json.loads(said.out) == body
    assert "engine stays down" in said.err


FAKE_SYSTEMCTL = """#!/bin/sh
echo "$@" >>"$ASKED"
[ "$1" = show ] && echo "network-online.target rheostat-engine@line-9.service"
exit 0
"""


def test_under_systemd_the_units_that_the_line_wants_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(FAKE_SYSTEMCTL, "ascii")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    every = [f"rheostat-{name}@line-9.service" for name in ("engine", "outward")]
    monkeypatch.setattr(service_units, "_units_of", lambda line: every)
    assert answer(["service", "status", "--line", "line-9", "--state", str(tmp_path)]) == OK
    last = (tmp_path / "asked").read_text("ascii").splitlines()[-1]
    assert last == "--no-pager status rheostat-engine@line-9.service"


def test_the_doctor_says_who_supervises_and_what_stays_down(tmp_path: Path) -> None:
    line = {"line": {"id": "no-such-line"}}
    nobody = supervision(tmp_path, line)
    assert (nobody.health, "service run" in nobody.next) == ("warning", True)
    place = tmp_path / "supervision.json"
    for state, health in (("running", "well"), ("down", "ill")):
        body = {"pid": os.getpid(), "processes": {"engine": {"state": state}}}
        place.write_text(json.dumps(body), "utf-8")
        found = supervision(tmp_path, line)
        assert (found.health, "engine" in found.what) == (health, True)
    place.write_text(json.dumps(body | {"pid": 2**22 + 1}), "utf-8")  # a supervisor that has died
    assert supervision(tmp_path, line).health == "warning"
    for spoiled in ("{", "[]", "{}", '{"pid": "x"}'):
        place.write_text(spoiled, "utf-8")
        assert supervision(tmp_path, line).health == "warning"


def test_the_doctor_knocks_at_the_ports_of_the_outward_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write_settings(tmp_path, Settings(f"opc.tcp://127.0.0.1:{port}/x"))
        _, found, certificate = ports(tmp_path)
        assert (found.subject, found.health) == ("outward port", "warning")
        assert certificate.health == "warning"  # there is none yet
    assert ports(tmp_path)[1].health == "well"
    (tmp_path / "outward" / "outward.json").write_text("{", "utf-8")
    assert ports(tmp_path)[1].health == "ill"


@pytest.mark.requirement("SEC-17")
def test_a_backup_is_made_tried_and_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, archive = tmp_path / "state", tmp_path / "b.tar.gz"
    state.mkdir()
    store = RecordStore(state / "records.sqlite")
    row = store.append("event", "", "2026-01-01T00:00:00.000Z", {"event": "x"})
    store.close()
    assert answer(["service", "backup", "--state", str(state), "--out", str(archive)]) == OK
    assert answer(["service", "restore", str(archive)]) == UNABLE
    assert answer(["service", "restore", str(archive), "--drill"]) == OK
    out = capsys.readouterr().out
    assert out.count(row.hash) == 2
    there = ["service", "restore", str(archive), "--state", str(tmp_path / "new")]
    assert answer(there) == OK
    assert answer(there) == FINDINGS
    assert "is not empty" in capsys.readouterr().err
