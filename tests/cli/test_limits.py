"""`./rheostat limits` without an engine: what it shows, and how it refuses."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.app import answer
from records.store import RecordStore
from service.config_load import load_line
from service.limits_folder import LimitsFolder
from service.limits_keeper import SealKeeper
from service.limits_keys import load_key, new_key

CONFIG = Path(__file__).parents[2] / "config"
WORDS = "correct horse battery"
PEOPLE = {
    "kim": ("Kim Yuna", "engineer"),
    "lee": ("Lee Minho", "qa-approver"),
    "choi": ("Choi Ara", "qa-approver"),
}


class Line:
    """A commissioned line, its files, keys for three people, and the command line."""

    def __init__(self, place: Path, capsys: pytest.CaptureFixture[str] | None = None) -> None:
        self.place, self.state, self.config = place, place / "state", place / "config"
        self._capsys = capsys

    def make(self) -> None:
        """Make keys for three people, register them, and commission the line."""
        (self.place / "pass").write_text(f"{WORDS}\n", "utf-8")
        shutil.copytree(CONFIG, self.config)
        entries = ""
        for person, (name, role) in PEOPLE.items():
            key = new_key(self.place / person, WORDS)
            entries += f"  {person}: {{ name: {name}, role: {role}, key: {key}"
            entries += ", revoked: lost }\n" if person == "choi" else " }\n"
        register = f"schema: 1\nauto: named\npeople:\n{entries}"
        (self.config / "people.yaml").write_text(register, "utf-8")
        self.state.mkdir()
        self.start()

    @property
    def line(self) -> str:
        return str(self.config / "line.yaml")

    def start(self) -> list[str]:
        """Do with the records what an engine's start does; return the kinds of its rows."""
        store = RecordStore(self.state / "records.sqlite")
        keeper = SealKeeper(self.state, load_line(Path(self.line)).sealed, ())
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        rows = keeper.open(store.seals(), "root", now)
        for kind, body in rows:
            store.append(kind, "", now, body)
        keeper.folder.forget_waiting()
        store.close()
        return [str(body.get("event", kind)) for kind, body in rows]

    def new_key(self, person: str) -> str:
        name, role = PEOPLE[person]
        return self.say("keys", "new", person, "--name", name, "--role", role,
                        "--file", str(self.place / person), "--passphrase-file",
                        str(self.place / "pass"))  # fmt: skip

    def say(self, *words: str, code: int = 0) -> str:
        assert self._capsys is not None
        self._capsys.readouterr()
        got = answer(["limits", *words])
        said = self._capsys.readouterr()
        assert got == code, said.out + said.err
        return said.out + (said.err if code else "")

    def here(self, *words: str, code: int = 0) -> str:
        return self.say(*words, "--state", str(self.state), code=code)

    def edit(self, old: str, new: str, file: str = "limits.yaml") -> None:
        path = self.config / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    def propose(self, *more: str, author: str = "kim", code: int = 0) -> str:
        said = self.here("propose", self.line, "--author", author, "--reason", "cleaned", *more,
                         code=code)  # fmt: skip
        found = re.search(r"proposal (\w{12})", said)
        return found[1] if found else said

    def sign(self, proposal: str, person: str, code: int = 0) -> str:
        return self.here("sign", proposal, "--key", str(self.place / person),
                         "--passphrase-file", str(self.place / "pass"), code=code)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("line")
    Line(place).make()
    return place


