"""`./rheostat certs`, and what doctor and check say of certificates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from cli.doctor_certs import certificates
from fieldbus.pki import Pki


def certs(state: Path, *words: str) -> int:
    return answer(["certs", *words, "--state", str(state)])


def listed(state: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, list[dict[str, Any]]]:
    capsys.readouterr()
    certs(state, "list", "--json")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads(capsys.readouterr().out)["certificates"]:
        found.setdefault(row["kind"], []).append(row)
    return found


def test_the_life_of_our_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert certs(tmp_path, "list") == 0
    assert "Begin with ./rheostat certs make" in capsys.readouterr().err
    assert certs(tmp_path, "make", "--host", "mpc.plant", "--host", "10.0.0.9") == 0
    own = listed(tmp_path, capsys)["own"][0]
    assert own["uris"] == ["urn:mpc.plant:rheostat:line-1"]
    assert own["hosts"] == ["mpc.plant", "10.0.0.9"]
    assert own["days_left"] in (729, 730)
    assert certs(tmp_path, "make") == 3
    assert "is there already" in capsys.readouterr().err
    assert certs(tmp_path, "renew", "--days", "20") == 0
    assert certs(tmp_path, "renew", "--use") == 0
    after = listed(tmp_path, capsys)["own"][0]
    assert after["uris"] == own["uris"]
    assert after["fingerprint"] != own["fingerprint"]
    assert certs(tmp_path, "list") == 1
    assert "expires on" in capsys.readouterr().err


def test_trusting_and_no_longer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plc = Pki(tmp_path / "plc")
    made = plc.make("urn:plc", ["plc"], "the PLC", 99, server=True)
    file = str(plc.folder / "own.der")
    assert certs(tmp_path, "trust", file) == 1
    said = capsys.readouterr()
    assert "compare the fingerprint" in said.err
    assert certs(tmp_path, "list", "--json") == 0
    assert certs(tmp_path, "trust", file, "--yes") == 0
    letters = listed(tmp_path, capsys)["trusted"][0]["fingerprint"]
    assert certs(tmp_path, "untrust", letters[:7]) == 2
    assert certs(tmp_path, "untrust", "ffffffffff") == 2
    assert certs(tmp_path, "untrust", letters[:8]) == 0
    assert list(listed(tmp_path, capsys)) == ["refused"]
    assert certs(tmp_path, "trust", letters[:16].upper()) == 0
    assert [one for _, one in Pki(tmp_path / "pki").trusted()] == [made]
    assert certs(tmp_path, "make", "--days", "0") == 2


def test_a_key_that_others_can_read_is_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certs(tmp_path, "make")
    (tmp_path / "pki" / "own.key").chmod(0o644)
    assert certs(tmp_path, "list") == 3
    assert "can be read by others" in capsys.readouterr().err


@pytest.mark.requirement("SEC-17")
def test_the_doctor_looks_at_certificates(tmp_path: Path) -> None:
    security = {"policy": "Basic256Sha256", "server_uri": "urn:plc", "user": "rheostat"}
    sealed = {"sources": {"coater": {"security": security}, "mixer": {}}}
    assert certificates({"sources": {"mixer": {}}}, tmp_path) == []
    assert [one.health for one in certificates(sealed, tmp_path)] == ["ill"]
    inside_tls = {"sources": {"mixer": {"protocol": "modbus-tcp", "tls": True}}}
    assert [one.health for one in certificates(inside_tls, tmp_path)] == ["ill"]
    pki = Pki(tmp_path / "pki")
    pki.make("urn:us", ["us"], "us", 20)
    found = certificates(sealed, tmp_path)
    assert ["expires on" in found[0].what, "no PLC is trusted" in found[1].what] == [True, True]
    assert (found[2].health, "logins cannot be read" in found[2].what) == ("ill", True)
    (pki.folder / "own.der").unlink()
    (pki.folder / "own.key").unlink()
    pki.make("urn:us", ["us"], "us", 400)
    pki.accept(Pki(tmp_path / "plc").make("urn:plc", ["plc"], "plc", 99, server=True))
    logins = pki.folder / "logins"
    logins.touch(0o600)
    logins.write_text("coater rheostat a long password\n", "utf-8")
    assert [one.health for one in certificates(sealed, tmp_path)] == ["well"]


def test_check_says_what_goes_in_clear(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["check"]) == 0
    assert "coater: in clear, neither signed nor encrypted" in capsys.readouterr().out
