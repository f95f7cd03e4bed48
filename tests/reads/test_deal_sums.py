"""Sums of deals, and the deals of a campaign, are those of a plain look at every row, whatever changed them (B8)."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access.permission import Permission
from showup.database.engine import transaction
from showup.reads.board import BoardFilter, BoardPage, read_board
from showup.reads.deal_sums import NOBODY, Sum, active_sums, amounts_of
from showup.reads.today import similar_meetings, this_week
from tests.histories.table_contents import new_account

NOW: Final = datetime(2026, 5, 6, 12, tzinfo=UTC)
_DEALS: Final = 60
_ROWS: Final = (
    """
    INSERT INTO companies (id, workspace_id, key, name, created_at, updated_at)
    SELECT md5(CAST(CAST(:w AS uuid) AS text) || n)::uuid, :w, 'domain:c' || n || '.example', 'House' || n, now(), now()
    FROM generate_series(1, :deals) n
    """,
    """
    INSERT INTO deals (id, workspace_id, company_id, status, stage, owner_email, amount, currency, opened_by, position,
                       opened_at, stage_entered_at, created_at, updated_at)
    SELECT md5('deal' || CAST(CAST(:w AS uuid) AS text) || n)::uuid, :w, md5(CAST(CAST(:w AS uuid) AS text) || n)::uuid,
           CASE WHEN n % 7 = 0 THEN 'lost' ELSE 'active' END, CASE WHEN n % 2 = 0 THEN 'met' ELSE 'booked' END,
           CASE WHEN n % 3 > 0 THEN 'host' || n % 3 || '@ours.example' END, CASE WHEN n % 5 > 0 THEN 100 * n END,
           CASE WHEN n % 4 > 0 THEN 'EUR' END, gen_random_uuid(), 0, now(), now(), now(), now()
    FROM generate_series(1, :deals) n
    """,
    """
    INSERT INTO bookings (id, workspace_id, account_id, deal_id, start_time, booked_at, status, simulated, attended,
                          attendance_evidence, organizer_email, reschedule_count, created_at, updated_at)
    SELECT gen_random_uuid(), :w, :account, md5('deal' || CAST(CAST(:w AS uuid) AS text) || (1 + n % :deals))::uuid,
           timestamptz '2026-05-06T12:00:00Z' - n * interval '13 hours',
           timestamptz '2026-05-06T12:00:00Z' - n * interval '13 hours' - n % 9 * interval '1 day', 'ACCEPTED',
           n % :deals < 6 AND n % 4 > 0, CASE WHEN n % 5 > 0 THEN n % 3 > 0 END,
           CASE WHEN n % 5 > 0 THEN CASE WHEN n % 6 = 0 THEN 'assumed' ELSE 'reported' END END,
           'host' || n % 2 || '@ours.example', n % 4, now(), now()
    FROM generate_series(1, 4 * :deals) n
    """,
    """
    INSERT INTO matches (id, workspace_id, booking_id, attendee, lead_id, lead_email, campaign_id, method, score,
                         evidence, state, event_id, actor, at)
    SELECT gen_random_uuid(), :w, id, 'a@c.example', gen_random_uuid(), 'a@c.example', reschedule_count, 'email', 1,
           '{}', 'matched', gen_random_uuid(), 'showup', now()
    FROM bookings WHERE workspace_id = :w AND reschedule_count < 3
    """,
)
_CHANGES: Final = (
    "UPDATE deals SET owner_email = 'host1@ours.example' WHERE {some}",
    "UPDATE deals SET owner_email = NULL, amount = NULL WHERE {some}",
    "UPDATE deals SET status = 'lost' WHERE {some}",
    "UPDATE deals SET status = 'active', stage = 'proposal', currency = 'USD', amount = 50 WHERE {some}",
    "UPDATE bookings SET deal_id = NULL WHERE {some}",
    "UPDATE bookings SET deal_id = (SELECT id FROM deals WHERE workspace_id = :w ORDER BY id LIMIT 1) WHERE {some}",
    "UPDATE bookings SET simulated = NOT simulated, title = 'Intro' WHERE {some}",
    "UPDATE matches SET state = 'undone' WHERE {some}",
    "UPDATE matches SET campaign_id = 1 WHERE {some}",
    "DELETE FROM matches WHERE {some}",
)
_PLAIN_SUMS: Final = """
    SELECT d.stage, coalesce(d.owner_email, :nobody) AS owner, d.currency, count(*) AS deals, count(d.amount) AS priced,
           coalesce(sum(d.amount), 0) AS amount,
           EXISTS (SELECT FROM bookings x WHERE x.deal_id = d.id AND x.simulated)
               AND NOT EXISTS (SELECT FROM bookings x WHERE x.deal_id = d.id AND NOT x.simulated) AS simulated
    FROM deals d WHERE d.workspace_id = :w AND d.status = 'active' AND (:every OR d.id = ANY(:ids))
    GROUP BY d.stage, d.owner_email, d.currency, simulated
