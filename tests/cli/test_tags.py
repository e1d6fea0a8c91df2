"""`./rheostat tags` against an OPC UA and a Modbus PLC whose table is right, and then is not."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from service.config_load import load_line
from tests.cli.ask import ROOT
from tests.fieldbus.bench import OPCUA_TYPES, Peer

pytestmark = pytest.mark.slow

FORMATS = {"float32": ">f", "uint16": ">H", "bool": ">H"}


class Line:
    """A copy of the configuration whose two PLCs are peers of ours."""

    def __init__(self, folder: Path, coater: Peer, mixer: Peer) -> None:
        shutil.copytree(ROOT / "config", folder, dirs_exist_ok=True)
        self.path = folder / "line.yaml"
        self.table = folder / "tags.yaml"
        text = self.path.read_text("utf-8")
        text = text.replace("127.0.0.1:4840/rheostat/coater", f"127.0.0.1:{coater.port}/plc")
        self.path.write_text(text.replace("port: 5020", f"port: {mixer.port}"), "utf-8")
        self.coater, self.mixer = coater, mixer

    def ask(self, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
        code = answer(["tags", *words, "--config", str(self.path)])
        said = capsys.readouterr()
        return code, said.out, said.err

    def change(self, old: str, new: str) -> None:
        text = self.table.read_text("utf-8")
        assert old in text
        self.table.write_text(text.replace(old, new, 1), "utf-8")


def middle(tag: dict[str, Any]) -> Any:
    """Return a wire value in the middle of a tag's range."""
    if tag["type"] == "bool":
        return True
    if tag["low"] is None:
        return 1
    return ((tag["low"] + tag["high"]) / 2 - tag["offset"]) / tag["gain"]


@pytest.fixture(scope="module")
def plcs() -> Iterator[tuple[Peer, Peer]]:
    tags = load_line(ROOT / "config" / "line.yaml").sealed["tags"]
    variables = {
        tag["node"].partition(";s=")[2]: [
            OPCUA_TYPES[tag["type"]], middle(tag), tag["direction"] == "write"
        ]
        for tag in tags.values() if "node" in tag
    }  # fmt: skip
    described = {"Coater.Web.Speed": ["m/min", 0.0, 25.0], "Coater.Die.Gap": ["mm", 0.0, 3.0]}
    uri = "urn:rheostat:plc:coater"
    with (
        Peer(kind="opcua", uri=uri, variables=variables, described=described) as coater,
        Peer(kind="modbus") as mixer,
    ):
        for tag in tags.values():
            if "register" in tag:
                raw = struct.pack(FORMATS[tag["type"]], middle(tag))
                words = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
                mixer.ask("set", register=tag["register"], words=words)
        yield coater, mixer


@pytest.fixture
def line(plcs: tuple[Peer, Peer], tmp_path: Path) -> Line:
    return Line(tmp_path / "config", *plcs)


def test_browse_shows_what_a_server_has(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = line.ask(capsys, "browse", "coater", "--like", "web.speed")
    assert code == 0
    assert "nsu=urn:rheostat:plc:coater;s=Coater.Web.Speed" in out
    assert "float32, read: 12.5 m/min  [0 .. 25]" in out
    assert "--rows prints rows" in err
    code, out, _ = line.ask(capsys, "browse", "coater", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["Coater.Web.Speed"]["unit"] == "m/min"
    assert rows["Coater.Remote.GapSetpoint"]["writable"] is True
    code, out, _ = line.ask(capsys, "browse", "coater", "--like", "web.speed", "--rows")
    assert "unit: m/min, range: [0 m/min, 25 m/min] }" in out


def test_a_table_that_fits_is_in_order_but_for_what_the_server_calls_otherwise(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = line.ask(capsys, "test", "mixer")
    assert (code, "WRONG" in out) == (0, False)
    assert "ok    mixer.temp                       40 degC" in out
    code, out, _ = line.ask(capsys, "test", "--json")
    assert code == 1
    wrong = {row["tag"]: row["faults"] for row in json.loads(out) if row["faults"]}
    assert wrong == {
        "coater.gap": [
            "the server says it is in mm, the table says um",
            "the server says 0 to 3, the table 150 to 1500",
        ]
    }


def test_a_table_that_does_not_fit_is_told_before_anything_runs(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    line.change("s=Coater.Feed.Batch", "s=Coater.Feed.BatchNumber")
    line.change('s=Coater.Web.Length", type: double', 's=Coater.Web.Length", type: float')
    line.coater.ask("set", name="Coater.Die.Pressure", value=20.0)
    line.coater.ask("lock", name="Coater.Remote.OvenTrimSetpoint")
    try:
        code, out, err = line.ask(capsys, "test", "coater")
    finally:
        line.coater.ask("unlock", name="Coater.Remote.OvenTrimSetpoint")
        line.coater.ask("set", name="Coater.Die.Pressure", value=8.0)
    assert code == 1
    for fault in (
        "the server has no such node",
        "the server has float64, the table says float32",
        "20 is outside the range 0 to 16",
        "the server does not let us write it",
    ):
        assert fault in out
    assert "nothing was written" in err
    assert not [entry for entry in line.coater.ask("log") if isinstance(entry, list)]


def test_map_finds_a_node_that_is_called_otherwise(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    line.change('s=Coater.Web.Speed"', 's=Line.Spd"')
    code, out, _ = line.ask(capsys, "map", "coater", "--json")
    assert code == 1
    best = json.loads(out)[0]
    assert best["tag"] == "coater.line_speed"
    assert best["address"] == "nsu=urn:rheostat:plc:coater;s=Coater.Web.Speed"
    assert "type float32; unit m/min" in best["why"]


def test_map_finds_a_register_counted_from_one_and_another_word_order(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    line.change("register: 10, type: float32", "register: 10, word_order: little, type: float32")
    code, out, _ = line.ask(capsys, "test", "mixer")
    assert code == 1
    assert "mixer.temp" in next(row for row in out.splitlines() if row.startswith("WRONG"))
    code, out, _ = line.ask(capsys, "map", "mixer", "--json")
    assert code == 1
    right = "holding 10, word_order: big, byte_order: big"
    found = {row["address"]: row["why"] for row in json.loads(out) if row["tag"] == "mixer.temp"}
    assert found[right] == "would read 40 degC, in its range"


def test_what_cannot_be_done_is_said(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = line.ask(capsys, "test", "coatr")
    assert (code, "Did you mean `coater`?" in err) == (2, True)
    code, _, err = line.ask(capsys, "browse", "mixer")
    assert (code, "no names to browse" in err) == (2, True)
    text = line.path.read_text("utf-8").replace(f":{line.coater.port}/", ":1/")
    line.path.write_text(text, "utf-8")
    code, _, err = line.ask(capsys, "test", "coater")
    assert (code, "is the PLC's server running at this address?" in err) == (3, True)
