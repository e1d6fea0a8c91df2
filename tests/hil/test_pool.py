"""A pool gives what one process gives, and every process has the line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hil.pool import played

LINE = {"loops": {"a": 1}, "factor": 3}


def times(job: int, sealed: Mapping[str, Any]) -> dict[str, Any]:
    return {"job": job, "is": job * sealed["factor"], "loops": list(sealed["loops"])}


@pytest.mark.parametrize("workers", [1, 2])
def test_each_job_is_played_once_on_the_line(workers: int) -> None:
    found = sorted(played(times, range(5), LINE, workers), key=lambda one: one["job"])
    assert found == [{"job": n, "is": 3 * n, "loops": ["a"]} for n in range(5)]


def test_what_breaks_in_another_process_is_raised_here() -> None:
    with pytest.raises(KeyError, match="factor"):
        list(played(times, [1, 2], {"loops": {}}, 2))
