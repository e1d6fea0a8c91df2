"""Plays a campaign: every run that is not there yet, here or on other machines, one file each.

The order of playing does not matter: results are found by name. A run that raises ends the campaign
with its name; what was finished stays.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from hil.campaign_plan import CampaignError, CampaignPlan, Job, jobs_of, varied
from hil.campaign_store import CampaignStore
from hil.pool import processes
from hil.robustness import play_episode
from hil.scenario import load_scenario
from hil.simulate import run_scenario

Progress = Callable[[int, int, str], None]


def play_job(job: Job, sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Play one job in this process; return its figures as plain data."""
    if job.kind == "robustness":
        return play_episode(job.subject, job.seed, job.cycles, job.controller, sealed)
    scenario = varied(load_scenario(job.subject), job.variation)
    result = run_scenario(
        scenario, job.seed, job.controller, sealed, mismatch_width=job.variation.mismatch
    )
    return {**result, "variation": job.variation.name}


def play_campaign(
    plan: CampaignPlan,
    store: CampaignStore,
    sealed: Mapping[str, Any],
    workers: int = 2,
    scheduler: str = "",
    progress: Progress = lambda done, of, key: None,
) -> list[dict[str, Any]]:
    """Play what is missing, keep it, and return all results in the plan's order.

    `scheduler` is the address of a dask scheduler; empty plays in `workers` processes here.

    Raises:
        CampaignError: a run failed, or the scheduler cannot be used.
    """
    jobs = list(jobs_of(plan))
    missing = [job for job in jobs if not store.has(job.key)]
    done = len(jobs) - len(missing)
    play = _on_cluster(scheduler) if scheduler else _here(workers)
    for job, result in play(missing, sealed):
        store.put(job.key, result)
        done += 1
        progress(done, len(jobs), job.key)
    return [store.get(job.key) for job in jobs]


Played = Iterator[tuple[Job, dict[str, Any]]]
Player = Callable[[Sequence[Job], Mapping[str, Any]], Played]


def _here(workers: int) -> Player:
    def play(jobs: Sequence[Job], sealed: Mapping[str, Any]) -> Played:
        if workers <= 1:
            for job in jobs:
                yield job, _named(job, partial(play_job, job, sealed))
            return
        with processes(workers) as pool:
            futures = {pool.submit(play_job, job, dict(sealed)): job for job in jobs}
            try:
                yield from _as_they_come(futures, concurrent.futures.as_completed(futures))
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    return play


def _on_cluster(address: str) -> Player:
    """Play on a dask cluster; its workers need this very source tree."""
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise CampaignError(
            "a scheduler needs the package dask.distributed, which is not installed here"
        ) from error

    def play(jobs: Sequence[Job], sealed: Mapping[str, Any]) -> Played:
        try:
            client = Client(address, timeout="10s")
        except OSError as error:
            raise CampaignError(f"no dask scheduler answers at {address}: {error}") from error
        with client:
            whole = client.scatter(dict(sealed), broadcast=True)
            futures = {client.submit(play_job, job, whole, pure=False): job for job in jobs}
            yield from _as_they_come(futures, as_completed(futures))

    return play


def _as_they_come(futures: Mapping[Any, Job], completed: Iterable[Any]) -> Played:
    for future in completed:
        job = futures[future]
        yield job, _named(job, future.result)


def _named(job: Job, play: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return play()
    except Exception as error:  # a bug in one run must name the run
        raise CampaignError(f"the run {job.key} failed: {type(error).__name__}: {error}") from error
