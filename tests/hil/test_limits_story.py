"""A limit is changed while the line runs: real engine, real wire, from the command line.

Proposed, looked at, signed twice and activated past the setpoint in use: no step in any record or
in the PLC's own log; and a file edited afterwards changes nothing, before and after a restart.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from hil.bench import Bench
from hil.judge import judge_logs
from records.chain import verify
from records.reader import RecordReader
from service.config_load import load_line

CONFIG = Path(__file__).parents[2] / "config"
SPEED = 10.0  # patience of the solvers' deadline on a busy machine
RATIO = "coater.pump_ratio_sp"
PASSPHRASE = "correct horse battery"


def until(fact: Callable[[], Any], what: str) -> Any:
    for _ in range(900):
        found = fact()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"it did not happen within 90 s: {what}")


class Story:
    """A line with a configuration of its own, two people with keys, and the command line."""

    def __init__(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.place, self.state, self.config = place, place / "s", place / "config"
        self._capsys = capsys
        (place / "pass").write_text(PASSPHRASE + "\n", "utf-8")
        shutil.copytree(CONFIG, self.config)
        self._on_free_ports()
        people = [
            self.tell("keys", "new", name, "--name", printed, "--role", role,
                      "--file", str(place / f"{name}.key"), "--passphrase-file",
                      str(place / "pass"), state=False)
            for name, printed, role in (("kim", "Kim Yuna", "engineer"),
                                        ("lee", "Lee Minho", "qa-approver"))
        ]  # fmt: skip
        register = f"schema: 1\nauto: named\npeople:\n{''.join(people)}"
        (self.config / "people.yaml").write_text(register, "utf-8")

    def _on_free_ports(self) -> None:
        """Move both PLCs to free ports; the mixer is left to the quick PI."""
        line = self.config / "line.yaml"
        text = line.read_text("utf-8")
        with (
            socket.create_server(("127.0.0.1", 0)) as one,
            socket.create_server(("127.0.0.1", 0)) as two,
        ):
            ports = [holder.getsockname()[1] for holder in (one, two)]
        text = text.replace(":4840/", f":{ports[0]}/").replace("port: 5020", f"port: {ports[1]}")
        text = text.replace("timeout: 1.5 s", "timeout: 0.5 s")
        head, mixing = text.split("  mixing:\n")
        line.write_text(f"{head}  mixing:\n{mixing.replace('kind: mpc', 'kind: pi')}", "utf-8")

    def tell(self, *words: str, code: int = 0, state: bool = True) -> str:
        """Say `./rheostat limits WORDS` and return what it printed."""
        self._capsys.readouterr()
        place = ["--state", str(self.state)] if state else []
        got = answer(["limits", *words, *place])
        said = self._capsys.readouterr()
        assert got == code, said.out + said.err
        return said.out

    def edit(self, old: str, new: str) -> None:
        path = self.config / "limits.yaml"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    def propose(self, code: int = 0) -> str:
        said = self.tell("propose", str(self.config / "line.yaml"), "--author", "kim",
                         "--reason", "die lip cleaned", code=code)  # fmt: skip
        found = re.search(r"proposal (\w{12})", said)
        return found[1] if found else said

    def sign(self, proposal: str, who: str, code: int = 0) -> str:
        key = str(self.place / f"{who}.key")
        return self.tell("sign", proposal, "--key", key, "--passphrase-file",
                         str(self.place / "pass"), code=code)  # fmt: skip

    def records(self) -> RecordReader:
        return RecordReader(self.state / "records.sqlite")


@pytest.fixture
def story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Story:
    return Story(tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.requirement("REC-07")
@pytest.mark.requirement("GMP-11")
@pytest.mark.requirement("IL-20")
@pytest.mark.requirement("P11")
def test_a_limit_is_changed_while_the_line_runs(story: Story) -> None:
    loaded = load_line(story.config / "line.yaml")
    sealed = loaded.sealed
    with Bench(sealed, story.state, speed=SPEED, seed=4, watch=loaded.files) as bench:
        bench.start_line()
        bench.start_engine()

        def loop() -> dict[str, Any]:
            found: dict[str, Any] = bench.ask_engine(do="status")["loops"]["coating"]
            return found

        def in_use() -> float:
            last = story.records().last_cycles("coating", 1)[0].body
            value: float = last["applied"].get(RATIO, math.inf)  # a read may have timed out
            return value

        until(lambda: bench.ask_engine(do="status")["workers"]["coating"], "a worker stands")
        bench.ask_engine(do="mode", loop="coating", mode="AUTO", who="tester")
        until(lambda: loop()["mode"] == "AUTO", "coating in AUTO")
        until(lambda: loop()["beats"] > 8, "some cycles")

        high = round(in_use() - 0.2, 3)
        story.edit("[2.2 rev/m, 3.1 rev/m]", f"[2.2 rev/m, {high} rev/m]")
        proposal = story.propose()
        assert f"2.2 to 3.1 rev/m  ->  2.2 to {high} rev/m" in story.tell("diff", proposal)
        assert "setpoint in use outside the range" in story.tell("impact", proposal)
        assert "RH-2010" in story.tell("activate", proposal, code=1), "nobody has signed it"
        story.sign(proposal, "kim")
        assert "RH-2011" in story.sign(proposal, "kim", code=1), "nobody approves their own change"
        assert "RH-2010" in story.tell("activate", proposal, code=1), "one signature"
        assert "Lee Minho (qa-approver)" in story.sign(proposal, "lee")
        before = story.records().last_seq()
        proof = json.loads(story.tell("activate", proposal, "--json"))["proof"]
        gate, optimiser = (proof["coating"][who][RATIO] for who in ("gate", "optimiser"))
        assert gate == pytest.approx([2.2, high], abs=2e-4)
        assert optimiser == pytest.approx([2.2, high], abs=1e-6)
        until(lambda: in_use() <= high + 5e-4, "the setpoint in use comes back into the range")

        rate = sealed["limits"]["setpoints"][RATIO]["rate"]
        reader = story.records()
        cycles = [c.body for c in reader.last_cycles("coating", 400) if c.seq > before]
        changed = [body for body in cycles if body["hashes"]["seal"].startswith(proposal)]
        assert {body["mode"] for body in cycles} <= {"AUTO", "HOLD"}, "it never left closed loop"
        assert changed[0]["applied"][RATIO] > high, "it was outside, so it had a way to go"
        used = [body["applied"][RATIO] for body in cycles if RATIO in body["applied"]]
        largest = max(abs(now - was) for was, now in itertools.pairwise(used))
        assert 0.0 < largest <= rate * 8.0 + 5e-4
        assert len({body["hashes"]["config"] for body in cycles}) == 2
        new = [body["hashes"]["seal"].startswith(proposal) for body in cycles]
        assert new == sorted(new), "from one cycle on, and for good"
        assert changed[-1]["plan"]["echo"][RATIO][1] == pytest.approx(high, abs=1e-6)
        row = reader.seals()[-1].body
        assert [one["name"] for one in row["signatures"]] == ["Kim Yuna", "Lee Minho"]

        story.edit(f"{high} rev/m]", "3.0 rev/m]")  # nobody signs this one
        notices = until(lambda: bench.ask_engine(do="status")["seal"]["notices"], "a notice")
        assert "limits.yaml was edited" in notices[0]
        assert "version 2 stays in force" in notices[0]
        events = [entry.body["event"] for entry in story.records().last_of_kind("event", 20)]
        assert "file-edited" in events

        bench.kill("engine")
        sealed_path = story.state / "sealed.json"
        sealed_path.write_text(json.dumps(load_line(story.config / "line.yaml").sealed), "ascii")
        bench.start_engine()
        status = bench.ask_engine(do="status")
        assert status["seal"]["version"] == 2, "an edited file is not what runs"
        assert "the files differ from version 2" in status["seal"]["notices"][0]
        assert {one["mode"] for one in status["loops"].values()} == {"OFF"}
    assert [row["version"] for row in json.loads(story.tell("history", "--json"))] == [1, 2]
    assert verify(story.state / "records.sqlite").ok
    verdict = judge_logs([story.state / "plc-coater.jsonl"])
    assert verdict.clean, verdict.escapes
