"""The deals of every company that a batch touches, folded anew from the turns of all its bookings."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.bookings import store as bookings
from showup.deals import store as deals
from showup.deals.deal import Deal, Turn
from showup.pipeline.advance import turns
from showup.pipeline.advance.turns import TurnsOf
from showup.pipeline.deal_book import DealBook
from showup.pipeline.dealing import fold_deals
from showup.pipeline.dealing_by_hand import NO_DEAL
from showup.pipeline.journal import Entry
from showup.pipeline.rules import RuleBook

_DEAL = "deal:"


class Dealt(Struct, frozen=True, kw_only=True):
    """`since` says, by company that was folded, from which order key on the lines of its deals may differ; `deal_of`,
    by booking, which other deal it is of now (None: of none).

    `states` has the deal of each of the `entries`, as that left it.

    `by_hand` are the events by which people changed these deals: the booking of each, None for a deal without one;
    `refused` says why not.
    """

    since: Mapping[UUID, str] = {}
    deal_of: Mapping[UUID, UUID | None] = {}
    entries: Sequence[Entry] = ()
    states: Sequence[Deal] = ()
    by_hand: Mapping[UUID, UUID | None] = {}
    refused: Mapping[UUID, str] = {}


async def deal(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    told: Sequence[TurnsOf],
    rules: RuleBook,
    *,
    surely: Iterable[UUID] = (),
) -> Dealt:
    """Saves the deals that the turns make, of every company whose turns have changed.

    `surely` are companies to be folded even so: one of their bookings was another one, or rules changed.
    """
    touched = {one for of in told for one in of.companies}
    standing = await deals.turns_of(connection, touched | set(surely))
    since = turns.changed(told, standing) | dict.fromkeys(surely, turns.BEGINNING)
    changed = since.keys()
    homeless = _without_a_company(told)
    if not changed:
        return Dealt(refused=homeless)
    now = _turns_now(told, standing, changed)
    deals_before = await deals.of_companies(connection, changed)
    deal_of_before = await bookings.deals_of(connection, changed)
    stories = await _named_stories(connection, workspace_id, now)
    books = {one: fold_deals(now.get(one, ()), rules, stories) for one in changed}
    await _save(connection, workspace_id, books, deals_before)
    await deals.replace_turns(connection, turns.rests(told, standing))
    deal_of = _deal_of(books)
    entries = _entries(books, since)
    return Dealt(
        since=since,
        deal_of={one: deal_of.get(one) for one, was in deal_of_before.items() if deal_of.get(one) != was},
        entries=[entry for entry, _ in entries],
        states=[state for _, state in entries],
        by_hand=_by_hand(now),
        refused=homeless | {one: because for book in books.values() for one, because in book.refused.items()},
    )


def _entries(books: Mapping[UUID, DealBook], since: Mapping[UUID, str]) -> list[tuple[Entry, Deal]]:
    """The lines that may be new, each with its deal as it left it."""
    return [
        (Entry(line=line, company_id=company_id), state)
        for company_id, book in books.items()
        for line, state in zip(book.lines, book.states, strict=True)
        if line.order_key >= since[company_id]
    ]


def _without_a_company(told: Sequence[TurnsOf]) -> dict[UUID, str]:
    """What people wanted of deals of bookings that belong to no company, by event: why it was not done."""
    wanted = [turn for of in told if of.company_id is None for turn in of.turns]
    return {turn.event_id: NO_DEAL for turn in wanted if turn.kind in turns.WANTED}


def _by_hand(now: Mapping[UUID, list[Turn]]) -> dict[UUID, UUID | None]:
    by_hand = [turn for of_company in now.values() for turn in of_company if turn.actor is not None]
    opened = {turn.story_id for turn in by_hand if turn.kind == "opened"}
    return {turn.event_id: None if turn.story_id in opened else turn.story_id for turn in by_hand}


async def _named_stories(
    connection: asyncpg.Connection, workspace_id: UUID, now: Mapping[UUID, list[Turn]]
) -> dict[str, UUID]:
    """The stories that turns of attachment name: bookings by their names, deals by the event that opened them."""
    names = {turn.to for of_company in now.values() for turn in of_company if turn.to is not None}
    if not names:
        return {}
    by_hand = {one: UUID(one.removeprefix(_DEAL)) for one in names if one.startswith(_DEAL)}
    return by_hand | await bookings.ids_of_names(connection, workspace_id, names - by_hand.keys())


def _turns_now(
    told: Sequence[TurnsOf], standing: Mapping[UUID, list[Turn]], changed: Iterable[UUID]
) -> dict[UUID, list[Turn]]:
    retold = {of.story_id for of in told}
    now = {one: [turn for turn in standing.get(one, ()) if turn.story_id not in retold] for one in changed}
    for of in told:
        if of.company_id in now:
            now[of.company_id].extend(of.turns)
    return now


def _deal_of(books: Mapping[UUID, DealBook]) -> dict[UUID, UUID | None]:
    return {booking_id: deal_id for book in books.values() for booking_id, deal_id in book.deal_of.items()}


async def _save(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    books: Mapping[UUID, DealBook],
    before: Mapping[UUID, list[Deal]],
) -> None:
    stood = {one.id: (company_id, one) for company_id, of_company in before.items() for one in of_company}
    kept = {one for book in books.values() for one in book.by_id}
    changed = [
        (company_id, one)
        for company_id, book in books.items()
        for one in book.deals
        if stood.get(one.id) != (company_id, one)
    ]
    moved = [one.id for company_id, one in changed if one.id in stood and stood[one.id][0] != company_id]
    await deals.close_for_moving(connection, moved)
    await deals.save(connection, workspace_id, changed, [one for _, one in stood.values() if one.id not in kept])
