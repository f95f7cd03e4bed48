"""What people do with the deals of a company: open, change, and say which bookings are theirs (PI12, AP2)."""

from collections.abc import Mapping
from uuid import UUID

from showup.deals.deal import FIRST_STAGE, MET_STAGE, Deal, DealChange, Turn, changed, deal_id, refusal
from showup.pipeline.deal_book import DealBook, Meeting
from showup.pipeline.rules import Rules

NO_DEAL = "there is no deal here: the booking belongs to no company, or none was opened"
_BY_HAND = "done by hand"


def opened(book: DealBook, turn: Turn, rules: Rules) -> None:
    """A deal without a booking; refused while the company has an active one."""
    change = turn.change or DealChange()
    if book.active is not None:
        book.refused[turn.event_id] = "the company has an active deal, and at most one can be"
        return
    new = Deal(
        id=deal_id(turn.story_id),
        status="active",
        stage=FIRST_STAGE,
        owner_email=None,
        opened_by=turn.story_id,
        cancelled_by=None,
        position=0,
        opened_at=turn.at,
        stage_entered_at=turn.at,
        closed_at=None,
        updated_at=turn.at,
    )
    if because := refusal(new, change, rules.stages, another_is_active=False):
        book.refused[turn.event_id] = because
        return
    deal = changed(new, change, turn.at)
    book.open(deal)
    _remember(book, deal)
    book.note(turn, "deal.opened", _BY_HAND, deal.id, {"status": [None, deal.status], "stage": [None, deal.stage]})


def changed_by_hand(book: DealBook, turn: Turn, rules: Rules) -> None:
    """Another stage, status, owner or amount, as far as the rules allow it."""
    found = _deal_of(book, turn.story_id)
    if found is None or turn.change is None:
        book.refused[turn.event_id] = NO_DEAL
        return
    deal = book.by_id[found]
    if because := refusal(deal, turn.change, rules.stages, another_is_active=book.active not in (None, deal.id)):
        book.refused[turn.event_id] = because
        book.note(turn, "deal.refused", because, deal.id)
        return
    after = changed(deal, turn.change, turn.at)
    if after != deal:
        book.change(turn, after, _what(deal, after), after.lost_reason or _BY_HAND)
    _remember(book, after)


def attached(book: DealBook, meeting: Meeting, turn: Turn, stories: Mapping[str, UUID]) -> None:
    """The booking is of another deal; one that it had opened, and that is nobody else's, never was."""
    story = stories.get(turn.to or "")
    found = None if story is None else _deal_of(book, story)
    if found is None:
        book.refused[turn.event_id] = "the company has no such deal"
        return
    left = meeting.deal
    meeting.deal, meeting.attached = found, True
    if left == found:
        return
    if left is not None and _is_needless(book, left):
        book.drop(left)
    book.note(turn, "deal.joined", "a booking was attached to it by hand", found)


def _deal_of(book: DealBook, story_id: UUID) -> UUID | None:
    """The deal that this story opened; else the one that its booking is of."""
    own = deal_id(story_id)
    if own in book.by_id:
        return own
    return book.meetings[story_id].deal if story_id in book.meetings else None


def _is_needless(book: DealBook, deal: UUID) -> bool:
    return deal not in book.changed_by_hand and all(other.deal != deal for other in book.meetings.values())


def _remember(book: DealBook, deal: Deal) -> None:
    book.changed_by_hand.add(deal.id)
    if deal.stage == MET_STAGE:
        book.met_by_hand.add(deal.id)
    else:
        book.met_by_hand.discard(deal.id)


def _what(before: Deal, after: Deal) -> str:
    if before.status != after.status:
        return "deal.reopened" if after.status == "active" else f"deal.{after.status}"
    return "deal.moved" if before.stage != after.stage else "deal.changed"
