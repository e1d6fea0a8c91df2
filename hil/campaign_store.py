"""Where a campaign's results live: one small file per run, and a manifest that guards the folder.

A result is written to a temporary name, flushed to the disk and renamed, so a file that is there is
whole, and a campaign that was cut off goes on where it stopped. The manifest holds what made the
results: plan, configuration, sources. A folder made by anything else is refused, because a table of
mixed results says nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hil.campaign_plan import CampaignError, CampaignPlan
from records.canonical import sha256_of
from service.identity import hash_of_sources

MANIFEST = "manifest.json"
_ROOT = Path(__file__).resolve().parent.parent
_SOURCES = ("controller", "fieldbus", "hil", "plant_models", "records", "safety", "service")


def manifest_of(plan: CampaignPlan, sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the results of a campaign depend on; `seeds` may grow, all else may not change.

    The number of seeds is left out of the plan's hash, so a campaign can be extended.
    """
    body = plan.model_dump(mode="json", exclude={"seeds", "title", "why", "targets"})
    scenarios = {
        path.name: path.read_text("utf-8")
        for path in sorted((_ROOT / "hil" / "scenarios").glob("*.yaml"))
    }
    return {
        "campaign": plan.name,
        "plan": sha256_of(body),
        "config": sha256_of(sealed),
        "scenarios": sha256_of(scenarios),
        "sources": manifest_of_sources(),
    }


def manifest_of_sources() -> str:
    """Return one hash over the sources that results depend on."""
    return hash_of_sources(_ROOT, _SOURCES, extra=("requirements.lock",))


class CampaignStore:
    """One folder of results."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any], *, resume: bool) -> None:
        """Open or make the folder.

        Raises:
            CampaignError: it holds results and `resume` was not asked for, or they were made by
                another plan, configuration or source.
        """
        self.folder = folder
        self._runs = folder / "runs"
        known = folder / MANIFEST
        if known.is_file():
            before = json.loads(known.read_text("utf-8"))
            if not resume:
                raise CampaignError(f"{folder} already holds the campaign {before['campaign']}")
            changed = sorted(key for key in manifest if before.get(key) != manifest[key])
            if changed:
                raise CampaignError(
                    f"{folder} was made by another {', '.join(changed)}: results would not compare"
                )
        elif folder.exists() and any(folder.iterdir()):
            raise CampaignError(f"{folder} is not empty and holds no campaign")
        self._runs.mkdir(parents=True, exist_ok=True)
        if not known.is_file():
            _write_whole(known, dict(manifest))

    def has(self, key: str) -> bool:
        """Say whether the run `key` is there."""
        return self._path(key).is_file()

    def put(self, key: str, result: Mapping[str, Any]) -> None:
        """Keep one result; afterwards it is there wholly or not at all."""
        _write_whole(self._path(key), dict(result))

    def get(self, key: str) -> dict[str, Any]:
        """Return one result."""
        result: dict[str, Any] = json.loads(self._path(key).read_text("utf-8"))
        return result

    def _path(self, key: str) -> Path:
        return self._runs / f"{key}.json"


def _write_whole(path: Path, body: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(body, file, ensure_ascii=False, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
