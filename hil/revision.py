"""Which commit a git checkout is at; the hash of the sources says the rest."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


@cache
def commit_of_tree() -> str:
    """Return the commit, with '+' when files differ from it; 'none' outside a checkout."""
    git = shutil.which("git")
    if git is None or not (_ROOT / ".git").exists():
        return "none"
    commit = _ask(git, "rev-parse", "HEAD")
    changed = _ask(git, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}{'+' if changed else ''}" if commit else "none"


def _ask(git: str, *words: str) -> str:
    done = subprocess.run(
        [git, "-C", str(_ROOT), *words], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""
