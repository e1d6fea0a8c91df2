"""The sealed configuration as a file: canonical text, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from records.canonical import canonical_json


def write_sealed(sealed: Mapping[str, Any], path: Path) -> Path:
    """Write `sealed` to `path`; a reader sees the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with draft.open("w", encoding="ascii") as file:
        file.write(canonical_json(sealed))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return path


def read_sealed(path: Path) -> dict[str, Any]:
    """Return the sealed configuration in `path`; raises ValueError when it is not one."""
    sealed = json.loads(path.read_text("ascii"), parse_constant=_refuse)
    if not isinstance(sealed, dict) or sealed.get("schema") != 1:
        raise ValueError(f"{path} is no sealed configuration of schema 1")
    return sealed


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"a sealed configuration cannot hold {word}")
