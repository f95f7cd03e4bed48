"""A company's deals: the turns of all its bookings folded in source order (PI1, PI4, PI5, PI7).

At most one deal is active at a time, by construction: a deal is opened or reopened only when none is.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from showup.deals.deal import FIRST_STAGE, MET_STAGE, Deal, Turn
from showup.pipeline.rules import Rules
from showup.pipeline.story import Line


class Meeting(Struct, kw_only=True):
    """What the fold remembers of one booking: its deal, whether its meeting stands, and who has hosted it so far."""

    deal: int | None = None
    stands: bool = False
    showed: bool = False
    start_time: datetime | None = None
    hosted_by: set[str | None] = set()


class DealBook(Struct, kw_only=True):
    """The deals of one company, and the bookings that made them what they are.

    `deal_of`: the deal of each booking, None while it has none.
    """

    deals: list[Deal] = []
    meetings: dict[UUID, Meeting] = {}
    lines: list[Line] = []

    @property
    def deal_of(self) -> dict[UUID, UUID | None]:
        """By booking, the id of its deal."""
        return {
            booking_id: None if meeting.deal is None else self.deals[meeting.deal].id
            for booking_id, meeting in self.meetings.items()
        }

    @property
    def active(self) -> int | None:
        """The place of the active deal."""
        return next((place for place, deal in enumerate(self.deals) if deal.status == "active"), None)


def fold_deals(turns: Iterable[Turn], rules: Rules, standing: Sequence[Deal] = ()) -> DealBook:
    """The deals that the turns make. A deal that stands already keeps its id, found by the booking that opened it,
    else by its place, so that a link to it lives on when late news changes how it began."""
    book = DealBook()
    for turn in sorted(turns, key=lambda turn: turn.order_key):
        _take(book, turn, rules)
    return _identified(book, standing)


def _take(book: DealBook, turn: Turn, rules: Rules) -> None:
    meeting = book.meetings.setdefault(turn.booking_id, Meeting())
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
    meeting.hosted_by.add(turn.organizer_email)


def _booked(book: DealBook, meeting: Meeting, turn: Turn) -> None:
    meeting.stands = True
    if meeting.deal is None:
        _joined_or_opened(book, meeting, turn)
        return
    deal = book.deals[meeting.deal]
    if deal.status != "cancelled" or deal.cancelled_by != turn.booking_id:
        return
    if book.active is not None:
        meeting.deal, deal = book.active, book.deals[book.active]
        _note(book, turn, "deal.joined", "it stands again, and its company has another active deal by now", deal)
        return
    _change(
        book,
        meeting.deal,
        turn,
        replace(deal, status="active", cancelled_by=None, closed_at=None),
        "deal.reopened",
        "the meeting whose cancellation had cancelled it stands again",
    )


def _joined_or_opened(book: DealBook, meeting: Meeting, turn: Turn) -> None:
    if book.active is not None:
        meeting.deal = book.active
        _note(book, turn, "deal.joined", "another meeting of the same company", book.deals[book.active])
        return
    meeting.deal = len(book.deals)
    deal = Deal(
        id=uuid5(turn.event_id, "deal"),
        status="active",
        stage=FIRST_STAGE,
        owner_email=turn.organizer_email,
        opened_by=turn.booking_id,
        cancelled_by=None,
        position=len(book.deals),
        opened_at=turn.at,
        stage_entered_at=turn.at,
        closed_at=None,
        updated_at=turn.at,
    )
    book.deals.append(deal)
    because = "a meeting was booked, and the company had no active deal"
    _note(book, turn, "deal.opened", because, deal, {"status": [None, "active"], "stage": [None, FIRST_STAGE]})


def _cancelled(book: DealBook, meeting: Meeting, turn: Turn, rules: Rules) -> None:
    if meeting.deal is None or book.deals[meeting.deal].status != "active":
        return
    deal = book.deals[meeting.deal]
    if rules.cancel_deal == "last_meeting" and _another_ahead(book, meeting.deal, turn.at):
        _note(book, turn, "deal.kept", "another meeting of the deal is ahead", deal)
        return
    after = replace(deal, status="cancelled", cancelled_by=turn.booking_id, closed_at=turn.at)
    _change(book, meeting.deal, turn, after, "deal.cancelled", "its meeting was called off")


def _another_ahead(book: DealBook, place: int, at: datetime) -> bool:
    return any(
        other.stands and other.deal == place and other.start_time is not None and other.start_time > at
        for other in book.meetings.values()
    )


def _showed(book: DealBook, meeting: Meeting, turn: Turn) -> None:
    if book.active is None:
        return
    # A meeting that was held counts for the deal its company has now, even if its own was cancelled meanwhile.
    if meeting.deal != book.active:
        meeting.deal = book.active
    deal = book.deals[book.active]
    if deal.stage == FIRST_STAGE:
        after = replace(deal, stage=MET_STAGE, stage_entered_at=turn.at)
        _change(book, book.active, turn, after, "deal.moved", "the meeting was held")


def _unshowed(book: DealBook, meeting: Meeting, turn: Turn) -> None:
    if meeting.deal is None:
        return
    deal = book.deals[meeting.deal]
    others = any(other.showed and other.deal == meeting.deal for other in book.meetings.values())
    if deal.status == "active" and deal.stage == MET_STAGE and not others:
        after = replace(deal, stage=FIRST_STAGE, stage_entered_at=turn.at)
        _change(book, meeting.deal, turn, after, "deal.moved", "the meeting for which it stood there was not held")


def _reassigned(book: DealBook, meeting: Meeting, turn: Turn) -> None:
    if meeting.deal is None:
        return
    deal = book.deals[meeting.deal]
    if deal.owner_email in meeting.hosted_by and deal.owner_email != turn.organizer_email:
        after = replace(deal, owner_email=turn.organizer_email)
        _change(book, meeting.deal, turn, after, "deal.reassigned", "its meeting has another host")


def _change(book: DealBook, place: int, turn: Turn, after: Deal, what: str, because: str) -> None:
    before = book.deals[place]
    book.deals[place] = replace(after, updated_at=turn.at)
    change = {
        name: [getattr(before, name), getattr(after, name)]
        for name in ("status", "stage", "owner_email")
        if getattr(before, name) != getattr(after, name)
    }
    _note(book, turn, what, because, after, change)


def _note(
    book: DealBook, turn: Turn, what: str, because: str, deal: Deal, change: dict[str, Any] | None = None
) -> None:
    line = Line(
        event_id=turn.event_id,
        at=turn.at,
        order_key=turn.order_key,
        actor="showup",
        what=what,
        because=because,
        change=change or {},
        deal_id=deal.id,
    )
    book.lines.append(line)


def _identified(book: DealBook, standing: Sequence[Deal]) -> DealBook:
    ids = _kept_ids(book.deals, standing)
    book.lines = [replace(line, deal_id=ids[line.deal_id]) if line.deal_id is not None else line for line in book.lines]
    book.deals = [replace(deal, id=ids[deal.id]) for deal in book.deals]
    return book


def _kept_ids(deals: Sequence[Deal], standing: Sequence[Deal]) -> dict[UUID, UUID]:
    free = {deal.opened_by: deal.id for deal in sorted(standing, key=lambda deal: -deal.position)}
    kept = {deal.id: free.pop(deal.opened_by) for deal in deals if deal.opened_by in free}
    left = [deal.id for deal in sorted(standing, key=lambda deal: deal.position) if deal.id in free.values()]
    taken = set(kept.values())
    for deal in deals:
        if deal.id not in kept:
            new = left.pop(0) if left else deal.id
            while new in taken:
                new = uuid5(new, "again")
            kept[deal.id] = new
            taken.add(new)
    return kept
