"""One batch of news moves the pipeline: loaded at once, told one story at a time, saved at once.

`advance` runs in its caller's transaction, under the lock of the workspace, and never commits. A batch of one and of
five hundred, what people do, replay and rebuild all come through here.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from showup.bookings import store as bookings
from showup.bookings.store import StoredBooking
from showup.companies.company import company_id as id_of_company
from showup.deals import store as deals
from showup.deeds import Deed
from showup.deliveries import store as deliveries
from showup.deliveries import subscribing
from showup.deliveries.delivery import Wake
from showup.events import News
from showup.pipeline import journal
from showup.pipeline.advance import by_hand
from showup.pipeline.advance.by_hand import ByHand
from showup.pipeline.advance.deal_telling import Fresh, fresh, tell_deals
from showup.pipeline.advance.deals import Dealt, deal
from showup.pipeline.advance.lines import deliveries_of, entries_of, entries_of_deeds
from showup.pipeline.advance.meeting import Met, meet, part
from showup.pipeline.advance.outcomes import Advanced, outcomes_of
from showup.pipeline.advance.stories import NOTHING_AGAIN, Log, Retelling, gather
from showup.pipeline.advance.telling import Told, tell_all, tell_of_the_lost
from showup.pipeline.advance.turns import TurnsOf
from showup.pipeline.rules import RuleBook
from showup.pipeline.story import Story


async def advance(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    news: Sequence[News],
    rules: RuleBook,
    log: Log,
    *,
    deeds: Sequence[Deed] = (),
    again: Retelling = NOTHING_AGAIN,
) -> Advanced:
    """Changes everything that the news and deeds change, and says what became of each; what is to be told `again`,
    because rules changed, is told again."""
    hand = await by_hand.read(connection, workspace_id, log, deeds)
    groups = await gather(connection, workspace_id, log, news, again.bookings | hand.retell)
    told = await tell_all(connection, groups, rules)
    more = await tell_of_the_lost(connection, workspace_id, log, told, hand, rules, everybody=again.everybody)
    told = [*told, *more]
    await _merge(connection, workspace_id, told)
    met = await meet(connection, workspace_id, [one.story for one in told], hand)
    await _save(connection, workspace_id, told, met, hand)
    dealt = await _deal(connection, workspace_id, told, met, hand, rules, again)
    await _write_down(connection, workspace_id, told, met, dealt, hand, deeds)
    wakes = await _call_for(connection, workspace_id, told, dealt, fresh(told, deeds, rules))
    await _part(connection, workspace_id, told, met, hand)
    return replace(outcomes_of([*groups, *(one.group for one in more)], told, dealt, hand, deeds), wakes=wakes)


async def _merge(connection: asyncpg.Connection, workspace_id: UUID, told: Sequence[Told]) -> None:
    merged = {gone: one.booking_id for one in told for gone in one.group.merged}
    if merged:
        await deliveries.move(connection, merged)
        await bookings.merge(connection, workspace_id, merged)


async def _save(
    connection: asyncpg.Connection, workspace_id: UUID, told: Sequence[Told], met: Met, hand: ByHand
) -> None:
    await bookings.save(connection, workspace_id, [_stored(one, met, hand) for one in told])
    names = {name: one.booking_id for one in told for name in sorted(one.group.names)}
    await bookings.save_names(connection, workspace_id, names)


def _stored(told: Told, met: Met, hand: ByHand) -> StoredBooking:
    story = told.story
    assert story.booking is not None, "a story with an id stands on a booking"
    assert story.began_at is not None, "a story that stands began"
    company_id = _company_id(story, met, hand)
    return StoredBooking(
        id=told.booking_id,
        account_id=_account_id([*told.group.history, *told.group.news]),
        booking=story.booking,
        company_id=company_id,
        # Which deal of its company it is of, the fold of the deals will say; of none, if it has no company any more.
        deal_id=told.before.deal_id if told.before is not None and company_id is not None else None,
        person_ids=met.person_ids,
        created_at=story.began_at,
        updated_at=story.changed_at or story.began_at,
    )


def _account_id(news: Sequence[News]) -> UUID:
    """Of several accounts that tell of a booking, the one that was the first to, by source time."""
    told = sorted((item.order_key, item.account_id) for item in news if item.account_id is not None)
    assert told, "what founds a booking came from an account"
    return told[0][1]


def _company_id(story: Story, met: Met, hand: ByHand) -> UUID | None:
    return None if story.company_key is None else met.company_ids[hand.identities.company(story.company_key)]


async def _deal(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    told: Sequence[Told],
    met: Met,
    hand: ByHand,
    rules: RuleBook,
    again: Retelling,
) -> Dealt:
    before = await deals.companies_of_stories(connection, [one.story_id for one in hand.deals]) if hand.deals else {}
    turns = [
        TurnsOf(
            story_id=one.booking_id,
            company_id=_company_id(one.story, met, hand),
            company_before=one.before.company_id if one.before is not None else None,
            turns=one.story.turns,
        )
        for one in told
    ]
    turns += [
        TurnsOf(
            story_id=one.story_id,
            company_id=met.company_ids[one.company],
            company_before=before.get(one.story_id),
            turns=one.turns,
        )
        for one in hand.deals
    ]
    surely = {gone.company_id for one in told for gone in one.merged}
    surely |= {
        _company_id(one.story, met, hand) for one in told if not one.group.news or one.booking_id in again.bookings
    }
    if again is not NOTHING_AGAIN:
        surely |= set(await deals.companies_with_deals_by_hand(connection, workspace_id))
    dealt = await deal(connection, workspace_id, turns, rules, surely={one for one in surely if one is not None})
    await bookings.save_deals(connection, dealt.deal_of)
    return dealt


async def _write_down(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    told: Sequence[Told],
    met: Met,
    dealt: Dealt,
    hand: ByHand,
    deeds: Sequence[Deed],
) -> None:
    ids = [one.booking_id for one in told]
    deeds = list({deed.event_id: deed for deed in (*hand.judged, *deeds)}.values())
    entries = [
        entry for one in told for entry in entries_of(one.booking_id, one.story, met, _company_id(one.story, met, hand))
    ]
    await journal.rewrite(
        connection,
        workspace_id,
        booking_ids=[*ids, *(gone for one in told for gone in one.group.merged)],
        deals_since=dealt.since,
        deeds=[deed.event_id for deed in deeds],
        entries=[*entries, *dealt.entries, *entries_of_deeds(workspace_id, deeds, hand)],
    )


async def _call_for(
    connection: asyncpg.Connection, workspace_id: UUID, told: Sequence[Told], dealt: Dealt, events: Mapping[UUID, Fresh]
) -> list[Wake]:
    """Writes what is to be told to the outside; when somebody must look at it."""
    subscriptions = await subscribing.of_workspace(connection, workspace_id)
    ids = [one.booking_id for one in told]
    wanted = [delivery for one in told for delivery in deliveries_of(one.booking_id, one.story, subscriptions)]
    untold = {one.booking_id for one in told if not one.group.news}
    wakes = await deliveries.rewrite(connection, workspace_id, booking_ids=ids, wanted=wanted, untold=untold)
    return wakes + await tell_deals(connection, workspace_id, dealt, events, subscriptions)


async def _part(
    connection: asyncpg.Connection, workspace_id: UUID, told: Sequence[Told], met: Met, hand: ByHand
) -> None:
    people_before = {email for one in told for email in one.emails_before}
    people_now = {email for one in told for email in one.story.people}
    companies_before = {one.company_id for of in told for one in of.standing if one.company_id is not None}
    # A company may only have stood because another was known as it.
    companies_before |= {id_of_company(workspace_id, key) for key in hand.anew["companies"]}
    companies_now = set(met.company_ids.values())
    await part(connection, workspace_id, hand, people_before - people_now, companies_before - companies_now)
