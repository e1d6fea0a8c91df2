"""What the doctor finds: one thing looked at, how it is, and what to do if it is not well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Health = Literal["well", "warning", "ill"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`why` and `next` are empty where all is well."""

    subject: str
    health: Health
    what: str
    why: str = ""
    next: str = ""

    def as_text(self) -> str:
        """Return the lines a terminal shows."""
        mark = {"well": "ok  ", "warning": "warn", "ill": "BAD "}[self.health]
        lines = [f"{mark}  {self.subject}: {self.what}"]
        if self.health != "well":
            lines += [f"          why:  {self.why}", f"          next: {self.next}"]
        return "\n".join(lines)


def well(subject: str, what: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(subject, "well", what)
