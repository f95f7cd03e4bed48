"""Searches of long lists find what a plain look at every row finds, whichever way they take; and so do their totals."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access.permission import Permission
from showup.database.engine import transaction
from showup.reads.bookings import BookingFilter, list_bookings
from showup.reads.companies import CompanyFilter, list_companies
from showup.reads.deals import DealFilter, list_deals, select_deals
from showup.reads.keyset import PageRequest, ResultPage
from showup.reads.list_totals import Totals, count_bookings, count_companies, count_deals, count_people
from showup.reads.people import PersonFilter, list_people
from tests.histories.table_contents import new_account

# More than are read first, and more with one word than are looked up one by one.
_ROWS = 1_700
# Among the newest rows, no "early", and a few "often". Of both there are more than a search looks up.
_WORDS = """
    CASE WHEN n <= 1250 THEN ' early' ELSE '' END || CASE WHEN n <= 1250 OR n % 50 = 0 THEN ' often' ELSE '' END
    || CASE WHEN n % 2 = 0 THEN ' even' ELSE ' odd' END
"""
_AT = "timestamptz '2026-01-01' + n * interval '1 hour'"
_FILL = (
    """
    INSERT INTO companies (id, workspace_id, key, name, created_at, updated_at)
    SELECT md5('c' || n)::uuid, :w, 'domain:c' || n || '.example', 'House' || n || {words}, {at}, {at}
    FROM generate_series(1, :rows) n
    """,
    """
    INSERT INTO people (id, workspace_id, email, name, company_id, created_at, updated_at)
    SELECT md5('p' || n)::uuid, :w, 'p' || n || '@c.example', 'Guest Number' || n || {words}, md5('c' || n)::uuid,
           {at}, {at}
    FROM generate_series(1, :rows) n
    """,
    """
    INSERT INTO deals (id, workspace_id, company_id, status, stage, amount, currency, opened_by, position, opened_at,
                       stage_entered_at, created_at, updated_at)
    SELECT md5('d' || n)::uuid, :w, md5('c' || n)::uuid, 'active', 'booked', n, 'EUR', md5('b' || n)::uuid, 0, {at},
           {at}, {at}, {at}
    FROM generate_series(1, :rows) n
    """,
    """
    INSERT INTO bookings (id, workspace_id, account_id, person_id, company_id, title, start_time, booked_at, status,
                          created_at, updated_at)
    SELECT md5('b' || n)::uuid, :w, :account, md5('p' || n)::uuid, md5('c' || n % 100 + 1)::uuid,
           CASE WHEN n % 300 = 0 THEN 'Review' WHEN n % 3 = 0 THEN 'Intro' ELSE 'Demo' END, {at}, {at}, 'ACCEPTED',
           {at}, {at}
    FROM generate_series(1, :rows) n
    """,
    """
    INSERT INTO booking_attendees (booking_id, position, person_id, email, name)
    SELECT b.id, 0, p.id, p.email, p.name FROM bookings b JOIN people p ON p.id = b.person_id WHERE b.workspace_id = :w
    """,
    "ANALYZE companies, people, deals, bookings, booking_attendees",
)
_PLAIN = {
    "people": "FROM people p WHERE p.workspace_id = :w AND p.name || ' ' || p.email ~* ALL(:words)",
    "companies": "FROM companies c WHERE c.workspace_id = :w AND c.name ~* ALL(:words)",
    "deals": """
        FROM deals d JOIN companies c ON c.id = d.company_id WHERE d.workspace_id = :w AND c.name ~* ALL(:words)
    """,
    "bookings": """
        FROM bookings b JOIN people p ON p.id = b.person_id JOIN companies c ON c.id = b.company_id
        WHERE b.workspace_id = :w AND b.title || ' ' || p.name || ' ' || p.email || ' ' || c.name ~* ALL(:words)
    """,
}
# Of all, of half, of the older rows, of those and few of the newest, of one or some, of nothing, and several.
_SEARCHES = {
    "people": ("guest", "even", "early", "often", "number7", "number1234", "nobody", "guest odd", "early number12"),
    "companies": ("house", "even", "early", "often", "house7", "house1234", "nobody", "even odd", "often house16"),
    "deals": ("house", "odd", "early", "often", "house7", "house1234", "nobody", "even odd", "often house16"),
    "bookings": (
        *("guest", "intro", "review", "early", "often", "number7", "house7", "number1234", "nobody", "guest intro"),
        *("review house51", "early odd", "even intro house9"),
    ),
}
_List = Callable[..., Awaitable[ResultPage]]
_Count = Callable[..., Awaitable[Totals]]
_LISTS: dict[str, tuple[_List, _Count, Any, str]] = {
    "people": (list_people, count_people, PersonFilter, "created_at"),
    "companies": (list_companies, count_companies, CompanyFilter, "created_at"),
    "deals": (list_deals, count_deals, DealFilter, "amount"),
    "bookings": (list_bookings, count_bookings, BookingFilter, "start_time"),
}


@pytest.fixture
async def permission(engine: AsyncEngine) -> Permission:
    account = await new_account(engine)
    bound: dict[str, Any] = {"w": account.workspace_id, "account": account.account_id, "rows": _ROWS}
    async with transaction(engine) as tx:
        for statement in _FILL:
            await tx.execute(text(statement.format(words=_WORDS, at=_AT)), bound)
    return Permission(actor="key:ops", scope="read", workspace_id=account.workspace_id)


async def plain_ids(tx: AsyncConnection, permission: Permission, noun: str, q: str) -> set[Any]:
    words = [rf"\m{word}" for word in q.split()]
    bound = {"w": permission.workspace_id, "words": words}
    return set(await tx.scalars(text(f"SELECT {noun[0]}.id {_PLAIN[noun]}"), bound))  # fixed names


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("noun", list(_LISTS))
async def test_every_word_finds_all_its_rows_in_order(
    engine: AsyncEngine, permission: Permission, noun: str, direction: str
) -> None:
    read, _, filter_type, sort = _LISTS[noun]
    async with transaction(engine) as tx:
        for q in _SEARCHES[noun]:
            expected = await plain_ids(tx, permission, noun, q)
            found: list[Any] = []
            request = PageRequest(sort=direction + sort, limit=150)
            while True:
                page = await read(tx, permission, filter_type(q=q), request)
                found += page.items
                if page.next_cursor is None:
                    break
                request = PageRequest(sort=direction + sort, limit=150, cursor=page.next_cursor)
            keys = [one[sort] for one in found]
            assert len(found) == len(expected), q
            assert {one["id"] for one in found} == expected, q
            assert keys == sorted(keys, reverse=bool(direction)), q


@pytest.mark.parametrize("noun", list(_LISTS))
async def test_totals_are_right_or_say_less_than_there_are(
    engine: AsyncEngine, permission: Permission, noun: str
) -> None:
    _, count, filter_type, _ = _LISTS[noun]
    rough = 0
    async with transaction(engine) as tx:
        for q in _SEARCHES[noun]:
            expected = len(await plain_ids(tx, permission, noun, q))
            page, file = [await count(tx, permission, filter_type(q=q), bound) for bound in (10_000, 100_000)]
            assert (file.number, file.has_more) == (expected, False), q
            if page.has_more:
                assert page.number < expected <= 4 * page.number, q
                rough += 1
            else:
                assert page.number == expected, q
            few = await count(tx, permission, filter_type(q=q), 3)
            assert few.has_more is (expected > 3), q
    assert rough >= 2, "common words"


async def test_filters_and_words_select_together(engine: AsyncEngine, permission: Permission) -> None:
    async with transaction(engine) as tx:
        for q, amounts in (("even", [2, 4, 6, 8, 10]), ("odd", [1, 3, 5, 7, 9]), ("house7", [7])):
            ids = [row[0] for row in await tx.execute(text("SELECT id FROM deals WHERE amount <= 10"))]
            filters = DealFilter(q=q, ids=ids)
            page = await list_deals(tx, permission, filters, PageRequest(sort="amount", limit=3))
            assert [one["amount"] for one in page.items] == amounts[:3]
            rows = (await tx.execute(await select_deals(tx, permission, filters))).mappings().all()
            assert sorted(one["amount"] for one in rows) == amounts
            totals = await count_deals(tx, permission, filters)
            assert (totals.number, totals.has_more, totals.amounts) == (len(amounts), False, {"EUR": sum(amounts)})


@pytest.mark.usefixtures("permission")
@pytest.mark.parametrize("q", ["guest", "early", "number1234"])
async def test_another_workspace_finds_nothing(engine: AsyncEngine, q: str) -> None:
    other = await new_account(engine)
    theirs = Permission(actor="key:ops", scope="read", workspace_id=other.workspace_id)
    async with transaction(engine) as tx:
        for read, count, filter_type, sort in _LISTS.values():
            page = await read(tx, theirs, filter_type(q=q), PageRequest(sort=sort, limit=10))
            assert (page.items, (await count(tx, theirs, filter_type(q=q), 10_000)).number) == ([], 0)
