from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.app import answer
from cli.refusal import RefusalError
from cli.setting import plant_settings
from plant_models.line_plant import all_parameters
from tests.cli.ask import ROOT, in_a_process


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["demmo"], "Did you mean `demo`"),
        (["simulat"], "Did you mean `simulate`"),
        (["--hepl"], "Did you mean `--help`"),
        (["demo", "--sed", "3"], "--seed"),
        (["demo", "--seed", "seven"], "seven"),
        (["demo", "--duration", "5 weeks"], "--duration"),
        (["simulate", "--controller", "mcp"], 'Did you mean "mpc"'),
        (["simulate", "--scenario", "nomnal"], "nominal"),
        (["simulate", "--seeds", "0"], "count from 1"),
        (["simulate", "--set", "coater.pump.slp=1"], "Did you mean `coater.pump.slip`"),
        (["plc", "mixr"], 'Did you mean "mixer"'),
        (["plc", "coater"], "--field"),
        (["mode", "coating", "ATUO"], "Did you mean `AUTO`"),
        (["mode", "coating"], "no mode is named"),
    ],
)
def test_what_was_not_understood_is_answered_with_a_suggestion(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(words) == 2
    said = capsys.readouterr()
    assert hint in said.err
    assert "why:" in said.err
    assert "next:" in said.err
    assert "Traceback" not in said.err


def test_check_says_yes(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["check"]) == 0
    assert "in order" in capsys.readouterr().out


def test_check_says_no_with_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "line.yaml").write_text("schema: 1\nlne: {}\n", "utf-8")
    assert answer(["check", str(tmp_path / "line.yaml")]) == 1
    assert "line.yaml:2:1: RH-1010 lne: unknown key `lne`. Did you mean `line`?" in (
        capsys.readouterr().out
    )


def test_check_says_no_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["check", str(tmp_path / "none.yaml"), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert said["problems"][0]["code"] == "RH-1001"
    assert said["problems"][0]["next"]


@pytest.mark.requirement("GMP-12")
@pytest.mark.parametrize("verb", ["run", "plc", "simulate"])
def test_nothing_is_started_from_a_bad_configuration(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "line.yaml"
    bad.write_text("schema: 1\n", "utf-8")
    state = tmp_path / "state"
    words = [verb, str(bad)] if verb == "run" else [verb, "--config", str(bad)]
    words += [] if verb == "simulate" else ["--state", str(state)]
    assert answer(words) == 1
    said = capsys.readouterr()
    assert "RH-1011" in said.out
    assert "nothing" in said.err
    assert not state.exists()


def test_mode_without_an_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["mode", "all", "OFF", "--state", str(tmp_path)]) == 3
    assert "no engine answers" in capsys.readouterr().err


def test_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["simulate", "--list", "--json"]) == 0
    assert "nominal" in [row["name"] for row in json.loads(capsys.readouterr().out)]


def test_settings_take_units() -> None:
    assert plant_settings(["coater.pump.slip=1e-12"]) == {"coater.pump.slip": 1e-12}
    assert plant_settings(["coater.pump.slip_curvature = 8 bar"]) == {
        "coater.pump.slip_curvature": 8e5
    }
    assert plant_settings([]) == {}


@pytest.mark.parametrize(
    "setting", ["coater.pump.slip", "coater.pump.slip=", "coater.pump.slip=1 s", "=3",
                "coater.pump.slip=nan", "coater.pump.slip_curvature=1 foo"],
)  # fmt: skip
def test_a_setting_that_is_none_is_refused(setting: str) -> None:
    with pytest.raises(RefusalError) as caught:
        plant_settings([setting])
    assert setting in caught.value.what


def test_every_plant_parameter_can_be_set_in_its_own_unit() -> None:
    settings = [f"{row.path}={row.value!r}" for row in all_parameters()]
    assert plant_settings(settings) == {row.path: row.value for row in all_parameters()}


def test_version_is_the_projects() -> None:
    said = in_a_process("--version")
    assert (said.code, said.out.strip()) == (0, "0.1.0")


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    command = f"{sys.executable} -m cli check --json | head -c 1"
    done = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("{", "")


@pytest.mark.slow
def test_plc_all_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    from hil.bench import on_free_ports
    from service.config_load import load_line

    sealed = tmp_path / "sealed.json"
    moved = on_free_ports(load_line(ROOT / "config" / "line.yaml").sealed)
    sealed.write_text(json.dumps(moved), "utf-8")
    child = subprocess.Popen(
        [sys.executable, "-m", "cli", "plc", "all", "--sealed", str(sealed),
         "--state", str(tmp_path / "s")],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stderr is not None
    with child, child.stderr as words:
        said = ""
        while "Ctrl-C ends" not in said:
            line = words.readline()
            assert line, said
            said += line
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 0
    assert moved["sources"]["coater"]["endpoint"] in said
