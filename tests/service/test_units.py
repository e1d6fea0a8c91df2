"""The systemd units: understood by systemd, few rights, and each line's PLCs and nobody else."""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from service.config_load import load_line
from service.restarts import RestartRule
from service.units import (
    PROCESSES,
    Installed,
    UnitError,
    files,
    own_files,
    plc_addresses,
    shared_files,
)
from service.vitals import watchdog_s

LINE = Path(__file__).parents[2] / "config" / "line.yaml"
HIGHEST_EXPOSURE = "25"  # of 100: 2.5 as systemd shows it
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not here (Debian package systemd): units are not judged",
)


def sealed_line() -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(dict(load_line(LINE).sealed))
    return found


def installed(folder: Path, sealed: dict[str, Any] | None = None) -> Path:
    """Write the files of a line below `folder`; return where the units are."""
    for path, text in files(Installed(sealed or sealed_line(), LINE)).items():
        place = folder / path.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    return folder / "etc/systemd/system"


def analyse(units: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:", "SYSTEMD_PAGER": ""},
    )  # fmt: skip


@needs_systemd
@pytest.mark.requirement("SVC-01")
@pytest.mark.requirement("SEC-12")
@pytest.mark.parametrize("name", [*PROCESSES, "down-engine"])
def test_systemd_understands_each_unit_and_finds_few_rights(tmp_path: Path, name: str) -> None:
    units = installed(tmp_path)
    told = analyse(units, "verify", "--man=no", f"rheostat-{name}@line-1.service")
    assert (told.returncode, told.stderr) == (0, "")
    judged = analyse(
        units, "security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE}",
        f"rheostat-{name}@line-1.service",
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout
    exposure = re.search(r"Overall exposure level.*: ([\d.]+)", judged.stdout)
    assert exposure is not None
    assert float(exposure[1]) <= 2.5


@needs_systemd
@pytest.mark.parametrize(
    ("was", "becomes"), [("Type=notify", "Typ=notify"), ("NoNewPrivileges=yes", "")]
)
def test_a_spoiled_unit_is_found_out(tmp_path: Path, was: str, becomes: str) -> None:
    units = installed(tmp_path)
    path = units / "rheostat-engine@.service"
    text = path.read_text("utf-8").replace(was, becomes)
    path.write_text(re.sub(r"(?m)^(Protect|Private|Restrict|SystemCall).*\n", "", text), "utf-8")
    told = analyse(units, "verify", "--man=no", "rheostat-engine@line-1.service")
    judged = analyse(
        units, "security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE}",
        "rheostat-engine@line-1.service",
    )  # fmt: skip
    assert bool(told.stderr) == (becomes == "Typ=notify")
    assert judged.returncode != 0


@needs_systemd
def test_the_target_is_understood_with_all_it_wants(tmp_path: Path) -> None:
    told = analyse(installed(tmp_path), "verify", "--man=no", "rheostat@line-1.target")
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.requirement("SVC-01")
def test_the_engine_has_its_watchdog_and_its_plcs_addresses_only(tmp_path: Path) -> None:
    sealed = sealed_line()
    sealed["sources"]["coater"]["endpoint"] = "opc.tcp://192.0.2.7:4840/x"
    sealed["sources"]["mixer"]["host"] = "2001:db8::5"
    units = installed(tmp_path, sealed)
    text = (units / "rheostat-engine@line-1.service.d/10-line.conf").read_text("utf-8")
    assert f"WatchdogSec={watchdog_s(sealed):g}\n" in text
    assert re.findall("IPAddressAllow=(.*)", text) == ["192.0.2.7", "2001:db8::5"]
    assert f"service.run {LINE} /var/lib/rheostat/line-1" in text
    assert "IPAddressDeny=any" in (units / "rheostat-engine@.service").read_text("utf-8")


@pytest.mark.requirement("SVC-03")
def test_each_process_has_its_own_user_and_only_the_engine_a_way_to_a_plc(tmp_path: Path) -> None:
    units = installed(tmp_path)
    users = []
    for name in PROCESSES:
        text = (units / f"rheostat-{name}@.service").read_text("utf-8")
        users += re.findall(r"(?m)^User=(.*)$", text)
        assert "IPAddressDeny=any" in text
        allowed = set(re.findall(r"(?m)^IPAddressAllow=(.*)$", text))
        assert allowed <= {"localhost"}
        writable = re.findall(r"(?m)^ReadWritePaths=(.*)$", text)
        place = "/var/lib/rheostat/%i"
        own = {"engine": place, "page": f"{place}/page {place}/limits"}  # proposals, signatures
        assert writable == [own.get(name, f"{place}/{name}")]
        rule = RestartRule()  # what our own supervisor does with the same process
        assert f"StartLimitBurst={rule.starts}\n" in text
        assert f"OnFailure=rheostat-down-{name}@%i.service\n" in text
        assert (units / f"rheostat-down-{name}@.service").exists()
        assert f"StartLimitIntervalSec={rule.within_s:g}\n" in text
    assert len(set(users)) == len(PROCESSES)
    accounts = (tmp_path / "etc/sysusers.d/rheostat.conf").read_text("utf-8")
    assert all(f"u {user} " in accounts for user in users)


def test_a_serial_line_is_opened_for_the_engine_and_no_other_device(tmp_path: Path) -> None:
    sealed = sealed_line()
    sealed["sources"]["mixer"] = {"protocol": "modbus-rtu", "device": "/dev/ttyUSB0"}
    units = installed(tmp_path, sealed)
    text = (units / "rheostat-engine@line-1.service.d/10-line.conf").read_text("utf-8")
    assert re.findall("DeviceAllow=(.*)", text) == ["/dev/ttyUSB0 rw"]


def test_what_cannot_be_named_is_refused_in_words() -> None:
    sealed = sealed_line()
    sealed["line"]["id"] = "line one"
    with pytest.raises(UnitError, match="cannot be part of a unit's name"):
        files(Installed(sealed, LINE))
    sealed = sealed_line()
    sealed["sources"]["mixer"]["host"] = "no-such-plc.invalid"
    with pytest.raises(UnitError, match=r"no-such-plc.invalid cannot be found"):
        plc_addresses(sealed)


def test_every_file_is_taken_away_again() -> None:
    written = set(files(Installed(sealed_line(), LINE)))
    assert {*own_files("line-1"), *shared_files()} == written
    assert all(path.is_relative_to(PurePosixPath("/etc")) for path in written)
