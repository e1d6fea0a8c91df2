"""The engine process against a PLC in another process, over a real socket."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from records.chain import verify
from records.reader import RecordReader
from service.commands import EngineUnreachableError, ask
from tests.service.engine_bench import Bench, Plc, wait_for
from tests.service.small_line import ACTIVE, LOOP, SP

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plc]:
    plc = Plc(tmp_path_factory.mktemp("plc"))
    yield plc
    plc.process.kill()
    plc.process.communicate()


@pytest.fixture
def bench(tmp_path: Path, plc: Plc) -> Iterator[Bench]:
    bench = Bench(tmp_path, plc)
    try:
        yield bench
    finally:
        bench.end()


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text("ascii")
    return False


@pytest.mark.requirement("SVC-02")
def test_off_at_start_then_auto_when_asked_then_released_at_the_end(bench: Bench) -> None:
    engine = bench.start_engine()
    wait_for(lambda: bench.status()["sources"]["coater"]["connected"], "connection")
    bench.wait_for_beats(4)
    assert bench.loop()["mode"] == "OFF"
    assert bench.writes() == [], "zero writes until somebody asks"

    in_use = bench.last_cycle()["applied"][SP]
    answer = bench.request("AUTO")
    assert answer["ok"], answer
    assert "Kim" in answer["text"]
    bench.wait_for_mode("AUTO")
    bench.wait_for_beats(3)
    low, high = bench.sealed()["limits"]["setpoints"][SP]["operating"]
    setpoints = [row["value"] for row in bench.writes() if row["tag"] == "gap_sp"]
    assert setpoints[0] == pytest.approx(in_use), "bumpless: the first is what the PLC used"
    assert all(low <= value <= high for value in setpoints)
    assert setpoints[-1] > setpoints[0], "the plan acts"

    status = bench.status()
    assert status["forbidden_modules"] == []
    assert status["forbidden_maps"] == []
    maps = Path(f"/proc/{status['pid']}/maps").read_text("utf-8")
    assert not any(f"/{name}" in maps for name in ("numpy", "casadi", "scipy", "do_mpc"))
    assert "apsw" in maps, "the check can see libraries at all"
    workers = status["workers"][LOOP]
    assert len(workers) == 2

    engine.send_signal(signal.SIGTERM)
    assert engine.wait(20) == 0
    last_request = [row["value"] for row in bench.writes() if row["tag"] == "remote_request"][-1]
    assert last_request is False, "the loop was given back, not just dropped"
    assert not any(alive(pid) for pid in workers)
    records = bench.state_dir / "records.sqlite"
    assert verify(records).ok
    reader = RecordReader(records)
    assert reader.since(0)[0].kind == "start"
    assert [entry.kind for entry in reader.since(reader.last_seq() - 2)] == ["stop", "root"]
    assert not (bench.state_dir / "engine.pid").exists()
    with pytest.raises(EngineUnreachableError, match="Next:"):
        bench.status()


@pytest.mark.requirement("REC-01")
@pytest.mark.requirement("REC-03")
def test_every_write_had_its_intent_and_every_request_its_record(bench: Bench) -> None:
    bench.start_engine()
    bench.request("SHADOW")
    bench.wait_for_mode("SHADOW")
    bench.request("AUTO")
    bench.wait_for_mode("AUTO")
    bench.wait_for_beats(3)
    reader = RecordReader(bench.state_dir / "records.sqlite")
    requests = [(entry.body["old"], entry.body["new"], entry.body["who"])
                for entry in reader.last_of_kind("request", 9)]  # fmt: skip
    assert requests == [("OFF", "SHADOW", "Kim"), ("SHADOW", "AUTO", "Kim")]
    sent = [row["value"] for row in bench.writes() if row["tag"] == "engine_sequence"]
    intended = [entry.body["sequence"] for entry in reader.last_of_kind("intent", 999)]
    assert sent
    assert set(sent) <= set(intended)
    cycle = reader.last_cycles(LOOP, 1)[0].body
    assert set(cycle["hashes"]) == {"software", "model", "config", "seal"}
    assert cycle["inputs"][ACTIVE][1] == 2
    assert cycle["who"] == "Kim"
    assert cycle["plan"]["status"] == "solved"


@pytest.mark.requirement("SVC-02")
def test_a_killed_engine_leaves_the_loop_to_the_plc_and_comes_back_off(bench: Bench) -> None:
    engine = bench.start_engine()
    bench.request("AUTO")
    bench.wait_for_mode("AUTO")
    workers = bench.status()["workers"][LOOP]
    os.kill(engine.pid, signal.SIGKILL)
    engine.communicate()
    wait_for(lambda: not any(alive(pid) for pid in workers), "the workers' end")
    written = len(bench.writes())
    records = bench.state_dir / "records.sqlite"
    report = verify(records)
    assert report.ok, report.text

    bench.start_engine()
    bench.wait_for_beats(5)
    loop = bench.loop()
    assert loop["mode"] == loop["requested"] == "OFF"
    assert len(bench.writes()) == written, "no write without a new request"
    wait_for(lambda: verify(records).rows > report.rows, "new records after the old ones")
    assert verify(records).ok
    numbers = [entry.body["sequence"] for entry in RecordReader(records).last_cycles(LOOP, 999)]
    assert numbers == sorted(set(numbers)), "the sequence goes on where it stopped"

    bench.request("AUTO")
    bench.wait_for_mode("AUTO")


@pytest.mark.requirement("REC-03")
def test_a_full_disk_sheds_and_no_unrecorded_write_leaves(bench: Bench) -> None:
    """The engine's file size limit plays the full disk; the PLC takes the loop back by itself."""
    engine = bench.start_engine()
    bench.request("AUTO")
    bench.wait_for_mode("AUTO")
    limits = resource.prlimit(engine.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
    bench.wait_for_mode("SHED")
    written = len(bench.writes())
    bench.wait_for_beats(3)
    assert bench.request("AUTO")["ok"] is False, "what cannot be recorded is not done"
    assert "cannot be written" in bench.loop()["limiting"]
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, limits)
    bench.wait_for_beats(3)
    assert bench.loop()["mode"] == "SHED", "only a person closes the loop again"
    assert len(bench.writes()) == written
    assert bench.request("AUTO")["ok"]
    bench.wait_for_mode("AUTO")
    records = bench.state_dir / "records.sqlite"
    assert verify(records).ok
    sent = [row["value"] for row in bench.writes() if row["tag"] == "engine_sequence"]
    intended = [e.body["sequence"] for e in RecordReader(records).last_of_kind("intent", 9999)]
    assert set(sent) <= set(intended)


