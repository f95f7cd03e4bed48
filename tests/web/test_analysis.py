"""`/api/analysis` (CA8): its sections, filters and errors."""

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.reads.analysis.report import SECTIONS
from tests.web.conftest import client_of
from tests.web.sample_data import id_of

_FACTS = """
    INSERT INTO showup.booking_facts (booking_id, workspace_id, day, booked_day, ends_at, organizer, source, event_type,
                                      simulated, state, lead_days, lead_hours, attendee_hour, moves, confirmed, version,
                                      booked_at, seats, seats_showed, seats_missed)
    SELECT id, workspace_id, start_time::date, booked_at::date, coalesce(end_time, start_time),
           coalesce(organizer_email, ''), source, coalesce(event_type, ''), simulated, 'no_show', 2, 50, 9, 1, false, 1,
           booked_at, 1, 0, 1
    FROM showup.bookings WHERE workspace_id = :workspace
"""


@pytest.fixture
async def facts(sample_engine: AsyncEngine) -> int:
    """How many meetings of ours there are, each with facts; the test has its own database."""
    async with sample_engine.begin() as tx:
        return (await tx.execute(text(_FACTS), {"workspace": id_of("ours")})).rowcount


@pytest.mark.usefixtures("own_sample_database")
async def test_all_sections_come_unless_some_are_asked_for(reader: httpx2.AsyncClient, facts: int) -> None:
    answer = (await reader.get("/api/analysis?simulated=all")).json()
    assert all(answer[name] is not None for name in SECTIONS)
    assert answer["totals"]["total"] == facts
    some = (await reader.get("/api/analysis?simulated=all&section=lead_time&section=cohorts")).json()
    assert {name for name in SECTIONS if some[name] is not None} == {"lead_time", "cohorts"}
    assert (some["totals"], some["lead_time"]) == (answer["totals"], answer["lead_time"])


@pytest.mark.usefixtures("own_sample_database")
async def test_filters_narrow_the_meetings(reader: httpx2.AsyncClient, facts: int) -> None:
    async def total(query: str) -> int:
        answer = (await reader.get(f"/api/analysis?simulated=all&{query}")).json()
        return int(answer["totals"]["total"])

    assert await total("organizer=nobody@ourbrand.example") == 0
    assert await total("source=unknown&source=elsewhere") == facts
    assert await total("from=2030-01-01") == 0
    assert await total("to=2030-01-01") == facts


@pytest.mark.usefixtures("own_sample_database", "facts")
async def test_no_workspace_sees_another(app: FastAPI) -> None:
    answer = (await client_of(app, "stranger").get("/api/analysis?simulated=all")).json()
    assert (answer["totals"]["total"], answer["organizer"]["items"]) == (0, [])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=tomorrow", "from"),
        ("from=2026-02-30", "from"),
        ("from=2026-03-01T10:00:00Z", "from"),
        ("from=2026-03-02&to=2026-03-02", "to"),
        ("section=moon", "section"),
        ("simulated=maybe", "simulated"),
        ("campaign=1", "campaign"),
    ],
)
async def test_an_invalid_parameter_is_refused_by_name(reader: httpx2.AsyncClient, query: str, field: str) -> None:
    response = await reader.get(f"/api/analysis?{query}")
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert response.json()["errors"][0]["field"].startswith(field)


async def test_the_widest_period_is_read(reader: httpx2.AsyncClient) -> None:
    assert (await reader.get("/api/analysis?from=0001-01-01&to=9999-12-31")).status_code == 200
