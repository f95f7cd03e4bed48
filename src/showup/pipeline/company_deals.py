"""The deals of one company during a replay, and the replay's state of each booking."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from showup.deals.deal import Deal, DealEvent
from showup.pipeline.change import AuditEntry

_COMPARED_FIELDS = ("status", "stage", "owner_email", "amount", "currency", "lost_reason")


class MeetingState(Struct, kw_only=True):
    """The replay state of one booking: its deal, whether its meeting is on, and its hosts so far.

    `is_attached`: a person set which deal it belongs to. `has_attendance`: a source or a person reported whether
    the booker came. `is_outweighed`: a person put the deal back to its first stage after that.
    """

    deal_id: UUID | None = None
    is_scheduled: bool = False
    showed: bool = False
    is_attached: bool = False
    has_attendance: bool = False
    is_outweighed: bool = False
    start_time: datetime | None = None
    series_uid: str | None = None
    past_hosts: set[str | None] = set()


class CompanyDeals(Struct, kw_only=True):
    """The deals of one company, `by_id` in the order of opening, and the bookings that changed them.

    `active_id` is the active deal. `snapshots` has the deal as of each of the `entries`. `manually_met` are deals that
    a person moved to that stage, `manually_opened` those that a person opened, `manually_changed` those that a person
    opened or changed. `refused`: by event, why a
    person's request was refused, or conflicts with an older event that arrived after it was accepted.
    """

    by_id: dict[UUID, Deal] = {}
    active_id: UUID | None = None
    meetings: dict[UUID, MeetingState] = {}
    entries: list[AuditEntry] = []
    snapshots: list[Deal] = []
    refused: dict[UUID, str] = {}
    manually_met: set[UUID] = set()
    manually_opened: set[UUID] = set()
    manually_changed: set[UUID] = set()

    @property
    def deals(self) -> list[Deal]:
        """Return the deals in the order of opening."""
        return list(self.by_id.values())

    @property
    def deal_ids(self) -> Mapping[UUID, UUID | None]:
        """Return the id of each booking's deal."""
        return {booking_id: meeting.deal_id for booking_id, meeting in self.meetings.items()}

    def meeting(self, booking_id: UUID) -> MeetingState:
        """Return the replay state of a booking; empty for a new one."""
        state = self.meetings.get(booking_id)
        if state is None:
            state = self.meetings[booking_id] = MeetingState()
        return state

    def add(self, deal: Deal) -> None:
        """Add a deal after the others."""
        self._store(replace(deal, position=len(self.by_id)))

    def remove(self, deal_id: UUID) -> None:
        """Remove a deal that belongs to another deal's booking, and renumber the others."""
        del self.by_id[deal_id]
        self.active_id = None if self.active_id == deal_id else self.active_id
        retained = [index for index, entry in enumerate(self.entries) if entry.deal_id != deal_id]
        self.entries, self.snapshots = (
            [self.entries[index] for index in retained],
            [self.snapshots[index] for index in retained],
        )
        for position, deal in enumerate(self.by_id.values()):
            self.by_id[deal.id] = replace(deal, position=position)

    def replace_deal(self, deal_event: DealEvent, after: Deal, what: str, because: str) -> None:
        """Replace the deal and add an audit entry that describes the difference."""
        before = self.by_id[after.id]
        self._store(replace(after, updated_at=deal_event.at))
        change = {
            name: [_to_json(getattr(before, name)), _to_json(getattr(after, name))]
            for name in _COMPARED_FIELDS
            if getattr(before, name) != getattr(after, name)
        }
        self.add_entry(deal_event, what, because, after.id, change)

    def add_entry(
        self, deal_event: DealEvent, what: str, because: str, deal_id: UUID, change: dict[str, Any] | None = None
    ) -> None:
        """Add an audit entry about a deal."""
        entry = AuditEntry(
            event_id=deal_event.event_id,
            at=deal_event.at,
            order_key=deal_event.order_key,
            actor=deal_event.actor or "showup",
            what=what,
            because=because,
            change=change or {},
            deal_id=deal_id,
        )
        self.entries.append(entry)
        self.snapshots.append(self.by_id[deal_id])

    def _store(self, deal: Deal) -> None:
        self.by_id[deal.id] = deal
        if deal.status == "active":
            self.active_id = deal.id
        elif self.active_id == deal.id:
            self.active_id = None


def _to_json(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else str(value)
