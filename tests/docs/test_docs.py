from __future__ import annotations

import ast
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from cli.app import VERBS, answer, app
from service.config_problem import WHY
from service.limits_words import WHY_REFUSED

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def fenced(page: Path, language: str = "") -> Iterator[str]:
    """Yield the fenced blocks of a page that are marked with `language`."""
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S):
        if match[1] == language:
            yield match[2]


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words after ./rheostat of every command a reader could type from a page."""
    text = "\n".join([*fenced(page), *fenced(page, "sh"), *fenced(page, "bash")])
    lines = [line.strip() for line in text.splitlines()]
    inline = re.findall(r"`(\./rheostat [^`\n]+)`", page.read_text("utf-8"))
    for line in [*lines, *inline]:
        if line.startswith("./rheostat") and "VERB" not in line:
            typed = re.split(r" [>|] ", line)[0]  # what the shell does with it is the shell's
            yield shlex.split(typed, comments=True)[1:]


ALL_COMMANDS = [(page, words) for page in PAGES for words in commands(page)]


@pytest.mark.parametrize(
    ("page", "words"), ALL_COMMANDS, ids=[f"{p.name}: {' '.join(w)}" for p, w in ALL_COMMANDS]
)
def test_every_command_in_the_docs_is_understood(page: Path, words: list[str]) -> None:
    try:
        app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        pytest.fail(f"{page.name} tells the reader to type {words}: {error}")


def test_the_reference_shows_every_verb() -> None:
    page = ROOT / "docs" / "reference" / "cli.md"
    shown = {words[0] for words in commands(page) if words}
    assert shown >= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_the_reference_names_every_option(verb: str) -> None:
    text = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")
    section = text.partition(f"\n## {verb}\n")[2].partition("\n## ")[0]
    help_ = (ROOT / "tests" / "cli" / "help" / f"{verb}.txt").read_text("utf-8")
    options = set(re.findall(r"^│ (--[a-z]+)", help_, re.M))
    assert {option for option in options if option not in section} == set()


def test_readme_begins_with_the_two_commands() -> None:
    block = next(fenced(ROOT / "README.md"))
    assert block.split("\n")[:2] == ["./rheostat demo", "./rheostat test"]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        if target.startswith(("http://", "https://", "#")):
            continue
        path = (page.parent / target.partition("#")[0]).resolve()
        if path.suffix != ".png":  # pictures are taken from the running page
            assert path.exists(), f"{page.name} links to {target}"


def test_every_error_code_has_its_section_and_no_other() -> None:
    text = (ROOT / "docs" / "reference" / "errors.md").read_text("utf-8")
    sections = re.findall(r"^## (RH-\d{4})$", text, re.M)
    known = WHY | WHY_REFUSED
    assert sections == sorted(known)
    for code, why in known.items():
        assert f"*Why it matters:* {why}." in text, code


def test_the_tutorials_refusal_is_what_check_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tutorial = ROOT / "docs" / "tutorial.md"
    shutil.copytree(ROOT / "config", tmp_path / "my-config")
    monkeypatch.chdir(tmp_path)
    limits = tmp_path / "my-config" / "limits.yaml"
    original = limits.read_text("utf-8")
    good, bad = fenced(tutorial, "yaml")
    limits.write_text(_edited(original, good), "utf-8")
    assert answer(["check", "my-config/line.yaml"]) == 0
    limits.write_text(_edited(original, bad), "utf-8")
    capsys.readouterr()
    assert answer(["check", "my-config/line.yaml"]) == 1
    said = capsys.readouterr().out
    quoted = [block for block in fenced(tutorial) if block.startswith("my-config/")]
    assert len(quoted) == 1
    assert quoted[0] in said
    assert "RH-1020" in said


def _edited(text: str, lines: str) -> str:
    """Replace the first line of the same key for each of `lines`, as the tutorial tells."""
    for line in lines.splitlines():
        key = line.partition(":")[0]
        text = re.sub(rf"^{re.escape(key)}:.*$", line, text, count=1, flags=re.M)
    return text


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_no_page_promises_what_is_not_so(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.search(r"GMP[- ]certified", text, re.I)
    assert not re.search(r"\bSIL ?[1-4]\b", text)


def test_nothing_committed_names_a_package_index() -> None:
    foreign = ROOT / "tests" / "fieldbus" / "interop"
    locks = [*ROOT.glob("requirements*.lock"), *foreign.glob("requirements*.txt")]
    for path in [*locks, ROOT / "pyproject.toml", ROOT / "rheostat"]:
        text = path.read_text("utf-8")
        assert not re.search(r"--(extra-)?index-url|--find-links|https?://\S*(pypi|simple)", text)
    for path in foreign.glob("package*.json"):
        assert "http" not in path.read_text("utf-8")


def test_the_lock_shadows_none_of_our_rooms() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"config", "tests"}
    for lock in ROOT.glob("requirements*.lock"):
        names = set(re.findall(r"^([a-z0-9-]+)==", lock.read_text("utf-8"), re.M))
        assert not names & {room.replace("_", "-") for room in rooms}


def test_the_rooms_of_the_card_are_siblings() -> None:
    for room in ("plant_models", "controller", "safety", "hil", "config", "tests", "docs"):
        assert (ROOT / room).is_dir()
    assert not (ROOT / "config" / "__init__.py").exists()


def test_python_in_the_docs_is_python() -> None:
    for page in PAGES:
        for block in fenced(page, "python"):
            ast.parse(block)


def test_licence_and_notice_say_what_is_installed() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")
    notice = (ROOT / "NOTICE").read_text("utf-8")
    for name in ("asyncua", "CasADi", "do-mpc"):
        assert name.lower() in notice.lower()
    assert "LGPL" in notice


def test_the_changelog_speaks_of_validation() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    releases = re.split(r"^## ", text, flags=re.M)[1:]
    assert releases
    assert all("validation impact" in release.lower() for release in releases)
