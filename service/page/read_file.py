"""Questions to the record file from a request: opened, asked, closed, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fastapi import HTTPException

from records.chain import RecordError
from records.reader import RecordReader

_T = TypeVar("_T")


async def ask_records(state_dir: Path, question: Callable[[RecordReader], _T]) -> _T:
    """Return what `question` makes of the records; HTTP 503 in words when they cannot be read."""

    def answer() -> _T:
        reader = RecordReader(state_dir / "records.sqlite")
        try:
            return question(reader)
        finally:
            reader.close()

    try:
        return await asyncio.to_thread(answer)
    except (RecordError, OSError) as error:
        raise HTTPException(503, str(error)) from error
