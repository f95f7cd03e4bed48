"""What people did beside the bookings' own stories, as a batch must know it.

Who is one with whom, who was entered, which deals were opened by hand, and whose stories must be told anew for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.bookings import store as bookings
from showup.companies import store as companies
from showup.companies.company import Company, domain_of_key
from showup.deals import store as deals
from showup.deals.deal import Turn
from showup.deeds import (
    MERGES,
    CompanyRecorded,
    DealOpened,
    Deed,
    HandDealChanged,
    Kind,
    Merged,
    MergeUndone,
    PersonRecorded,
    hand_key,
    name,
)
from showup.people import store as people
from showup.people.person import Person
from showup.pipeline.advance import merges
from showup.pipeline.advance.stories import Log
from showup.pipeline.merging import Identities, Merge, fold_merges


class HandDeal(Struct, frozen=True, kw_only=True):
    """A deal that somebody opened by hand: of which company (its key), and by which turns."""

    story_id: UUID
    company: str
    turns: list[Turn]


class ByHand(Struct, kw_only=True):
    """`retell` are bookings, `anew` names of people and companies of whom nothing that stands may be believed.

    `gone` are those who are known as somebody else since this batch. `waiting` are changes of deals nobody opened yet.
    `judged` are deeds, also of earlier batches, on which `refused` has the latest word.
    """

    identities: Identities
    retell: set[UUID] = set()
    anew: dict[Kind, set[str]] = {}
    gone: dict[Kind, set[str]] = {}
    people: list[Person] = []
    companies: list[Company] = []
    deals: list[HandDeal] = []
    refused: dict[UUID, str] = {}
    waiting: set[UUID] = set()
    judged: list[Deed] = []


async def read(connection: asyncpg.Connection, workspace_id: UUID, log: Log, deeds: Sequence[Deed]) -> ByHand:
    """What these deeds, and those of the past that they belong with, ask of the batch."""
    found = ByHand(
        identities=await merges.identities(connection, workspace_id),
        anew={"people": set(), "companies": set()},
        gone={"people": set(), "companies": set()},
    )
    touched = await _merge(connection, workspace_id, log, deeds, found)
    names = {name(deed.act, deed.event_id) for deed in deeds}
    names |= {f"deal:{one}" for one in await deals.opened_by_hand(connection, touched)}
    names |= {f"person:{email}" for email in found.anew["people"]} | found.anew["companies"]
    await recall(connection, workspace_id, log, found, names - {MERGES}, deeds)
    return found


async def recall(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    log: Log,
    found: ByHand,
    names: Iterable[str],
    deeds: Sequence[Deed] = (),
) -> None:
    """Takes in what people ever did to those who have these names, beside the deeds of the batch itself."""
    past = await log.of_deeds(connection, workspace_id, names)
    together = {deed.event_id: deed for deed in (*past, *deeds)}
    _record(found, together.values())
    _open_deals(found, together.values())


async def _merge(
    connection: asyncpg.Connection, workspace_id: UUID, log: Log, deeds: Sequence[Deed], found: ByHand
) -> list[UUID]:
    """Makes and undoes merges; the ids of the companies that this touches."""
    mine = [deed for deed in deeds if isinstance(deed.act, (Merged, MergeUndone))]
    if not mine:
        return []
    past = await log.of_deeds(connection, workspace_id, [MERGES])
    found.judged = list({deed.event_id: deed for deed in (*past, *mine)}.values())
    book = fold_merges(found.judged)
    stood = await merges.in_force(connection, workspace_id)
    made = [one for one in book.merges.values() if one.id not in stood]
    undone = [one for one in stood.values() if one.id not in book.merges]
    await merges.replace(connection, workspace_id, made=made, undone=undone)
    before, found.identities = found.identities, book.identities
    found.refused |= book.refused
    for one in (*made, *undone):
        for who in (before, found.identities):
            found.anew[one.kind] |= who.all_of(one.kind, one.gone) | who.all_of(one.kind, one.stays)
    return await _touch(connection, workspace_id, found, made)


async def _touch(
    connection: asyncpg.Connection, workspace_id: UUID, found: ByHand, made: Sequence[Merge]
) -> list[UUID]:
    for one in made:
        found.gone[one.kind].add(one.gone)
    stand = await companies.by_key(connection, workspace_id, found.anew["companies"])
    ids = [one.id for one in stand.values()]
    found.anew["people"] |= set(await people.of_companies(connection, ids))
    found.retell |= await bookings.listing(connection, workspace_id, found.anew["people"])
    found.retell |= await bookings.of_companies(connection, ids)
    return ids


def _record(found: ByHand, deeds: Iterable[Deed]) -> None:
    for deed in sorted(deeds, key=lambda one: one.order_key):
        match deed.act:
            case PersonRecorded():
                found.people.append(_person(deed, deed.act, found.identities))
            case CompanyRecorded():
                found.companies.append(_company(deed, deed.act, found.identities))
            case _:
                pass


def _person(deed: Deed, act: PersonRecorded, known_as: Identities) -> Person:
    seen = hand_key(deed.order_key)
    return Person(
        email=known_as.person(act.email),
        first_met_at=deed.source_at,
        last_met_at=deed.source_at,
        name=act.name,
        time_zone=act.time_zone,
        phone=act.phone,
        company_key=act.company,
        name_seen=seen if act.name is not None else "",
        time_zone_seen=seen if act.time_zone is not None else "",
        phone_seen=seen if act.phone is not None else "",
        company_seen=seen if act.company is not None else "",
        recorded=True,
    )


def _company(deed: Deed, act: CompanyRecorded, known_as: Identities) -> Company:
    key = known_as.company(name(act, deed.event_id))
    return Company(
        key=key,
        name=act.name or domain_of_key(key) or key,
        first_met_at=deed.source_at,
        last_met_at=deed.source_at,
        name_seen=hand_key(deed.order_key) if act.name is not None else "",
        recorded=True,
    )


def _open_deals(found: ByHand, deeds: Iterable[Deed]) -> None:
    stories: dict[str, list[Deed]] = defaultdict(list)
    for deed in sorted(deeds, key=lambda one: one.order_key):
        if isinstance(deed.act, (DealOpened, HandDealChanged)):
            stories[name(deed.act, deed.event_id)].append(deed)
    known = {deal.story_id for deal in found.deals}
    for told in stories.values():
        opened = next((deed for deed in told if isinstance(deed.act, DealOpened)), None)
        if opened is None:
            found.waiting |= {deed.event_id for deed in told}
            continue
        if opened.event_id in known:
            continue
        assert isinstance(opened.act, DealOpened), "just looked for"
        # What a person did to the deal is heard after its opening, whatever the clocks said.
        turns = [_turn(opened, opened.event_id), *(_turn(one, opened.event_id) for one in told if one is not opened)]
        company = found.identities.company(opened.act.company)
        found.deals.append(HandDeal(story_id=opened.event_id, company=company, turns=turns))


def _turn(deed: Deed, story_id: UUID) -> Turn:
    assert isinstance(deed.act, (DealOpened, HandDealChanged)), "only these make turns"
    return Turn(
        story_id=story_id,
        event_id=deed.event_id,
        kind="opened" if isinstance(deed.act, DealOpened) else "changed",
        at=deed.source_at,
        order_key=deed.order_key,
        change=deed.act.change,
        actor=deed.actor,
    )


def companies_named(found: ByHand) -> Mapping[str, Company]:
    """The companies that people entered, or for which they opened deals, by key."""
    named: dict[str, Company] = {}
    for one in (*found.companies, *(mentioned(deal.company, [turn.at for turn in deal.turns]) for deal in found.deals)):
        named[one.key] = named[one.key].told(one) if one.key in named else one
    return named


def mentioned(key: str, moments: Sequence[datetime]) -> Company:
    """A company of which no more is known than its key, and when it was spoken of."""
    return Company(key=key, name=domain_of_key(key) or key, first_met_at=min(moments), last_met_at=max(moments))
