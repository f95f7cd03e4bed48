"""The deals of one company while they are folded, and what the fold remembers of each booking."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from showup.deals.deal import Deal, Turn
from showup.pipeline.story import Line

_COMPARED = ("status", "stage", "owner_email", "amount", "currency", "lost_reason")


class Meeting(Struct, kw_only=True):
    """What the fold remembers of one booking: its deal, whether its meeting stands, and who has hosted it so far.

    `attached`: a person said which deal it is of.
    """

    deal: UUID | None = None
    stands: bool = False
    showed: bool = False
    attached: bool = False
    start_time: datetime | None = None
    hosted_by: set[str | None] = set()


class DealBook(Struct, kw_only=True):
    """The deals of one company, `by_id` in the order of opening, and the bookings that made them what they are.

    `active` is the one that is. `states` has the deal of each of the `lines`, as that left it. `met_by_hand` are deals
    that a person moved there, `changed_by_hand` those that a person changed at all. `refused`: by event, why what a
    person wanted was not done.
    """

    by_id: dict[UUID, Deal] = {}
    active: UUID | None = None
    meetings: dict[UUID, Meeting] = {}
    lines: list[Line] = []
    states: list[Deal] = []
    refused: dict[UUID, str] = {}
    met_by_hand: set[UUID] = set()
    changed_by_hand: set[UUID] = set()

    @property
    def deals(self) -> list[Deal]:
        """The deals in the order of their opening."""
        return list(self.by_id.values())

    @property
    def deal_of(self) -> Mapping[UUID, UUID | None]:
        """By booking, the id of its deal."""
        return {booking_id: meeting.deal for booking_id, meeting in self.meetings.items()}

    def meeting(self, booking_id: UUID) -> Meeting:
        """What is remembered of a booking; of a new one, nothing yet."""
        found = self.meetings.get(booking_id)
        if found is None:
            found = self.meetings[booking_id] = Meeting()
        return found

    def open(self, deal: Deal) -> None:
        """Adds a deal behind the others."""
        self._put(replace(deal, position=len(self.by_id)))

    def drop(self, deal_id: UUID) -> None:
        """A deal that turned out to be another one's booking never was; the others close up."""
        del self.by_id[deal_id]
        self.active = None if self.active == deal_id else self.active
        kept = [place for place, line in enumerate(self.lines) if line.deal_id != deal_id]
        self.lines, self.states = [self.lines[place] for place in kept], [self.states[place] for place in kept]
        for position, deal in enumerate(self.by_id.values()):
            self.by_id[deal.id] = replace(deal, position=position)

    def change(self, turn: Turn, after: Deal, what: str, because: str) -> None:
        """Replaces the deal, with a line that says what is different."""
        before = self.by_id[after.id]
        self._put(replace(after, updated_at=turn.at))
        change = {
            name: [_plain(getattr(before, name)), _plain(getattr(after, name))]
            for name in _COMPARED
            if getattr(before, name) != getattr(after, name)
        }
        self.note(turn, what, because, after.id, change)

    def note(self, turn: Turn, what: str, because: str, deal_id: UUID, change: dict[str, Any] | None = None) -> None:
        """Adds a line about a deal."""
        line = Line(
            event_id=turn.event_id,
            at=turn.at,
            order_key=turn.order_key,
            actor=turn.actor or "showup",
            what=what,
            because=because,
            change=change or {},
            deal_id=deal_id,
        )
        self.lines.append(line)
        self.states.append(self.by_id[deal_id])

    def _put(self, deal: Deal) -> None:
        self.by_id[deal.id] = deal
        if deal.status == "active":
            self.active = deal.id
        elif self.active == deal.id:
            self.active = None


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else str(value)