def test_a_killed_worker_costs_no_mode(bench: Bench) -> None:
    bench.start_engine()
    bench.request("AUTO")
    bench.wait_for_mode("AUTO")
    wait_for(lambda: len(bench.status()["workers"][LOOP]) == 2, "the spare")
    victim = bench.status()["workers"][LOOP][0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: bench.loop()["solver"]["dead"] == 1, "the loss noticed")
    wait_for(lambda: len(bench.status()["workers"][LOOP]) == 2, "a new spare")
    bench.wait_for_beats(2)
    assert bench.loop()["mode"] == "AUTO"
    assert victim not in bench.status()["workers"][LOOP]


def test_a_second_engine_is_refused_and_the_first_one_undisturbed(bench: Bench) -> None:
    first = bench.start_engine()
    second = subprocess.run(
        [sys.executable, "-m", "service.engine", "--state", str(bench.state_dir),
         "--sealed", str(bench.sealed_path)],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert second.returncode == 1
    assert f"process {first.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    assert bench.status()["pid"] == first.pid
    assert (bench.state_dir / "engine.pid").read_text("ascii").strip() == str(first.pid)


@pytest.mark.requirement("REC-03")
def test_damaged_records_refuse_the_start_in_words(bench: Bench) -> None:
    bench.state_dir.mkdir()
    (bench.state_dir / "records.sqlite").write_bytes(b"once upon a time " * 400)
    refused = subprocess.run(
        [sys.executable, "-m", "service.engine", "--state", str(bench.state_dir),
         "--sealed", str(bench.sealed_path)],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "damaged" in refused.stderr
    assert "Next:" in refused.stderr
    assert bench.writes() == []


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"do": "mode", "loop": "laundry", "mode": "AUTO", "who": "Kim"}, "known: coating, all"),
        ({"do": "mode", "loop": LOOP, "mode": "FAST", "who": "Kim"}, "OFF, SHADOW, AUTO"),
        ({"do": "mode", "loop": LOOP, "mode": "AUTO"}, "needs the name"),
        ({"do": "mode", "loop": LOOP, "mode": "AUTO", "who": " "}, "needs the name"),
        ({"do": "mode", "loop": LOOP, "mode": "AUTO", "who": "K\nim"}, "one line"),
        ({"do": "mode", "loop": LOOP, "mode": "AUTO", "who": "Kim", "reset": 1}, "'reset'"),
        ({"do": "mode", "loop": LOOP, "mode": "AUTO", "who": "Kim", "now": 1}, "unknown word"),
        ({"do": "dance"}, "known: mode, status"),
    ],
)
def test_a_request_that_makes_no_sense_changes_nothing(
    shared_engine: Bench, message: dict[str, Any], words: str
) -> None:
    answer = ask(shared_engine.state_dir, message)
    assert answer["ok"] is False
    assert words in answer["text"]
    assert shared_engine.loop()["requested"] == "OFF"


