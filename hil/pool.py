"""Plays in a pool of processes: each result as it is done, the sealed line sent to each once."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

J = TypeVar("J")
Play = Callable[[J, Mapping[str, Any]], dict[str, Any]]
"""Plays one job on a sealed line; of a module, so that another process finds it."""


def played(
    play: Play[J], jobs: Sequence[J], sealed: Mapping[str, Any], workers: int
) -> Iterator[dict[str, Any]]:
    """Play jobs in so many processes, a single one being this; yield each as it is done."""
    if workers <= 1:
        yield from (play(job, sealed) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        workers, mp_context=context, initializer=_remember, initargs=(dict(sealed),)
    ) as pool:
        futures = [pool.submit(_remembered, play, job) for job in jobs]
        try:
            for future in concurrent.futures.as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_SEALED: dict[str, Any] = {}


def _remember(sealed: Mapping[str, Any]) -> None:
    """Keep the line in this process; a method of the dictionary would be sent with a copy of it."""
    _SEALED.update(sealed)


def _remembered(play: Play[J], job: J) -> dict[str, Any]:
    return play(job, _SEALED)
