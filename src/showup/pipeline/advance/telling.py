"""The stories of a batch, told; and those that must be told with them, because somebody is in none of them any more."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.bookings import store as bookings
from showup.bookings.store import Standing
from showup.companies import store as companies
from showup.companies.company import company_id
from showup.deals import store as deals
from showup.people import store as people
from showup.pipeline.advance import by_hand
from showup.pipeline.advance.by_hand import ByHand
from showup.pipeline.advance.stories import Group, Log, gather
from showup.pipeline.rules import RuleBook
from showup.pipeline.story import Story, tell


class Told(Struct, frozen=True, kw_only=True):
    """A story that stands on a booking, and what stood of it before: `merged` are bookings that turned out to be it."""

    booking_id: UUID
    group: Group
    story: Story
    before: Standing | None
    merged: list[Standing] = []

    @property
    def standing(self) -> list[Standing]:
        """All that stood of it before."""
        return self.merged if self.before is None else [self.before, *self.merged]

    @property
    def emails_before(self) -> set[str]:
        """The people it listed before."""
        return {email for one in self.standing for email in one.emails}


async def tell_all(connection: asyncpg.Connection, groups: Sequence[Group], rules: RuleBook) -> list[Told]:
    """The stories of those groups that stand on a booking."""
    ids = [one for group in groups for one in (group.booking_id, *group.merged) if one is not None]
    standing = await bookings.standing(connection, ids)
    return [
        Told(
            booking_id=group.booking_id,
            group=group,
            story=tell(group.booking_id, [*group.history, *group.news], rules),
            before=standing.get(group.booking_id),
            merged=[standing[one] for one in group.merged],
        )
        for group in groups
        if group.booking_id is not None
    ]


async def tell_of_the_lost(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    log: Log,
    told: Sequence[Told],
    hand: ByHand,
    rules: RuleBook,
    *,
    everybody: bool,
) -> list[Told]:
    """A story told anew may have lost somebody whom only news out of order had shown, or turned out to be another
    company's. What that news said of them must go, so they are read anew from all the stories that know them."""
    stood = [before for one in told for before in one.standing]
    # Each story by itself: that another of the batch knows them too takes nothing back of what this one had said.
    lost = {email for one in told for email in one.emails_before if everybody or email not in one.story.people}
    left = {
        before.company_id
        for one in told
        for before in one.standing
        if everybody or before.company_id != _company_id(workspace_id, one.story, hand)
    }
    if lost:
        known = await people.by_email(connection, workspace_id, {hand.identities.person(one) for one in lost})
        left |= {one.company_id for one in known.values()}
    left.discard(None)
    if not lost and not left:
        return []
    lost |= set(await people.of_companies(connection, left))
    await _forget(connection, workspace_id, log, hand, lost, left)
    others = await bookings.listing(connection, workspace_id, lost) | await bookings.of_companies(connection, left)
    # Bookings that turned out to be one are told as one, though each still stands by itself.
    groups = await gather(connection, workspace_id, log, [], others - {before.id for before in stood})
    return await tell_all(connection, groups, rules)


def _company_id(workspace_id: UUID, story: Story, hand: ByHand) -> UUID | None:
    return None if story.company_key is None else company_id(workspace_id, hand.identities.company(story.company_key))


async def _forget(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    log: Log,
    hand: ByHand,
    emails: Iterable[str],
    company_ids: Iterable[UUID | None],
) -> None:
    known = {name for email in emails for name in hand.identities.all_of("people", email)}
    keys = set(await companies.keys_of(connection, company_ids))
    hand.anew["people"] |= known
    hand.anew["companies"] |= keys
    names = {f"person:{email}" for email in known} | keys
    names |= {f"deal:{one}" for one in await deals.opened_by_hand(connection, [one for one in company_ids if one])}
    await by_hand.recall(connection, workspace_id, log, hand, names)