@pytest.fixture
def line(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return Line(tmp_path, capsys)


@pytest.mark.requirement("REC-07")
def test_from_an_edit_to_a_version_in_force_at_the_next_start(line: Line) -> None:
    assert "version 1 in force" in line.here("show")
    line.edit("[240 um, 340 um]", "[250 um, 330 um]")
    said = line.here("diff", line.line)
    assert "limits.setpoints.coater.gap_sp.operating   (operating range)" in said
    assert "240 to 340 um  ->  250 to 330 um" in said
    assert "36 % -> 29 % of the proven range 220 to 500 um" in said
    proposal = line.propose()
    line.sign(proposal, "kim")
    assert "RH-2010" in line.here("activate", proposal, code=1)
    line.sign(proposal, "lee")
    shown = json.loads(line.here("show", "--json"))
    assert shown["proposals"][0]["signed_by"] == ["Kim Yuna (engineer)", "Lee Minho (qa-approver)"]
    assert shown["running"] is False
    assert "waits for the next start" in line.here("activate", proposal)
    assert line.start() == ["seal", "change-in-force"]
    rows = json.loads(line.here("history", "--json"))
    assert [(row["version"], row["kind"]) for row in rows] == [(1, "commissioning"), (2, "change")]
    assert rows[1]["base"] == rows[0]["sha256"]
    assert "Lee Minho (qa-approver)" in line.here("history")
    assert "RH-2004" in line.here("activate", proposal, code=1), "rolled back: never again"
    assert "RH-2006" in line.propose(code=1)


@pytest.mark.requirement("GMP-12")
@pytest.mark.parametrize(
    ("old", "new", "path", "rule"),
    [
        ("proven: [220 um, 500 um]", "proven: [210 um, 500 um]", "coater.gap_sp.proven",
         "what validation covered"),
        ("equipment: [180 um, 1400 um]", "equipment: [190 um, 1400 um]", "coater.gap_sp.equipment",
         "what the machine can do"),
        ("rate: 1 um/s", "rate: 2 um/s", "coater.gap_sp.rate", "innermost range"),
    ],
)  # fmt: skip
def test_an_outer_range_is_refused_with_path_and_rule(
    line: Line, old: str, new: str, path: str, rule: str
) -> None:
    line.edit(old, new)
    for said in (line.here("diff", line.line, code=1), line.propose(code=1)):
        assert "RH-2020" in said
        assert path in said
        assert rule in said
    assert not list((line.state / "limits").glob("*")), "nothing was written down"


def test_a_value_outside_the_proven_range_never_becomes_a_proposal(line: Line) -> None:
    line.edit("[240 um, 340 um]", "[240 um, 600 um]")
    said = line.propose(code=1)
    assert "RH-1031" in said
    assert "limits.setpoints.coater.gap_sp.operating.1" in said


@pytest.mark.requirement("REC-06")
def test_who_may_not_propose_or_sign_is_told_why(line: Line, tmp_path: Path) -> None:
    line.edit("[240 um, 340 um]", "[250 um, 330 um]")
    assert "RH-2012" in line.propose(author="nobody", code=1)
    assert "RH-2014" in line.propose(author="lee", code=1)
    proposal = line.propose()
    line.sign(proposal, "kim")
    assert "RH-2011" in line.sign(proposal, "kim", code=1)
    assert "RH-2013" in line.sign(proposal, "choi", code=1)
    (tmp_path / "kim").rename(tmp_path / "old")
    line.new_key("kim")  # a new key, and nobody has registered it
    assert "RH-2012" in line.sign(proposal, "kim", code=1)
    (tmp_path / "pass").write_text("wrong horse battery\n", "utf-8")
    assert "does not open with this passphrase" in line.sign(proposal, "lee", code=3)
    (tmp_path / "lee").chmod(0o644)
    assert "chmod 600" in line.sign(proposal, "lee", code=3)
    assert "cannot be read" in line.sign(proposal, "none", code=3)


@pytest.mark.requirement("REC-05")
def test_a_file_edited_after_it_was_proposed_is_refused(line: Line) -> None:
    line.edit("[240 um, 340 um]", "[250 um, 330 um]")
    proposal = line.propose()
    line.sign(proposal, "kim")
    line.sign(proposal, "lee")
    path = LimitsFolder(line.state).find(proposal).path
    path.chmod(0o640)
    path.write_text(path.read_text("ascii").replace("0.00025", "0.00024"), "ascii")
    for words in (["activate", proposal], ["diff", proposal], ["impact", proposal]):
        assert "RH-2001" in line.here(*words, code=1)
    assert "RH-2001" in line.here("activate", "abcdefabcdef", code=1), "no such proposal"


def test_keys_are_never_overwritten_and_open_with_their_passphrase_only(
    line: Line, tmp_path: Path
) -> None:
    assert "never overwritten" in line.say(
        "keys", "new", "kim", "--name", "K", "--role", "engineer", "--file", str(tmp_path / "kim"),
        "--passphrase-file", str(tmp_path / "pass"), code=3,
    )  # fmt: skip
    assert (tmp_path / "kim").stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in (tmp_path / "kim").read_bytes()
    load_key(tmp_path / "kim", WORDS)
    (tmp_path / "pass").write_text("short\n", "utf-8")
    assert "has 5 characters" in line.say(
        "keys", "new", "x", "--name", "X", "--role", "engineer", "--file", str(tmp_path / "x"),
        "--passphrase-file", str(tmp_path / "pass"), code=3,
    )  # fmt: skip
    assert not (tmp_path / "x").exists()
    listed = line.here("keys", "list")
    assert "Kim Yuna" in listed
    assert "REVOKED: lost" in listed


@pytest.mark.parametrize(
    "words",
    [
        ["propose", "--author", "kim", "--reason", "x", "--days", "0"],
        ["propose", "--author", "kim", "--reason", "x", "--days", "32"],
        ["impact", "--hours", "0"],
        ["keys", "new", "Kim Yuna", "--name", "K", "--role", "engineer"],
    ],
)
def test_what_makes_no_sense_is_not_understood(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["limits", *words]) == 2
    assert "next:" in capsys.readouterr().err


def test_where_nothing_is_in_force_nothing_can_be_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["show"], ["history"], ["diff"], ["keys", "list"]):
        assert answer(["limits", *words, "--state", str(tmp_path)]) == 3
        assert "no record file" in capsys.readouterr().err
    RecordStore(tmp_path / "records.sqlite").close()
    assert answer(["limits", "show", "--state", str(tmp_path)]) == 3
    assert "commissions version 1" in capsys.readouterr().err
