"""The screen's texts: from the sources to gettext's catalogue, and from it to what a browser reads.

    python tools/catalogue.py           take new texts into the .po file, write the .json files
    python tools/catalogue.py --check   say what is missing or out of date, and change nothing

The English text is the key. A text that is not translated, or that lost one of its {places}, fails.
Needs Babel (requirements-dev.lock).
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

PAGE = Path(__file__).resolve().parent.parent / "service" / "page"
ALARMS = PAGE.parent / "alarms" / "catalogue.py"
METHODS = [("static/vendor/**", "ignore"), ("**.py", "python"), ("static/**.js", "javascript")]
KEYWORDS = {"N_": None, "t": None}
OPTIONS = {"static/**.js": {"parse_template_string": "true"}}
LANGUAGES = ("ko",)
HEAD = """msgid ""
msgstr ""
"Language: {}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


def extracted() -> Catalog:
    """Return every text of the sources, with the files (no lines: they move too often)."""
    texts = Catalog(project="rheostat", charset="utf-8")
    found = [*extract_from_dir(PAGE, METHODS, OPTIONS, KEYWORDS, comment_tags=()), *of_alarms()]
    for name, _, text, _, _ in sorted(found, key=lambda one: (one[0], one[1])):
        if text and name not in [place for place, _ in getattr(texts.get(text), "locations", ())]:
            texts.add(text, locations=[(name, 0)])
    return texts


def of_alarms() -> list[tuple[str, int, str, list[str], None]]:
    """Return the words of every kind of alarm: title, cause, consequence, action."""
    calls = [
        node for node in ast.walk(ast.parse(ALARMS.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Kind"
    ]  # fmt: skip
    texts = [ast.literal_eval(call.args[place]) for call in calls for place in (0, 2, 3, 4)]
    return [("alarms/catalogue.py", 0, text, [], None) for text in texts]


def updated(language: str) -> tuple[Catalog, str]:
    """Return the catalogue of a language brought up to date, and the text of its file."""
    path = po_path(language)
    known = Catalog(locale=language, project="rheostat", fuzzy=False)
    if path.exists():
        known = read_po(io.BytesIO(path.read_bytes()), locale=language)
    new = Catalog(locale=language, project="rheostat", fuzzy=False, header_comment="# The screen.")
    for message in extracted():
        if message.id:
            before = known.get(message.id)
            locations = message.locations
            new.add(message.id, before.string if before else "", locations=locations)
    file = io.BytesIO()
    write_po(file, new, width=100, omit_header=True, sort_output=True, include_lineno=False)
    return new, HEAD.format(language) + file.getvalue().decode("utf-8").strip() + "\n"


def po_path(language: str) -> Path:
    """Return where the translator's file is."""
    return PAGE / "locales" / language / "LC_MESSAGES" / "rheostat.po"


def json_path(language: str) -> Path:
    """Return where the browser's file is."""
    return PAGE / "static" / "locales" / f"{language}.json"


def as_json(texts: Catalog) -> str:
    """Return what the browser reads: English to the language, only what is translated."""
    words = {one.id: one.string for one in texts if one.id and one.string}
    return json.dumps(dict(sorted(words.items())), ensure_ascii=False, indent=0) + "\n"


def faults(texts: Catalog) -> list[str]:
    """Return what a translator still has to do."""
    found = [f"not translated: {one.id!r}" for one in texts if one.id and not one.string]
    for one in texts:
        if one.id and one.string and places(one.id) != places(one.string):
            found.append(f"other places than in English: {one.id!r}")
    return found


def places(text: str) -> set[str]:
    """Return the {places} of a text."""
    return set(re.findall(r"\{(\w+)\}", text))


def main() -> int:
    """Check or update every language; 1 when something is left to do."""
    check = "--check" in sys.argv[1:]
    left: list[str] = []
    for language in LANGUAGES:
        texts, po = updated(language)
        left += [f"{language}: {fault}" for fault in faults(texts)]
        for path, text in ((po_path(language), po), (json_path(language), as_json(texts))):
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            elif not path.exists() or path.read_text("utf-8") != text:
                left.append(f"{path.name} is out of date: python tools/catalogue.py")
    sys.stdout.write("".join(f"{line}\n" for line in left))
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
