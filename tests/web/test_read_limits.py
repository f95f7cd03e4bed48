"""S05: a slow read ends in time, and the reads of one key or workspace leave room for everybody else's."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.container import event_handlers
from showup.database.engine import connect
from showup.web.app import create_app
from tests.web.conftest import client_of
from tests.web.sample_data import ADMIN_KEY, NOW, session_of

# People's names and addresses are one table: while it is locked, these reads don't end.
SLOW, FAST = "/api/people?q=sarah", "/api/suppressions"


@pytest.fixture
async def locked_people(own_sample_database: str) -> AsyncIterator[AsyncEngine]:
    """An engine over sample data whose people are locked by another session."""
    other, engine = connect(own_sample_database, pool_size=1), connect(own_sample_database)
    async with other.begin() as tx:
        await tx.execute(text("LOCK TABLE showup.people IN ACCESS EXCLUSIVE MODE"))
        yield engine
    await engine.dispose()
    await other.dispose()


def clients(engine: AsyncEngine, read_timeout: timedelta, *names: str) -> list[httpx2.AsyncClient]:
    app = create_app(
        engine=engine,
        clock=lambda: NOW,
        admin_key=ADMIN_KEY,
        version="0.0.0",
        read_timeout=read_timeout,
        event_handlers=event_handlers(),
    )
    return [client_of(app, name) for name in names]


async def test_s05_a_slow_read_is_stopped_with_advice(locked_people: AsyncEngine) -> None:
    [reader] = clients(locked_people, timedelta(milliseconds=100), "reader")
    response = await reader.get(SLOW)
    problem = response.json()
    assert (response.status_code, problem["type"]) == (503, "urn:showup:problem:read-too-slow")
    assert "fewer or longer words" in problem["detail"]
    assert (await reader.get(FAST)).status_code == 200


async def test_s05_sixteen_slow_reads_of_one_key_delay_no_other_key(locked_people: AsyncEngine) -> None:
    reader, colleague, stranger = clients(locked_people, timedelta(seconds=5), "reader", "admin", "stranger")
    slow_reads = [asyncio.create_task(reader.get(SLOW)) for _ in range(16)]
    await asyncio.sleep(0.5)
    for other in (colleague, stranger):
        async with asyncio.timeout(2):
            assert (await other.get(FAST)).status_code == 200
    responses = await asyncio.gather(*slow_reads)
    refused = [response for response in responses if response.status_code == 429]
    assert len(refused) == 13
    assert {response.headers["retry-after"] for response in refused} == {"5"}
    assert {response.status_code for response in responses} == {429, 503}
    assert (await reader.get(FAST)).status_code == 200, "the share is free again"


async def test_s05_a_page_says_that_it_is_busy(locked_people: AsyncEngine) -> None:
    writer, admin = clients(locked_people, timedelta(seconds=5), "writer", "admin")
    slow_reads = [asyncio.create_task(one.get(SLOW)) for one in (writer, writer, writer, admin)]
    await asyncio.sleep(0.5)
    page = await writer.get("/deliveries", headers={"Cookie": f"showup_session={session_of('member')}"})
    assert (page.status_code, page.headers["retry-after"]) == (429, "5")
    assert "<h1>Too many reads at the same time</h1>" in page.text
    await asyncio.gather(*slow_reads)


async def test_s05_a_page_that_took_too_long_says_so_in_its_frame(locked_people: AsyncEngine) -> None:
    [reader] = clients(locked_people, timedelta(milliseconds=200), "reader")
    cookie = {"Cookie": f"showup_session={session_of('member')}"}
    page = await reader.get("/people?q=sarah", headers=cookie)
    assert page.status_code == 503
    assert "<h1>The query took too long</h1>" in page.text
    assert "longer than 0.2 seconds, so Showup stopped it. Narrow the dates" in page.text
    assert 'aria-label="Showup on a phone"' in page.text, "the navigation is there"
    assert "PostgreSQL does not respond" not in page.text
    part = await reader.get("/people?q=sarah", headers={**cookie, "HX-Request": "true"})
    assert (part.status_code, "longer than 0.2 seconds" in part.text, "<html" in part.text) == (503, True, False)


async def test_s05_several_keys_of_a_workspace_have_one_share(locked_people: AsyncEngine) -> None:
    *ours, stranger = clients(locked_people, timedelta(seconds=5), "reader", "writer", "admin", "stranger")
    slow_reads = [asyncio.create_task(one.get(SLOW)) for one in ours for _ in range(3)]
    await asyncio.sleep(0.5)
    async with asyncio.timeout(2):
        assert (await stranger.get(FAST)).status_code == 200
    assert sorted(one.status_code for one in await asyncio.gather(*slow_reads)) == [429] * 5 + [503] * 4


async def test_s09_the_reads_of_all_workspaces_together_leave_room_for_changes(locked_people: AsyncEngine) -> None:
    ours, stranger, admin = clients(locked_people, timedelta(seconds=5), "reader", "stranger", "admin")
    slow_reads = [asyncio.create_task(one.get(SLOW)) for one in (ours, stranger) for _ in range(3)]
    await asyncio.sleep(0.5)
    async with asyncio.timeout(2):
        refused = await admin.delete("/api/suppressions/00000000-0000-0000-0000-000000000000")
    assert refused.status_code == 404, "a change finds a connection"
    assert sorted(one.status_code for one in await asyncio.gather(*slow_reads)) == [429] + [503] * 5


@pytest.mark.parametrize("path", ["bookings", "deals", "people", "companies"])
@pytest.mark.parametrize(
    ("q", "status"),
    [
        (" ".join("abcdefgh"), 200),
        (" ".join("abcdefghi"), 422),
        (" ".join("abcdefghij" * 10), 422),
        ("a.b-c_d'e@f+g/h:i", 422),
        ("x" * 60, 200),
        ("x" * 61, 422),
    ],
)
async def test_s05_a_search_has_a_limited_number_of_words(
    reader: httpx2.AsyncClient, path: str, q: str, status: int
) -> None:
    response = await reader.get(f"/api/{path}", params={"q": q})
    assert response.status_code == status
    if status == 422:
        [error] = response.json()["errors"]
        assert (error["field"], error["detail"][:23]) == ("q", "Send at most 8 words of")
