"""The manifest of an evidence pack: SHA-256 of every file, and what is not as it says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

MANIFEST = "manifest.json"
FORMAT = "rheostat evidence 1"


class PackError(ValueError):
    """A folder is no evidence pack; the text says why."""


def write_manifest(pack: Path) -> str:
    """Write the manifest of everything in `pack`; return its own SHA-256, the pack's name."""
    body = {"format": FORMAT, "files": _hashes(pack)}
    text = json.dumps(body, indent=1, sort_keys=True) + "\n"
    (pack / MANIFEST).write_text(text, "utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def verify(pack: Path) -> tuple[str, list[str]]:
    """Return the SHA-256 of the manifest, and in words every file that is not as it says.

    Raises:
        PackError: there is no manifest that can be read.
    """
    path = pack / MANIFEST
    try:
        text = path.read_bytes()
        body = json.loads(text)
        wanted: dict[str, str] = dict(body["files"])
        known = body["format"] == FORMAT
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise PackError(f"{path} cannot be read as a manifest: {error}") from error
    if not known:
        raise PackError(f"{path} has another format than '{FORMAT}'")
    found = _hashes(pack)
    wrong = [f"missing: {name}" for name in sorted(wanted.keys() - found.keys())]
    wrong += [f"not in the manifest: {name}" for name in sorted(found.keys() - wanted.keys())]
    both = sorted(wanted.keys() & found.keys())
    wrong += [f"changed: {name}" for name in both if wanted[name] != found[name]]
    return hashlib.sha256(text).hexdigest(), wrong


def _hashes(pack: Path) -> dict[str, str]:
    files = sorted(path for path in pack.rglob("*") if path.is_file() or path.is_symlink())
    return {
        path.relative_to(pack).as_posix(): _hash(path) for path in files if path != pack / MANIFEST
    }


def _hash(path: Path) -> str:
    if path.is_symlink():
        return f"symbolic link to {path.readlink()}"  # what it points to is not in the pack
    return hashlib.sha256(path.read_bytes()).hexdigest()
