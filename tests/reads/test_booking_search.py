"""Searches among many bookings find what a plain look at every booking finds, in each of their ways."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.permission import Permission
from showup.database.engine import transaction
from showup.reads.bookings import BookingFilter, list_bookings
from showup.reads.keyset import PageRequest
from tests.histories.table_contents import new_account

# More than are read first. Person 7 booked long ago, and every hundredth booking is of a company that others share.
_BOOKINGS = 1_300
_ROWS = (
    """
    INSERT INTO companies (id, workspace_id, key, name, created_at, updated_at)
    SELECT gen_random_uuid(), :w, 'domain:c' || n || '.example', 'House' || n, now(), now()
    FROM generate_series(0, 99) n
    """,
    """
    INSERT INTO people (id, workspace_id, email, name, company_id, created_at, updated_at)
    SELECT gen_random_uuid(), :w, 'p' || n || '@c.example', 'Guest Number' || n,
           (SELECT id FROM companies c WHERE c.workspace_id = :w AND c.key = 'domain:c' || n % 100 || '.example'),
           now(), now()
    FROM generate_series(1, :bookings) n
    """,
    """
    INSERT INTO bookings (id, workspace_id, account_id, person_id, company_id, title, start_time, booked_at, status,
                          created_at, updated_at)
    SELECT gen_random_uuid(), :w, :account, id, company_id,
           CASE WHEN n % 300 = 0 THEN 'Review' WHEN n % 2 = 0 THEN 'Intro' ELSE 'Demo' END,
           timestamptz '2026-01-01' + n * interval '1 hour', now(), 'ACCEPTED', now(), now()
    FROM (SELECT *, substr(name, 13)::int AS n FROM people WHERE workspace_id = :w) p
    """,
    """
    INSERT INTO booking_attendees (booking_id, position, person_id, email, name)
    SELECT b.id, 0, p.id, p.email, p.name FROM bookings b JOIN people p ON p.id = b.person_id WHERE b.workspace_id = :w
    """,
)
_PLAIN = """
    SELECT count(*) FROM bookings b JOIN people p ON p.id = b.person_id JOIN companies c ON c.id = b.company_id
    WHERE b.workspace_id = :w AND b.title || ' ' || p.name || ' ' || p.email || ' ' || c.name ~* ALL(:words)
"""


@pytest.mark.parametrize("sort", ["-start_time", "start_time"])
async def test_every_word_finds_all_its_bookings_in_order(engine: AsyncEngine, sort: str) -> None:
    account = await new_account(engine)
    permission = Permission(actor="key:ops", scope="read", workspace_id=account.workspace_id)
    bound: dict[str, Any] = {"w": account.workspace_id, "account": account.account_id, "bookings": _BOOKINGS}
    async with transaction(engine) as tx:
        for statement in _ROWS:
            await tx.execute(text(statement), bound)
        # Words of all people, of half the titles, of few titles, of one person, of one company, of nobody, and several.
        for q in (
            "guest",
            "intro",
            "review",
            "number7",
            "house7",
            "nobody",
            "guest intro",
            "review house0",
            "number13",
        ):
            words = [rf"\m{word}" for word in q.split()]
            expected = (await tx.execute(text(_PLAIN), {"w": account.workspace_id, "words": words})).scalar_one()
            found: list[Any] = []
            request = PageRequest(sort=sort, limit=150)
            while True:
                page = await list_bookings(tx, permission, BookingFilter(q=q), request)
                found += page.items
                if page.next_cursor is None:
                    break
                request = PageRequest(sort=sort, limit=150, cursor=page.next_cursor)
            times = [one["start_time"] for one in found]
            assert len(found) == len({one["id"] for one in found}) == expected, q
            assert times == sorted(times, reverse=sort.startswith("-")), q
