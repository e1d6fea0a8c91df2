"""Trends, batches and exports through the page's routes."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from records.reader import RecordReader
from records.store import RecordStore
from service.door_reports import review_meaning
from service.history.day_files import DayFiles
from service.history.follower import carry_all, history_folder
from service.page import history
from service.page.access import in_words
from service.page.feed import Feed
from tests.service.history.world import START, TAG, make_records
from tests.service.page_people import as_role

T0 = round(START.timestamp() * 1000)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("line")
    make_records(folder, cycles=600)
    store = DayFiles(history_folder(folder), write=True)
    carry_all(folder, store)
    store.close()
    return folder


class Client:
    """A browser of somebody in `role`, as far as these routes see one."""

    def __init__(self, state: Path, role: str) -> None:
        self.app = FastAPI()
        self.app.add_exception_handler(HTTPException, in_words)
        as_role(self.app, role)
        self.app.include_router(history.router(Feed(state), state))

    def get(self, path: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
                return await client.get(path)

        return asyncio.run(asked())


@pytest.fixture(scope="module")
def page(state: Path) -> Client:
    return Client(state, "operator")


def test_a_trend_comes_in_the_units_of_people(page: Client) -> None:
    whole = page.get(f"/api/trend?tag={TAG}&from={T0}&to={T0 + 8000 * 600}&points=1000").json()
    thin = page.get(f"/api/trend?tag={TAG}&from={T0}&to={T0 + 8000 * 600}&points=20").json()
    assert (whole["unit"], whole["kind"], whole["thinned"]) == ("g/m²", "reading", False)
    assert len(whole["t_ms"]) == 600
    assert whole["high"][0] == pytest.approx(85.7)
    assert whole["high"][49] is None  # BAD is a gap
    assert len(thin["t_ms"]) <= 20
    assert thin["thinned"]
    assert max(h for h in thin["high"] if h) == max(h for h in whole["high"] if h)


@pytest.mark.requirement("GMP-03")
def test_what_is_estimated_is_called_so(page: Client) -> None:
    answer = page.get(f"/api/trend?tag=coater.computed&from={T0}&to={T0 + 80_000}").json()
    assert answer["kind"] == "estimate"
    assert len(answer["t_ms"]) == 10


@pytest.mark.requirement("FS-07")
def test_the_record_of_a_batch_names_records_that_are_there(page: Client, state: Path) -> None:
    listed = page.get("/api/batches").json()
    assert [(one["id"], one["cycles"]) for one in listed] == [(8, 300), (7, 300)]
    record = page.get("/api/batches/8/record").json()
    assert record["equipment"] == ["test-1/coater/coating"]
    [loop] = record["loops"]
    assert (loop["modes"], loop["actions"]) == ({"AUTO": 300}, {"ALLOW": 300})
    signal = loop["signals"][TAG]
    assert (signal["readings"], signal["bad"]) == (294, 6)
    assert signal["min"] <= signal["mean"] <= signal["max"]
    reader = RecordReader(state / "records.sqlite")
    try:
        ends = [reader.one(seq) for seq in loop["records"]]
    finally:
        reader.close()
    found = [row.body["inputs"]["coater.feed_batch"][0] for row in ends if row is not None]
    assert found == [8, 8]


@pytest.mark.requirement("REC-12")
def test_the_report_of_a_batch_says_whether_it_was_reviewed(page: Client, state: Path) -> None:
    answer = page.get("/api/batches/7/report")
    assert answer.headers["content-type"].startswith("text/html")
    text = answer.text
    for part in ("Batch 7", "g/m²", "AUTO 300", "Kim Yuna", "&lt;Off target&gt;", "c" * 64):
        assert part in text
    assert "not reviewed as a whole" in text
    assert not re.search(r"<style|style=|<script", text)  # the page's policy lets none stand here
    store = RecordStore(state / "records.sqlite")
    for span in ((1, 100), (101, 400)):
        act = {"meaning": review_meaning(*span, "nothing"), "name": "Lee", "role": "qa-approver"}
        store.append("signature", "", "2026-11-29T00:00:00.000Z", act)
    store.close()
    assert "every record of it is reviewed" in page.get("/api/batches/7/report").text
    record = page.get("/api/batches/7/record").json()
    assert record["review"]["reviewed"]
    assert [one["last"] for one in record["review"]["by"]] == [400, 100]
    assert record["configurations"][0]["sha256"] == "c" * 64
    assert not page.get("/api/batches/8/record").json()["review"]["reviewed"]


def test_the_report_is_there_on_paper_and_readings_for_other_tools(page: Client) -> None:
    assert page.get("/api/batches/7/report.pdf").content.startswith(b"%PDF-")
    assert "td" in page.get("/api/report.css").text
    table = pq.read_table(io.BytesIO(page.get("/api/batches/7/export.parquet").content))
    assert table.num_rows == 300 * 4


def test_a_batch_that_never_was_is_not_invented(page: Client) -> None:
    for what in ("record", "report", "report.pdf", "export.csv", "export.parquet"):
        answer = page.get(f"/api/batches/99/{what}")
        assert answer.status_code == 404
        assert "no batch 99" in json.loads(answer.text)["text"]


def test_an_export_holds_every_reading_of_the_batch(page: Client) -> None:
    rows = list(csv.DictReader(io.StringIO(page.get("/api/batches/7/export.csv").text)))
    assert len(rows) == 300 * 4
    assert {row["tag"] for row in rows} == {
        TAG, "coater.running", "coater.feed_batch", "coater.computed",
    }  # fmt: skip


def test_who_may_not_export_gets_nothing(state: Path) -> None:
    client = Client(state, "admin")
    assert client.get("/api/batches").status_code == 200
    assert client.get("/api/batches/7/export.csv").status_code == 403


def test_without_a_history_there_are_no_batches_and_no_error(tmp_path: Path) -> None:
    make_records(tmp_path, cycles=2)
    assert Client(tmp_path, "operator").get("/api/batches").json() == []