@pytest.mark.requirement("SEC-15")
@pytest.mark.parametrize("noise", [b"not json\n", b"[1, 2]\n", b"x" * 200_000 + b"\n", b"\xff\n"])
def test_noise_at_the_door_hurts_nobody(shared_engine: Bench, noise: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(10)
        door.connect(str(shared_engine.state_dir / "engine.sock"))
        with contextlib.suppress(OSError):  # it may hang up in the middle of an endless line
            door.sendall(noise)
            door.recv(1000)
    assert shared_engine.status()["ok"]


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory, plc: Plc) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("shared"), plc)
    try:
        bench.start_engine()
        yield bench
    finally:
        bench.end()


@pytest.mark.requirement("FS-03")
def test_a_plc_that_stops_raises_alarms_that_people_act_on_and_the_chain_keeps(
    bench: Bench,
) -> None:
    def standing() -> dict[str, Any]:
        told = ask(bench.state_dir, {"do": "alarms"})
        assert told["ok"]
        return {row["id"]: row for row in told["alarms"]}

    def act(what: str, alarm: str, **more: Any) -> dict[str, Any]:
        return ask(
            bench.state_dir, {"do": "alarm", "what": what, "alarm": alarm, "who": "Kim", **more}
        )

    bench.start_engine()
    wait_for(lambda: bench.request("AUTO")["ok"], "the request")
    bench.wait_for_mode("AUTO")
    bench.plc.process.send_signal(signal.SIGSTOP)
    try:
        shed = f"{LOOP}.shed"
        wait_for(lambda: standing().get(shed, {}).get("state") == "UNACK", "the alarm")
        assert act("acknowledge", shed)["ok"]
        assert standing()[shed]["state"] == "ACKED"
        assert "nothing to acknowledge" in act("acknowledge", shed)["text"]
        assert "a reason" in act("shelve", shed, minutes=5)["text"]
        assert act("shelve", shed, minutes=5, why="the PLC is being changed")["ok"]
        assert "is a number" in act("shelve", shed, minutes=True, why="x")["text"]
        assert standing()[shed]["state"] == "SHELVED"
    finally:
        bench.plc.process.send_signal(signal.SIGCONT)
    bench.end()
    reader = RecordReader(bench.state_dir / "records.sqlite")
    told = [row.body for row in reader.since(0, 100_000) if row.body.get("alarm") == shed]
    reader.close()
    assert [(body["to"], body.get("who")) for body in told][:3] == [
        ("UNACK", None), ("ACKED", "Kim"), ("SHELVED", "Kim")]  # fmt: skip
    bench.start_engine()  # time does not outlive an engine: it is in view again, and new
    assert standing()[shed]["state"] != "SHELVED"
