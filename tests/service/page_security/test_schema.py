"""The page's OpenAPI, tried with generated requests: whatever comes, no crash and no other form."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from service.config_load import load_line
from service.page.identity import COOKIE
from tests.service.page_security.world import World

ROOT = Path(__file__).resolve().parents[3]
ENDLESS = {"/api/stream"}
"""A stream that never ends is no answer to wait for."""
NOT_JSON = {"/", "/metrics", "/api/report.css"}
FEW = settings(
    max_examples=5, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.requirement("SEC-15")
@pytest.mark.requirement("SEC-07")
@pytest.mark.filterwarnings("ignore")
def test_generated_requests_never_crash_the_page(tmp_path: Path) -> None:
    """As an engineer, who may most, on the shipped line, so that every view has what it shows."""
    world = World(tmp_path / "s", shown=load_line(ROOT / "config" / "line.yaml").sealed)
    try:
        try_everything(world)
    finally:
        world.close()


def try_everything(world: World) -> None:
    token = str(world.sign_in("emil").cookies.get(COOKIE, ""))
    schema = schemathesis.openapi.from_dict(world.app.openapi())
    seen: Counter[int] = Counter()
    tried = set()
    for number, result in enumerate(schema.get_all_operations()):
        assert isinstance(result, Ok)
        operation = result.ok()
        if operation.path in ENDLESS:
            continue
        tried.add(operation.path)
        browser = world.browser(f"10.6.0.{number}")
        if not operation.path.startswith("/api/session"):  # signing out would hide the rest
            browser.cookies.set(COOKIE, token)

        @FEW
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            body = case.body if isinstance(case.body, dict | list | str | int | None) else {}
            answer = browser(  # noqa: B023 - called below, in this turn of the loop
                case.method, case.formatted_path, params=dict(case.query or {}), json=body
            )
            seen[answer.status_code] += 1
            crashed = answer.status_code >= 500 and answer.status_code != 503  # said in words
            assert not crashed, f"{case.method} {case.path}: {answer.text}"
            assert "json" in answer.headers["content-type"] or case.path in NOT_JSON

        one()
    assert {"/api/mode", "/api/limits/propose"} <= tried
    assert seen[429] == 0, "a limit of use would hide what the page does"
    assert {200, 403} <= set(seen), seen
    assert {409, 422} & set(seen), seen
