"""What is installed: hashes of sources and locks, versions beside the lock, the environment."""

from __future__ import annotations

import hashlib
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOMS = (
    "plant_models", "controller", "safety", "fieldbus", "records", "service", "hil", "benchmarks",
    "cli", "config", "evidence", "tests", "docs",
)  # fmt: skip
LOCKS = ("requirements.lock", "requirements-dev.lock", "pyproject.toml", "rheostat", "Makefile")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


def facts(root: Path) -> dict[str, Any]:
    """Return everything an installation qualification compares, as plain data."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "packages": [_package(name, pin) for name, pin in pins(root / "requirements.lock")],
        "locks": {name: _hash(root / name) for name in LOCKS if (root / name).is_file()},
        "sources": {
            path.relative_to(root).as_posix(): _hash(path)
            for room in ROOMS
            for path in sorted((root / room).rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        },
    }


def pins(lock: Path) -> list[tuple[str, str]]:
    """Return name and version of every package a lock names."""
    return sorted(_PIN.findall(lock.read_text("utf-8")))


def _package(name: str, pin: str) -> dict[str, str]:
    try:
        found = version(name)
    except PackageNotFoundError:
        found = "not installed"
    return {"name": name, "locked": pin, "installed": found}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
