"""The deals of a workspace in PostgreSQL, and the turns of which they are the sum."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from showup.database import bulk
from showup.database.tables import deal_aliases, deal_turns, deals
from showup.deals.deal import Deal, DealChange, Turn

_DEAL = tuple(Deal.__struct_fields__)


class _ByHand(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a turn by hand has beyond others; NULL for those of sources."""

    change: DealChange | None = None
    to: str | None = None
    actor: str | None = None


_by_hand = msgspec.json.Decoder(_ByHand)
_NOTHING_BY_HAND = _ByHand()


async def turns_of(connection: asyncpg.Connection, company_ids: Iterable[UUID]) -> dict[UUID, list[Turn]]:
    """By company, the turns of all its stories, each story's in its own order."""
    rows = await connection.fetch(
        """
        SELECT company_id, story_id, event_id, kind, at, order_key, start_time, organizer_email, by_hand::text
        FROM deal_turns WHERE company_id = ANY($1::uuid[]) ORDER BY story_id, position
        """,
        list(company_ids),
    )
    found: dict[UUID, list[Turn]] = defaultdict(list)
    for company_id, story_id, event_id, kind, at, order_key, start_time, organizer_email, by_hand in rows:
        more = _NOTHING_BY_HAND if by_hand is None else _by_hand.decode(by_hand)
        turn = Turn(
            story_id=story_id,
            event_id=event_id,
            kind=kind,
            at=at,
            order_key=order_key,
            start_time=start_time,
            organizer_email=organizer_email,
            change=more.change,
            to=more.to,
            actor=more.actor,
        )
        found[company_id].append(turn)
    return found


async def opened_by_hand(connection: asyncpg.Connection, company_ids: Iterable[UUID]) -> list[UUID]:
    """The events by which people opened deals of these companies."""
    rows = await connection.fetch(
        "SELECT story_id FROM deal_turns WHERE company_id = ANY($1::uuid[]) AND kind = 'opened'", list(company_ids)
    )
    return [row["story_id"] for row in rows]


async def companies_with_deals_by_hand(connection: asyncpg.Connection, workspace_id: UUID) -> list[UUID]:
    """The companies of the workspace for which people opened deals."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT t.company_id FROM deal_turns t JOIN companies c ON c.id = t.company_id
        WHERE c.workspace_id = $1 AND t.kind = 'opened'
        """,
        workspace_id,
    )
    return [row["company_id"] for row in rows]


async def companies_of_stories(connection: asyncpg.Connection, story_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """By story, the company that its turns are of, where it has any."""
    rows = await connection.fetch(
        "SELECT DISTINCT story_id, company_id FROM deal_turns WHERE story_id = ANY($1::uuid[])", list(story_ids)
    )
    return {row["story_id"]: row["company_id"] for row in rows}


class Rest(Struct, frozen=True, kw_only=True):
    """What the turns of a story are from one position on."""

    story_id: UUID
    company_id: UUID | None
    since: int
    turns: Sequence[Turn]


async def replace_turns(connection: asyncpg.Connection, rests: Sequence[Rest]) -> None:
    """From these positions on, the turns of these stories are those given; a story of no company has none."""
    await connection.execute(
        """
        DELETE FROM deal_turns t USING unnest($1::uuid[], $2::int[]) AS kept(story_id, many)
        WHERE t.story_id = kept.story_id AND t.position >= kept.many
        """,
        [one.story_id for one in rests],
        [one.since for one in rests],
    )
    rows = [
        {
            "company_id": one.company_id,
            "story_id": turn.story_id,
            "position": position,
            "order_key": turn.order_key,
            "at": turn.at,
            "event_id": turn.event_id,
            "kind": turn.kind,
            "organizer_email": turn.organizer_email,
            "start_time": turn.start_time,
            "by_hand": _more(turn),
        }
        for one in rests
        if one.company_id is not None
        for position, turn in enumerate(one.turns, start=one.since)
    ]
    await bulk.insert(connection, deal_turns, rows)


def _more(turn: Turn) -> dict[str, Any] | None:
    if turn.actor is None:
        return None
    more = _ByHand(change=turn.change, to=turn.to, actor=turn.actor)
    return dict(msgspec.to_builtins(more))


async def of_companies(connection: asyncpg.Connection, company_ids: Iterable[UUID]) -> dict[UUID, list[Deal]]:
    """By company, its deals in the order of their opening."""
    rows = await connection.fetch(
        """
        SELECT id, company_id, status, stage, owner_email, opened_by, cancelled_by, position, opened_at,
               stage_entered_at, closed_at, updated_at, amount, currency, lost_reason
        FROM deals WHERE company_id = ANY($1::uuid[]) ORDER BY company_id, position
        """,
        list(company_ids),
    )
    found: dict[UUID, list[Deal]] = defaultdict(list)
    for row in rows:
        found[row["company_id"]].append(Deal(**{key: row[key] for key in _DEAL}))
    return found


async def close_for_moving(connection: asyncpg.Connection, deal_ids: Sequence[UUID]) -> None:
    """Deals that go over to another company are not active for that while: both may have one that opens now, and which
    of the rows is written first is PostgreSQL's choice."""
    if deal_ids:
        await connection.execute("UPDATE deals SET status = 'cancelled' WHERE id = ANY($1::uuid[])", deal_ids)


async def save(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    changed: Sequence[tuple[UUID, Deal]],
    gone: Sequence[Deal],
) -> None:
    """Writes changed deals, as (company id, deal), and removes those that a story told anew never opened; their ids
    lead on to the deal of the booking that had opened them.

    What closes goes before what opens, since at most one deal of a company is active at any moment.
    """
    if gone:
        ids = [deal.id for deal in gone]
        await connection.execute("UPDATE bookings SET deal_id = NULL WHERE deal_id = ANY($1::uuid[])", ids)
        await connection.execute("DELETE FROM deals WHERE id = ANY($1::uuid[])", ids)
        aliases = [{"alias_id": one.id, "opened_by": one.opened_by, "workspace_id": workspace_id} for one in gone]
        await bulk.insert_new(connection, deal_aliases, aliases)
    rows = [
        {"workspace_id": workspace_id, "company_id": company_id, "created_at": deal.opened_at}
        | {name: getattr(deal, name) for name in _DEAL}
        for company_id, deal in changed
    ]
    await bulk.upsert(connection, deals, [row for row in rows if row["status"] != "active"], key=("id",))
    await bulk.upsert(connection, deals, [row for row in rows if row["status"] == "active"], key=("id",))
