"""Cases against real endpoints: addresses from an inventory, nothing written unless confirmed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from cli.hil_bench import SENTENCE
from hil.bench import Bench, on_free_ports
from hil.bench_cases import confirmed
from hil.inventory import InventoryError, at_places, is_loopback, read_inventory
from hil.judge import judge_logs, judge_rows
from hil.virtual_line import default_sealed
from records.reader import Entry

SPEED = 10.0
FOREIGN = """schema: 1
sources:
  coater: { endpoint: "opc.tcp://192.0.2.10:4840/plc" }
  mixer: { host: 127.0.0.1, port: 5020 }
"""


@pytest.fixture(scope="module")
def plcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, Path]]:
    """Two virtual PLCs on loopback that know nothing of us, and the inventory that names them."""
    folder = tmp_path_factory.mktemp("plcs")
    sealed = on_free_ports(default_sealed())
    inventory = folder / "inventory.yaml"
    places = {
        name: {key: source[key] for key in ("endpoint", "host", "port") if key in source}
        for name, source in sealed["sources"].items()
    }
    inventory.write_text(json.dumps({"schema": 1, "sources": places}), "utf-8")
    with Bench(sealed, folder / "state", speed=SPEED) as bench:
        bench.start_line()
        yield bench, inventory


def words_at(bench: Bench) -> int:
    """Return how many words reached the PLCs."""
    logs = [bench.state / f"plc-{name}.jsonl" for name in ("coater", "mixer")]
    texts = [log.read_text("utf-8") for log in logs if log.exists()]
    return sum('"tag"' in row for text in texts for row in text.splitlines())


@pytest.mark.slow
@pytest.mark.requirement("HIL-01")
def test_a_dry_run_only_reads_and_without_the_sentence_nothing_starts(
    plcs: tuple[Bench, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench, inventory = plcs
    words = ["hil", "bench", "--inventory", str(inventory)]
    assert answer([*words, "--dry-run"]) == 0
    assert "nothing was written" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert answer(words) == 2
    assert answer([*words, "--confirm", "yes"]) == 2
    assert "typed in full" in capsys.readouterr().err
    assert words_at(bench) == 0


@pytest.mark.slow
@pytest.mark.requirement("HIL-01")
def test_the_cases_pass_on_plcs_that_are_only_an_address_to_us(
    plcs: tuple[Bench, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench, inventory = plcs
    words = ["hil", "bench", "--inventory", str(inventory), "--speed", str(SPEED), "--json"]
    code = answer([*words, "--confirm", SENTENCE, "--out", str(tmp_path / "run")])
    said = json.loads(capsys.readouterr().out)
    assert [(case["name"], case["why"]) for case in said["cases"]] == [
        (name, "")
        for name in ("boot-off", "shadow-silent", "on-and-off", "solver-killed", "engine-killed")
    ]
    assert said["judge"]["clean"]
    assert code == 0
    log = judge_logs([bench.state / "plc-coater.jsonl"])
    assert log.clean, "the PLC's own log says the same"
    assert any("heartbeat" in str(one["why"]) or one["silent_s"] > 0 for one in log.takeovers)


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "inventory.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(InventoryError) as error:
        at_places(default_sealed(), read_inventory(path))
    return str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema: 1", "schema: 2", "schema"),
        ("port: 5020", "port: 70000", "port"),
        ("host: 127.0.0.1, port: 5020", "endpoint: 'http://x'", "endpoint"),
        ("host: 127.0.0.1, port: 5020", "host: 127.0.0.1", "either an endpoint"),
        ("mixer:", "oven:", "is not in the inventory"),
        ("host: 127.0.0.1, port: 5020", "endpoint: 'opc.tcp://127.0.0.1'", "speaks modbus-tcp"),
        ("schema: 1", "schema: 1\nspeed: 3", "speed"),
        ("schema: 1", "schema: [", "cannot be read"),
        ("schema: 1", "schema: 1\nunlock: [{address: 192.0.2.10, reason: test}]", "reason"),
    ],
)
def test_an_inventory_that_is_not_understood_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert said in refused(tmp_path, FOREIGN.replace(old, new))


def test_an_unknown_source_is_refused(tmp_path: Path) -> None:
    more = FOREIGN + "  oven: { host: 127.0.0.1, port: 5021 }\n"
    assert "oven is no source of this line" in refused(tmp_path, more)


def test_only_addresses_change(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(FOREIGN, "utf-8")
    sealed = default_sealed()
    moved = at_places(sealed, read_inventory(path))
    assert moved["sources"]["coater"]["endpoint"] == "opc.tcp://192.0.2.10:4840/plc"
    moved["sources"]["coater"]["endpoint"] = sealed["sources"]["coater"]["endpoint"]
    assert moved == sealed


@pytest.mark.requirement("HIL-01")
def test_an_address_outside_loopback_needs_its_own_unlock_and_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(FOREIGN, "utf-8")
    words = ["hil", "bench", "--inventory", str(path), "--confirm", SENTENCE]
    assert answer(words) == 2
    assert "192.0.2.10, which is not this machine and is not unlocked" in capsys.readouterr().err
    assert answer([*words, "--dry-run"]) == 2, "nothing is even read there"
    reason = "FAT bench in cabinet 3, drives isolated"
    for address, locked in (("192.0.2.11", True), ("192.0.2.10", False)):
        text = f'{FOREIGN}unlock:\n  - {{ address: {address}, reason: "{reason}" }}\n'
        path.write_text(text, "utf-8")
        assert bool(read_inventory(path).locked()) is locked


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("", False),
     ("0.0.0.0", False), ("127.0.0.1.example", False), ("localhost.example", False)],
)  # fmt: skip
def test_loopback_is_an_address_and_no_name_that_looks_like_it(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def test_the_judge_finds_a_confirmed_setpoint_that_moved_too_fast() -> None:
    def cycle(now_s: float, value: float) -> Entry:
        body: dict[str, Any] = {
            "now_s": now_s,
            "applied": {"coater.pump_ratio_sp": 2.6},
            "written": {"landed": {"coater.pump_ratio_sp": value, "coater.gap_sp": None}},
        }
        return Entry(1, "cycle", "coating", "", "", body)

    hand = {"heartbeat_out": "coater.engine_heartbeat"}
    rows = confirmed([cycle(8.0, 2.61), cycle(16.0, 2.61)], hand)
    assert judge_rows(rows).clean
    assert judge_rows(rows).frames == 2
    assert not judge_rows(confirmed([cycle(8.0, 2.9)], hand)).clean
