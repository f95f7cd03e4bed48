"""What became of each event of a batch, and of those of earlier batches whose stories it told anew."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from showup.deeds import Deed
from showup.deliveries.delivery import Wake
from showup.events import News, SeatLeft
from showup.pipeline.advance.by_hand import ByHand
from showup.pipeline.advance.deals import Dealt
from showup.pipeline.advance.stories import Group
from showup.pipeline.advance.telling import Told


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one event: the booking it belongs to, if it is about one; `waits`: it is not known yet.

    `refused`: why it changed nothing, where it did not.
    """

    event_id: UUID
    booking_id: UUID | None
    refused: str | None = None
    waits: bool = False


class Advanced(Struct, frozen=True, kw_only=True):
    """What became of a batch. `merged`: by the id of a booking that went, the one it turned out to be.

    `retold` are the events of earlier batches whose stories were told anew: what they mean may have changed. `wakes`:
    when somebody must look at what is to be told.
    """

    outcomes: list[Outcome]
    retold: list[Outcome]
    merged: dict[UUID, UUID]
    wakes: list[Wake] = []


def outcomes_of(
    groups: Sequence[Group],
    told: Sequence[Told],
    dealt: Dealt,
    hand: ByHand,
    deeds: Sequence[Deed],
) -> Advanced:
    """What became of everything that the batch brought or touched."""
    merged = {gone: one.booking_id for one in told for gone in one.group.merged}
    refused = {event: because for one in told for event, because in _refused(one).items()}
    refused |= dealt.refused
    refused |= hand.refused
    outcomes = [_outcome(group, item, refused) for group in groups for item in group.news if _is_own(item)]
    outcomes += [_of_deed(deed, hand, refused) for deed in deeds]
    retold = [_outcome(group, item, refused) for group in groups for item in group.history if _is_own(item)]
    retold += [_of_deed(deed, hand, refused) for deed in hand.judged if deed not in deeds]
    return Advanced(outcomes=outcomes, retold=[*retold, *_of_others(outcomes, retold, dealt)], merged=merged)


def _refused(told: Told) -> dict[UUID, str]:
    own = {item.event_id for item in (*told.group.news, *told.group.history) if _is_own(item)}
    return {event: because for event, because in told.story.refused.items() if event in own}


def _is_own(item: News) -> bool:
    """A seat that was left is the other half of an event that is settled with another booking."""
    return not isinstance(item.event, SeatLeft)


def _outcome(group: Group, item: News, refused: Mapping[UUID, str]) -> Outcome:
    if group.booking_id is None:
        return Outcome(event_id=item.event_id, booking_id=None, waits=True)
    return Outcome(event_id=item.event_id, booking_id=group.booking_id, refused=refused.get(item.event_id))


def _of_deed(deed: Deed, hand: ByHand, refused: Mapping[UUID, str]) -> Outcome:
    waits = deed.event_id in hand.waiting
    return Outcome(event_id=deed.event_id, booking_id=None, refused=refused.get(deed.event_id), waits=waits)


def _of_others(outcomes: Sequence[Outcome], retold: Sequence[Outcome], dealt: Dealt) -> list[Outcome]:
    """What people had done to these deals in stories that this batch did not tell may be refused now, or no more."""
    known = {one.event_id for one in (*outcomes, *retold)}
    return [
        Outcome(event_id=event_id, booking_id=booking_id, refused=dealt.refused.get(event_id))
        for event_id, booking_id in dealt.by_hand.items()
        if event_id not in known
    ]
