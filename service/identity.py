"""Which software, which model, which configuration: the hashes every record carries.

The software is what stands in the source files, not what a version number claims.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from records.canonical import sha256_of

_ROOT = Path(__file__).resolve().parent.parent
_SOFTWARE = ("controller", "fieldbus", "plant_models", "records", "safety", "service")
_MODEL = ("controller", "plant_models")
_SUFFIXES = (".py", ".c", ".h")
"""What is compiled decides as much as what is interpreted (`controller/native`)."""


def hashes_of(sealed: Mapping[str, Any]) -> dict[str, str]:
    """Return the three hashes a cycle record carries (SHA-256, hex)."""
    return {
        "software": hash_of_sources(_ROOT, _SOFTWARE, extra=("requirements.lock",)),
        "model": hash_of_sources(_ROOT, _MODEL),
        "config": sha256_of(sealed),
    }


def hash_of_sources(root: Path, packages: Iterable[str], extra: Iterable[str] = ()) -> str:
    """Return one hash over the Python and C files of `packages`, their names and their order."""
    digest = hashlib.sha256()
    files = [
        path
        for package in packages
        for path in sorted((root / package).rglob("*"))
        if path.suffix in _SUFFIXES and path.is_file()
    ]
    files += [root / name for name in extra if (root / name).is_file()]
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()
