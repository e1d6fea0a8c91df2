"""The reference pages agree with the code they describe; decisions and glossary are whole."""

from __future__ import annotations

import hashlib
import itertools
import re
from pathlib import Path

import pytest

from cli.setting import plant_settings
from controller.plan import Plan
from hil.scenario import Scenario, scenario_names
from hil.simulate import KINDS
from plant_models.parameter_docs import page
from service.config_load import load_line
from service.cycle_body import plan_body

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"\./rheostat simulate[^\n`]*")


def name_of(path: Path) -> str:
    """How a page is called in a test's name."""
    return str(path.relative_to(ROOT))


def reference(name: str) -> str:
    """One page of docs/reference."""
    return (DOCS / "reference" / name).read_text("utf-8")


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_stay_in_the_project_and_find_their_heading(path: Path) -> None:
    for link in LINK.findall(path.read_text("utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert ROOT in target.parents, f"{name_of(path)} links out of the project: {link}"
        assert not anchor or anchor in anchors(target), f"{name_of(path)}: no heading for {link}"


def test_the_page_of_parameters_is_current() -> None:
    assert reference("parameters.md") == page(), (
        "run: python -m plant_models.parameter_docs > docs/reference/parameters.md"
    )


def test_every_setting_shown_is_a_parameter_of_the_plant() -> None:
    found = [
        quoted or bare
        for path in PAGES
        for quoted, bare in re.findall(
            r"--set (?:\"([^\"]+)\"|([a-z][\w.]+=\S+))", path.read_text("utf-8")
        )
    ]
    assert len(found) >= 5
    assert plant_settings(found)


def test_every_scenario_and_controller_shown_exists() -> None:
    words = [line.split() for path in PAGES for line in COMMAND.findall(path.read_text("utf-8"))]
    pairs = [pair for line in words for pair in itertools.pairwise(line)]
    scenarios = [value for option, value in pairs if option == "--scenario"]
    controllers = [v for option, v in pairs if option in ("--controller", "--baseline")]
    assert len(scenarios) > 5
    named = {name for name in scenarios if not name.endswith(".yaml")}
    assert named <= {*scenario_names(), "all"}
    assert {*controllers} <= {*KINDS}


def test_the_scenarios_page_knows_every_scenario_key_and_controller() -> None:
    shown = reference("scenarios.md")
    words = [*Scenario.model_fields, *scenario_names(), *KINDS]
    assert [w for w in words if f"`{w}`" not in shown and f"[{w}]" not in shown] == []


def test_the_records_page_knows_every_field_of_a_plan() -> None:
    shown = reference("records.md")
    assert [field for field in plan_body(Plan("late", None)) if f"`{field}`" not in shown] == []


def test_the_tag_page_lists_every_tag() -> None:
    shown = reference("tags-and-handshake.md")
    tags = load_line(ROOT / "config" / "line.yaml").sealed["tags"]
    between = {f"coater.oven_zone{zone}_temp" for zone in (2, 3, 4)}  # '1 … 5' on the page
    words = [tag.partition(".")[2] for tag in tags if tag not in between]
    assert [word for word in words if f"`{word}`" not in shown] == []


def test_the_script_of_the_tutorial_is_python() -> None:
    tutorial = (DOCS / "tutorial.md").read_text("utf-8")
    scripts = re.findall(r"^cat > \w+\.py <<'END'\n(.*?)^END$", tutorial, re.MULTILINE | re.DOTALL)
    assert len(scripts) == 1
    compile(scripts[0], "tutorial", "exec")


def test_decisions_are_numbered_listed_and_whole() -> None:
    pages = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    listed = (DOCS / "decisions" / "README.md").read_text("utf-8")
    numbers = [path.name[:4] for path in pages]
    assert numbers == sorted(set(numbers)), "a number is given once, and may stay unused"
    for path in pages:
        body = path.read_text("utf-8")
        title = body.splitlines()[0].removeprefix(f"# {path.name[:4]}: ")
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in listed
        heads = re.findall(r"^## (.+)$", body, re.MULTILINE)
        assert heads == ["Context", "Decision", "Consequences", "Alternatives"], path.name
        assert re.search(r"^Accepted, 2\d{3}-\d\d-\d\d$", body, re.MULTILINE), path.name


def test_the_glossary_explains_each_word_once() -> None:
    glossary = (DOCS / "glossary.md").read_text("utf-8")
    rows = re.findall(r"^\| \*\*(.+?)\*\* \|", glossary, re.MULTILINE)
    assert len(rows) > 60
    assert len(set(rows)) == len(rows)


def test_no_page_names_a_place_outside_the_project() -> None:
    outside = re.compile(r"\.\.[/]shared|[/](work|home|root)[/]|index[-_]url")
    assert outside.search("see /home/somebody/notes"), "the check itself can see one"
    for path in [*PAGES, ROOT / "LICENSE", ROOT / "NOTICE"]:
        assert not outside.search(path.read_text("utf-8")), name_of(path)


def test_no_lock_says_where_a_package_comes_from() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (ROOT / lock).read_text("utf-8"), lock


def test_the_licence_is_the_whole_apache_licence() -> None:
    standard = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == standard