"""
_PLAIN_CAMPAIGN: Final = """
    SELECT DISTINCT d.id, d.stage FROM deals d JOIN bookings b ON b.deal_id = d.id JOIN matches m ON m.booking_id = b.id
    WHERE d.workspace_id = :w AND d.status = 'active' AND m.state = 'matched' AND m.campaign_id = :campaign
"""
_PLAIN_SIMILAR: Final = """
    SELECT count(*) AS total, count(*) FILTER (WHERE attended) AS showed FROM bookings
    WHERE workspace_id = :w AND attendance_evidence = 'reported' AND attended IS NOT NULL AND NOT simulated
      AND start_time > CAST(:now AS timestamptz) - interval '180 days' AND start_time < :now
      AND start_time - booked_at >= interval '3 days' AND start_time - booked_at < interval '7 days'
      AND (reschedule_count >= 2 OR NOT :with_moves)
      AND (CAST(:organizer AS text) IS NULL OR organizer_email = :organizer)
"""


async def check(tx: AsyncConnection, permission: Permission) -> None:
    bound: dict[str, Any] = {"w": permission.workspace_id, "nobody": NOBODY}
    everything = await active_sums(tx, permission)
    await check_sums(tx, everything, bound | {"every": True, "ids": []})
    page = BoardPage(cards=_DEALS, stage="met", stage_cards=1)
    assert (await read_board(tx, permission, BoardFilter(), page, NOW)).sums == everything
    for campaign in range(4):
        board = await read_board(tx, permission, BoardFilter(campaign_id=campaign), page, NOW)
        plain = (await tx.execute(text(_PLAIN_CAMPAIGN), bound | {"campaign": campaign})).all()
        placed = {(one.deal_id, one.stage) for one in board.places}
        assert placed <= {(row.id, row.stage) for row in plain}, campaign
        of_stages = Counter(row.stage for row in plain)
        assert Counter(stage for _, stage in placed) == of_stages & Counter(
            dict.fromkeys(of_stages, _DEALS) | {"met": 1}
        )
        await check_sums(tx, board.sums, bound | {"every": False, "ids": [row.id for row in plain]})


async def check_sums(tx: AsyncConnection, found: Sequence[Sum], bound: dict[str, Any]) -> None:
    rows = await tx.execute(text(_PLAIN_SUMS), bound)
    assert Counter(tuple(getattr(one, name) for name in Sum.__struct_fields__) for one in found) == Counter(
        tuple(getattr(row, name) for name in Sum.__struct_fields__) for row in rows
    )


@pytest.mark.parametrize("seed", range(3))
async def test_every_change_leaves_the_sums_that_a_plain_count_finds(engine: AsyncEngine, seed: int) -> None:
    account = await new_account(engine)
    permission = Permission(actor="key:ops", scope="read", workspace_id=account.workspace_id)
    bound: dict[str, Any] = {"w": account.workspace_id}
    chance = random.Random(seed)  # noqa: S311  # no secret
    async with transaction(engine) as tx:
        await insert_rows(tx, account.workspace_id, account.account_id)
        await check(tx, permission)
        for _ in range(12):
            change = chance.choice(_CHANGES)
            some = f"workspace_id = :w AND md5(id || '{chance.random()}') < '3'"
            await tx.execute(text(change.format(some=some)), bound)
            await check(tx, permission)


async def test_today_counts_as_a_plain_look_at_every_meeting_does(engine: AsyncEngine) -> None:
    account = await new_account(engine)
    permission = Permission(actor="key:ops", scope="read", workspace_id=account.workspace_id)
    async with transaction(engine) as tx:
        await insert_rows(tx, account.workspace_id, account.account_id)
        for organizer in (None, "host1@ours.example"):
            lead = timedelta(days=4)
            whose: dict[str, Any] = {"organizer": organizer, "now": NOW}
            found = await similar_meetings(tx, permission, lead=lead, moves=9, **whose)
            assert found is not None
            bound = {"w": account.workspace_id, "with_moves": found.with_moves} | whose
            plain = (await tx.execute(text(_PLAIN_SIMILAR), bound)).one()
            assert (found.rate.total, found.rate.part) == (plain.total, plain.showed)
            week = await this_week(tx, permission, week_start=NOW - timedelta(days=2), now=NOW, organizer=organizer)
            own = [one for one in await active_sums(tx, permission) if organizer in (None, one.owner)]
            real = [one for one in own if not one.simulated]
            assert (week.deals, week.amounts) == (sum(one.deals for one in real), amounts_of(real))
            assert week.deals > 0
            assert all(isinstance(one, Decimal) for one in week.amounts.values())


async def insert_rows(tx: AsyncConnection, workspace_id: UUID, account_id: UUID) -> None:
    for statement in _ROWS:
        values = {"w": workspace_id, "account": account_id, "deals": _DEALS}
        await tx.execute(text(statement), values)
