"""The deals of every company that a batch touches, folded anew from the turns of all its bookings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.bookings import store as bookings
from showup.deals import store as deals
from showup.deals.deal import Deal, Turn
from showup.pipeline.dealing import DealBook, fold_deals
from showup.pipeline.journal import Entry
from showup.pipeline.rules import Rules


class TurnsOf(Struct, frozen=True, kw_only=True):
    """What one booking means for deals: of which company, now and before, and by which turns."""

    booking_id: UUID
    company_id: UUID | None
    company_before: UUID | None
    turns: list[Turn]


class Dealt(Struct, frozen=True, kw_only=True):
    """`company_ids` were folded; `deal_of` says, by booking, which other deal it is of now (None: of none)."""

    company_ids: frozenset[UUID]
    deal_of: Mapping[UUID, UUID | None]
    entries: Sequence[Entry]


async def deal(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    told: Sequence[TurnsOf],
    rules: Rules,
    *,
    lost_a_booking: Iterable[UUID] = (),
) -> Dealt:
    """Saves the deals that the turns make, of every company whose turns have changed.

    `lost_a_booking` are companies one of whose bookings turned out to be another one.
    """
    touched = {one for of in told for one in (of.company_id, of.company_before) if one is not None}
    standing = await deals.turns_of(connection, touched | set(lost_a_booking))
    changed = _changed(told, standing) | set(lost_a_booking)
    if not changed:
        return Dealt(company_ids=frozenset(), deal_of={}, entries=[])
    now = _turns_now(told, standing, changed)
    deals_before = await deals.of_companies(connection, changed)
    deal_of_before = await bookings.deals_of(connection, changed)
    books = {one: fold_deals(now.get(one, ()), rules, deals_before.get(one, ())) for one in changed}
    await _save(connection, workspace_id, told, books, deals_before)
    deal_of = _deal_of(books)
    return Dealt(
        company_ids=frozenset(changed),
        deal_of={one: deal_of.get(one) for one, was in deal_of_before.items() if deal_of.get(one) != was},
        entries=[Entry(line=line, company_id=company_id) for company_id, book in books.items() for line in book.lines],
    )


def _changed(told: Sequence[TurnsOf], standing: Mapping[UUID, list[Turn]]) -> set[UUID]:
    """A company whose bookings mean what they meant needs no fold: most news of a meeting is like that."""
    before: dict[UUID, list[Turn]] = defaultdict(list)
    for turns in standing.values():
        for turn in turns:
            before[turn.booking_id].append(turn)
    changed: set[UUID] = set()
    for of in told:
        if of.company_id != of.company_before or of.turns != before[of.booking_id]:
            changed.update(one for one in (of.company_id, of.company_before) if one is not None)
    return changed


def _turns_now(
    told: Sequence[TurnsOf], standing: Mapping[UUID, list[Turn]], changed: Iterable[UUID]
) -> dict[UUID, list[Turn]]:
    retold = {of.booking_id for of in told}
    now = {one: [turn for turn in standing.get(one, ()) if turn.booking_id not in retold] for one in changed}
    for of in told:
        if of.company_id in now:
            now[of.company_id].extend(of.turns)
    return now


def _deal_of(books: Mapping[UUID, DealBook]) -> dict[UUID, UUID | None]:
    return {booking_id: deal_id for book in books.values() for booking_id, deal_id in book.deal_of.items()}


async def _save(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    told: Sequence[TurnsOf],
    books: Mapping[UUID, DealBook],
    before: Mapping[UUID, list[Deal]],
) -> None:
    stood = {one.id: one for of_company in before.values() for one in of_company}
    kept = {one.id for book in books.values() for one in book.deals}
    changed = [
        (company_id, one) for company_id, book in books.items() for one in book.deals if stood.get(one.id) != one
    ]
    await deals.save(connection, workspace_id, changed, [one for one in stood if one not in kept])
    retold = [of for of in told if of.company_id in books or of.company_before in books]
    await deals.replace_turns(
        connection,
        [of.booking_id for of in retold],
        [(of.company_id, of.turns) for of in retold if of.company_id is not None],
    )
