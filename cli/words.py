"""Kinds of options that several verbs have, and how `--help` shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

ConfigFile = Annotated[Path, Parameter(show_default=False)]
"""A line's file; its default is named in words, because the path differs on every machine."""

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""On when it is written, off when it is not."""

Text = Annotated[str, Parameter(show_default=False)]
"""A text that may be left out."""
