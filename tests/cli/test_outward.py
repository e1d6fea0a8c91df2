"""`./rheostat outward`: set up once, users and clients afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.app import answer
from cli.refusal import OK, UNABLE
from fieldbus.certificate import facts_of
from fieldbus.pki import Pki
from service.outward.settings import Settings, Users, is_set_up, read_settings
from service.processes import processes
from tests.service.small_line import small_sealed

PASSWORD = "plain horse battery"


def test_from_nothing_to_a_server_with_a_user_and_a_client(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path / "line-7")]
    before = processes(tmp_path / "line-7", tmp_path, small_sealed())
    assert "outward" not in [one.name for one in before]
    endpoint = "opc.tcp://127.0.0.1:4899/x"
    assert answer(["outward", "init", *state, "--endpoint", endpoint, "--days", "9"]) == OK
    assert is_set_up(tmp_path / "line-7")
    after = processes(tmp_path / "line-7", tmp_path, small_sealed())
    assert after[0].name == "engine"
    assert "outward" in [one.name for one in after]
    pki = Pki(tmp_path / "line-7" / "outward" / "pki")
    facts = facts_of(pki.own().certificate)
    assert facts.uris == ("urn:127.0.0.1:rheostat:line-7:outward",)
    first = pki.own().certificate
    assert answer(["outward", "init", *state]) == OK  # another address, the same identity
    assert read_settings(tmp_path / "line-7") == Settings()
    assert pki.own().certificate == first

    secret = tmp_path / "secret"
    secret.write_text(PASSWORD, "utf-8")
    secret.chmod(0o600)
    assert answer(["outward", "user", "scada", "--password-file", str(secret), *state]) == OK
    assert Users(tmp_path / "line-7").is_user("scada", PASSWORD)
    secret.write_text("scada", "utf-8")
    weak = ["outward", "user", "scada", "--password-file", str(secret), *state]
    assert answer(weak) == UNABLE
    assert answer(["outward", "user", "scada", "--remove", *state]) == OK
    assert not Users(tmp_path / "line-7").is_user("scada", PASSWORD)

    client = Pki(tmp_path / "client").make("urn:scada", ["scada"], "scada", 9)
    file = str(tmp_path / "client" / "own.der")
    assert answer(["outward", "trust", file, *state]) == OK
    assert [one for _, one in pki.trusted()] == [client]
    assert answer(["outward", "trust", str(secret), *state]) == UNABLE
    assert "is no certificate" in capsys.readouterr().err


def test_in_clear_on_loopback_only(tmp_path: Path) -> None:
    state = ["--state", str(tmp_path)]
    far = ["--endpoint", "opc.tcp://192.0.2.1:4841/x"]
    assert answer(["outward", "init", "--insecure", *far, *state]) == UNABLE
    assert not is_set_up(tmp_path)
    assert answer(["outward", "init", "--insecure", *state]) == OK
    assert read_settings(tmp_path).insecure
    assert not (tmp_path / "outward" / "pki").exists()
