"""`run` seals the real configuration and becomes an engine that holds no numerical library."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from records.canonical import sha256_of
from records.chain import verify
from records.reader import RecordReader
from service.commands import ask
from service.config_load import load_line
from service.config_problem import ConfigError
from service.run import default_state_dir, run
from service.sealed_file import read_sealed, write_sealed

LINE = Path(__file__).parents[2] / "config" / "line.yaml"


@pytest.mark.slow
@pytest.mark.requirement("P7")
def test_the_real_line_becomes_an_engine_without_numerical_libraries(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    engine = subprocess.Popen(
        [sys.executable, "-m", "service.run", str(LINE), str(state_dir)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with engine:
        try:
            assert engine.stdout is not None
            assert json.loads(engine.stdout.readline()) == {"ready": "engine", "pid": engine.pid}
            status = ask(state_dir, {"do": "status"})
            assert status["forbidden_modules"] == []
            assert status["forbidden_maps"] == []
            assert {loop["mode"] for loop in status["loops"].values()} == {"OFF"}
            assert status["hashes"]["config"] == load_line(LINE).sha256
            assert read_sealed(state_dir / "sealed.json") == load_line(LINE).sealed
            engine.send_signal(signal.SIGTERM)
            assert engine.wait(30) == 0
        finally:
            engine.kill()
    records = state_dir / "records.sqlite"
    assert verify(records).ok
    start = RecordReader(records).since(0)[0]
    assert sha256_of(start.body["sealed"]) == start.body["hashes"]["config"]


def test_a_bad_configuration_starts_and_writes_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "line.yaml"
    broken.write_text("schema: 1\nline: {id: x}\nwhatever: 3\n", "ascii")
    with pytest.raises(ConfigError):
        run(broken, tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_each_line_has_its_own_state_directory() -> None:
    line = load_line(LINE)
    assert default_state_dir(line).parts[-2:] == ("var", line.sealed["line"]["id"])


@pytest.mark.parametrize("text", ["[]", "{}", '{"schema": 2}', '{"schema": 1, "x": NaN}', "{"])
def test_a_file_that_is_no_sealed_configuration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sealed.json"
    path.write_text(text, "ascii")
    with pytest.raises(ValueError, match=r"sealed configuration|Expecting"):
        read_sealed(path)


def test_a_sealed_file_is_its_own_canonical_text(tmp_path: Path) -> None:
    sealed = {"schema": 1, "b": 1.0, "a": "µ"}
    path = write_sealed(sealed, tmp_path / "new" / "sealed.json")
    assert path.read_text("ascii") == '{"a":"\\u00b5","b":1.0,"schema":1}'
    assert read_sealed(path) == sealed
    assert [file.name for file in path.parent.iterdir()] == ["sealed.json"]
