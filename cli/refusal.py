"""How the command line says no, and the exit codes it ends with."""

from __future__ import annotations

import sys

OK = 0
FINDINGS = 1  # it ran, and what it found is not in order (bad configuration, failed test, ...)
USAGE = 2  # the command itself was not understood
UNABLE = 3  # it was understood and could not be done (no engine there, port taken, ...)
INTERRUPTED = 130  # Ctrl-C


class RefusalError(Exception):
    """A command cannot be carried out: what happened, why it matters, what to do next."""

    def __init__(self, what: str, why: str, next_step: str, code: int = UNABLE) -> None:
        """Keep the sentences; `code` is the exit code."""
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_step = next_step
        self.code = code

    def as_text(self) -> str:
        """Return what the terminal shows."""
        return f"rheostat: {self.what}\n    why:  {self.why}\n    next: {self.next_step}"


def say(text: str) -> None:
    """Tell the person something; data goes to standard output, words go here."""
    print(text, file=sys.stderr, flush=True)
