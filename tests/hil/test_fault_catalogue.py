"""The catalogue as data: whole, playable, on its page, refused with its place when wrong."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest

from cli.app import answer
from hil.fault_catalogue import COUNT, FOLDER, CatalogueError, chosen, load_catalogue
from hil.fault_docs import page
from hil.fault_verbs import check_play

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.requirement("HIL-06")
def test_all_76_faults_are_there_and_each_is_played_or_says_why_not() -> None:
    faults = load_catalogue()
    assert len(faults) == COUNT
    assert all(fault.plays or fault.not_yet for fault in faults)
    assert all(fault.plays for fault in faults)


def test_every_play_has_a_verb_and_the_arguments_it_takes() -> None:
    for fault in load_catalogue():
        for play in fault.plays:
            check_play(fault.id, play)


def test_a_play_looks_for_something_or_leaves_it_to_the_judge_on_purpose() -> None:
    blind = [
        f"{fault.id}.{play.name}"
        for fault in load_catalogue()
        for play in fault.plays
        if play.expect.model_dump() == type(play.expect)().model_dump() and not play.then
    ]
    assert blind == ["F52.coating", "F52.mixing", "F52.profile"]


def test_the_page_of_faults_is_current() -> None:
    shown = (ROOT / "docs" / "reference" / "faults.md").read_text("utf-8")
    assert shown == page(), "run: python -m hil.fault_docs > docs/reference/faults.md"


@pytest.mark.requirement("HIL-02")
@pytest.mark.requirement("HIL-03")
def test_plcs_and_judge_share_no_code_with_gate_engine_or_configuration() -> None:
    reached = {name: _rooms(name) for name in ("judge", "plc_coater", "plc_mixer", "plc_station")}
    for name, rooms in reached.items():
        assert not rooms & {"safety", "service", "fieldbus", "controller", "records"}, name
    assert reached["judge"] == set()


def _rooms(module: str) -> set[str]:
    """Return the rooms a module of the bench reaches, through the bench's own modules as well."""
    waiting, seen, rooms = [module], set[str](), set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for node in ast.walk(ast.parse((ROOT / "hil" / f"{name}.py").read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            room, _, inner = node.module.partition(".")
            if room == "hil":
                waiting += [inner] if inner not in seen else []
            elif (ROOT / room / "__init__.py").exists():
                rooms.add(room)
    return rooms


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "faults"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("id: F26", "id: F27", "F27 is there twice"),
        ("id: F26", "id: F96", "F26 is missing"),
        ("verb: silence", "verv: silence", "verv"),
        ("within: 3", "within: -3", "greater than 0"),
        ("mode: [SHED]", "mode: [SHAD]", "SHADOW"),
        ("asked: no effect\n    plays:\n      - { name: coater, verb: doubled, watch: 20, "
         "expect: { steady: true }, then: [AUTO] }", "asked: no effect", "does not say why"),
    ],
)  # fmt: skip
def test_a_wrong_catalogue_is_refused_with_its_place(
    copy: Path, old: str, new: str, words: str
) -> None:
    path = copy / "wire.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(CatalogueError, match=words):
        load_catalogue(copy)


def test_a_play_with_a_wrong_verb_or_argument_is_refused() -> None:
    play = next(f for f in load_catalogue() if f.id == "F38").plays[0]
    with pytest.raises(CatalogueError, match=r"F38\.coater: no verb"):
        check_play("F38", play.model_copy(update={"verb": "silense"}))
    with pytest.raises(CatalogueError, match="volume"):
        check_play("F38", play.model_copy(update={"args": {"volume": 11}}))


def test_faults_are_named_by_number_or_place() -> None:
    faults = load_catalogue()
    assert [f.id for f in chosen(faults, ["f07", "F01"])] == ["F01", "F07"]
    assert {f.place for f in chosen(faults, ["disk"])} == {"disk"}
    with pytest.raises(CatalogueError, match="F77"):
        chosen(faults, ["F77"])


def test_the_list_says_what_is_not_played_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["hil", "list"]) == 0
    said = capsys.readouterr()
    for fault in load_catalogue():
        assert f"{fault.id}  {fault.place}" in said.out
        assert fault.not_yet in said.out
    assert "of 76 are played" in said.err
    assert "on real sockets only (--real): malformed-modbus, malformed-opcua" in said.out
    assert answer(["hil", "list", "F50", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["status"] == "in part"


@pytest.mark.parametrize(
    "words", [["run"], ["run", "F77"], ["run", "all", "--seeds", "0"], ["list", "nothing"]]
)
def test_what_cannot_be_played_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["hil", *words]) == 2
    assert "next:" in capsys.readouterr().err
