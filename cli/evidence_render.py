"""Renders the results of a pack: HTML, PDF, JUnit and the manifest; the same bytes each time."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.evidence_pack import write_manifest
from cli.evidence_pages import pages_of
from cli.evidence_results import Deviation, deviations, read_results
from service.paper.html_pages import as_html
from service.paper.pdf import write_pdf


@dataclass(frozen=True, slots=True)
class Rendered:
    """A pack that stands: what deviates in it, and the SHA-256 of its manifest."""

    deviations: Sequence[Deviation]
    sha256: str


def render(pack: Path) -> Rendered:
    """Render `pack`/results into `pack`.

    Raises:
        cli.evidence_pack.PackError: the results are not there or not whole.
    """
    results = read_results(pack / "results")
    found = deviations(results)
    pages = pages_of(results, found)
    for page in pages:
        (pack / f"{page.name}.html").write_text(as_html(page, pages), "utf-8")
    title = f"Rheostat {results.run['version']}: evidence of {results.run['utc']}"
    write_pdf(pack / "evidence.pdf", pages, title)
    junit = pack / "results" / "junit.xml"
    if junit.is_file():
        shutil.copyfile(junit, pack / "junit.xml")
    return Rendered(found, write_manifest(pack))
