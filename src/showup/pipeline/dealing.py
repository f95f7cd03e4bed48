"""A company's deals: the turns of all its bookings folded in source order (PI1, PI4, PI5, PI7).

At most one deal is active at a time, by construction: a deal is opened or reopened only when none is.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from showup.deals.deal import FIRST_STAGE, MET_STAGE, Deal, Turn, deal_id
from showup.pipeline import dealing_by_hand
from showup.pipeline.deal_book import DealBook, Meeting
from showup.pipeline.rules import RuleBook, Rules

_NO_STORIES: Mapping[str, UUID] = {}


def fold_deals(turns: Iterable[Turn], rules: RuleBook, stories: Mapping[str, UUID] = _NO_STORIES) -> DealBook:
    """The deals that the turns make, each turn under the rules of its time.

    `stories` are the bookings, and the events by which deals were opened, that turns of attachment name.
    """
    book = DealBook()
    for turn in sorted(turns, key=lambda turn: turn.order_key):
        _take(book, turn, rules.at(turn.at), stories)
    return book


def _take(book: DealBook, turn: Turn, rules: Rules, stories: Mapping[str, UUID]) -> None:
    if turn.kind == "opened":
        dealing_by_hand.opened(book, turn, rules)
        return
    if turn.kind == "changed":
        dealing_by_hand.changed_by_hand(book, turn, rules)
        return
    meeting = book.meeting(turn.story_id)
    meeting.start_time = turn.start_time
    match turn.kind:
        case "booked":
            _booked(book, meeting, turn)
        case "cancelled":
            meeting.stands = False
            _cancelled(book, meeting, turn, rules)
        case "suspended":
            meeting.stands = False
        case "moved":
            meeting.stands = True
        case "showed":
            meeting.showed = True
            _showed(book, meeting, turn)
        case "unshowed":
            meeting.showed = False
            _unshowed(book, meeting, turn)
        case "reassigned":
            _reassigned(book, meeting, turn)
        case "attached":
            dealing_by_hand.attached(book, meeting, turn, stories)
    meeting.hosted_by.add(turn.organizer_email)


def _booked(book: DealBook, meeting: Meeting, turn: Turn) -> None:
    meeting.stands = True
    if meeting.deal is None:
        _joined_or_opened(book, meeting, turn)
        return
    deal = book.by_id[meeting.deal]
    if deal.status != "cancelled" or deal.cancelled_by != turn.story_id:
        return
    if book.active is not None:
        meeting.deal = book.active
        book.note(turn, "deal.joined", "it stands again, and its company has another active deal by now", meeting.deal)
        return
    after = replace(deal, status="active", cancelled_by=None, closed_at=None)
    book.change(turn, after, "deal.reopened", "the meeting whose cancellation had cancelled it stands again")


def _joined_or_opened(book: DealBook, meeting: Meeting, turn: Turn) -> None:
    if book.active is not None:
        meeting.deal = book.active
        book.note(turn, "deal.joined", "another meeting of the same company", book.active)
        return
    meeting.deal = deal_id(turn.story_id)
    deal = Deal(
        id=meeting.deal,
        status="active",
        stage=FIRST_STAGE,
        owner_email=turn.organizer_email,
        opened_by=turn.story_id,
        cancelled_by=None,
        position=0,
        opened_at=turn.at,
        stage_entered_at=turn.at,
        closed_at=None,
        updated_at=turn.at,
    )
    book.open(deal)
    because = "a meeting was booked, and the company had no active deal"
    book.note(turn, "deal.opened", because, deal.id, {"status": [None, "active"], "stage": [None, FIRST_STAGE]})


def _cancelled(book: DealBook, meeting: Meeting, turn: Turn, rules: Rules) -> None:
    if meeting.deal is None or book.by_id[meeting.deal].status != "active":
        return
    deal = book.by_id[meeting.deal]
    if rules.cancel_deal == "last_meeting" and _another_ahead(book, deal.id, turn.at):
        book.note(turn, "deal.kept", "another meeting of the deal is ahead", deal.id)
        return
    after = replace(deal, status="cancelled", cancelled_by=turn.story_id, closed_at=turn.at)
    book.change(turn, after, "deal.cancelled", "its meeting was called off")


def _another_ahead(book: DealBook, deal: UUID, at: datetime) -> bool:
    return any(
        other.stands and other.deal == deal and other.start_time is not None and other.start_time > at
        for other in book.meetings.values()
    )


def _showed(book: DealBook, meeting: Meeting, turn: Turn) -> None:
    # A meeting that was held counts for the deal its company has now, even if its own was cancelled meanwhile.
    if book.active is not None and not meeting.attached:
        meeting.deal = book.active
    if meeting.deal is None:
        return
    deal = book.by_id[meeting.deal]
    if deal.status == "active" and deal.stage == FIRST_STAGE:
        book.met_by_hand.discard(deal.id)
        after = replace(deal, stage=MET_STAGE, stage_entered_at=turn.at)
        book.change(turn, after, "deal.moved", "the meeting was held")


def _unshowed(book: DealBook, meeting: Meeting, turn: Turn) -> None:
    if meeting.deal is None or meeting.deal in book.met_by_hand:
        return
    deal = book.by_id[meeting.deal]
    others = any(other.showed and other.deal == meeting.deal for other in book.meetings.values())
    if deal.status == "active" and deal.stage == MET_STAGE and not others:
        after = replace(deal, stage=FIRST_STAGE, stage_entered_at=turn.at)
        book.change(turn, after, "deal.moved", "the meeting for which it stood there was not held")


def _reassigned(book: DealBook, meeting: Meeting, turn: Turn) -> None:
    if meeting.deal is None:
        return
    deal = book.by_id[meeting.deal]
    if deal.owner_email in meeting.hosted_by and deal.owner_email != turn.organizer_email:
        after = replace(deal, owner_email=turn.organizer_email)
        book.change(turn, after, "deal.reassigned", "its meeting has another host")
