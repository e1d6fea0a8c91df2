"""Plays in a pool of processes, which end with the one that made it, however that ends.

Each result comes as it is done; the sealed line is sent to each process once.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from service.leash import die_with

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
    with processes(workers, sealed) as pool:
        futures = [pool.submit(_remembered, play, job) for job in jobs]
        try:
            for future in concurrent.futures.as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def processes(
    workers: int, sealed: Mapping[str, Any] = MappingProxyType({})
) -> concurrent.futures.ProcessPoolExecutor:
    """Return a pool of new processes that cannot outlive this one; jobs are sent from one thread.

    The kernel ends a child with the thread that started it (prctl(2), PR_SET_PDEATHSIG).
    """
    return concurrent.futures.ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(), dict(sealed)),
    )


_SEALED: dict[str, Any] = {}


def _begin(parent: int, sealed: Mapping[str, Any]) -> None:
    """Tie this process to its parent, and keep the line (a method would be sent with a copy)."""
    die_with(parent)
    _SEALED.update(sealed)


def _remembered(play: Play[J], job: J) -> dict[str, Any]:
    return play(job, _SEALED)
