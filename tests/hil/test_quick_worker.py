"""The stand-in worker answers everything that the engine asks a worker."""

from __future__ import annotations

import io
import json

import pytest

from hil import quick_worker


def test_it_says_that_it_is_alive_and_lives_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [{"loop": "coating"}, {"alive": True}, {"observe": {}}, {"alive": True}]
    lines = "\n".join(json.dumps(one) for one in asked)
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    quick_worker.main()
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said[0]["ready"]
    assert said[1:] == [{"alive": True}, {"observed": True}, {"alive": True}]
