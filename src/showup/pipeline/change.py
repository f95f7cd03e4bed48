"""A change of one booking, the withdrawal of messages that it makes wrong, and its entry in the audit log. Values."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from showup.bookings.booking import Booking
from showup.events.envelope import AnyRecord, BookingRecord
from showup.outbox import expiry
from showup.outbox.planned import CALENDAR_CLEANUP, PlannedDelivery
from showup.pipeline.decision import Decision
from showup.pipeline.rules import Rules


class Withdrawal(Struct, frozen=True, kw_only=True):
    """Withdraws unsent messages to `recipients` (None: to everybody) that are no longer valid.

    `kinds` limits it to these kinds of messages; None means all kinds.
    """

    because: str
    recipients: frozenset[str] | None = None
    kinds: frozenset[str] | None = None

    def applies_to(self, planned: PlannedDelivery) -> bool:
        """Return whether it withdraws this message. A calendar that may hold a stale entry is always cleaned up."""
        if planned.kind == CALENDAR_CLEANUP:
            return False
        if self.kinds is not None and planned.kind not in self.kinds:
            return False
        return self.recipients is None or planned.recipient in self.recipients


class Change(Struct, frozen=True, kw_only=True):
    """One change of a booking: its state before, the decision, the event that caused it, and the rules of its time."""

    before: Booking | None
    decision: Decision
    record: BookingRecord
    rules: Rules

    @property
    def after(self) -> Booking:
        """Return the state after the event."""
        return self.decision.after

    @property
    def is_fresh(self) -> bool:
        """Return whether the event arrived soon enough to notify anybody."""
        return is_fresh(self.record, self.rules)

    @property
    def is_ahead(self) -> bool:
        """Return whether the event is fresh and its meeting was still ahead when it arrived."""
        return self.is_fresh and self.after.start_time > self.record.received_at

    @property
    def is_moved(self) -> bool:
        """Return whether a known meeting is at another time now, or under another uid."""
        before, after = self.before, self.after
        if before is None:
            return False
        is_other_time = before.is_live and after.is_live and before.start_time != after.start_time
        return is_other_time or self.decision.what == "booking.rescheduled"

    def message(
        self,
        kind: str,
        recipient: str,
        key: str,
        *,
        due_at: datetime | None = None,
        expires_at: datetime | None = None,
        details: dict[str, Any] | None = None,
    ) -> PlannedDelivery:
        """Return a message to an attendee; by default it is due at once."""
        record = self.record
        expires = expires_at or expiry.of_message(self.after.start_time, record.source_at, self.rules.fresh_for)
        return PlannedDelivery(
            kind=kind,
            key=key,
            recipient=recipient,
            event_id=record.event_id,
            booking_version=self.after.version,
            decided_at=record.received_at,
            due_at=due_at or record.received_at,
            expires_at=expires,
            details=details or {},
        )


def is_fresh(record: AnyRecord, rules: Rules) -> bool:
    """Return whether the event arrived soon enough for notifications; a backfilled event never causes any."""
    return not record.is_history and record.received_at - record.source_at < rules.fresh_for


def time_details(old_start_time: datetime | None) -> dict[str, Any]:
    """Return the time that a new one replaces as a delivery's details."""
    return {} if old_start_time is None else {"old_start_time": f"{old_start_time:%Y-%m-%dT%H:%M:%SZ}"}


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One line for the audit log: what changed, when, which event changed it, and why."""

    event_id: UUID
    at: datetime
    order_key: str
    actor: str
    what: str
    because: str
    change: dict[str, Any] = {}
    deal_id: UUID | None = None

    @classmethod
    def of(cls, record: AnyRecord, what: str, because: str, change: dict[str, Any] | None = None) -> "AuditEntry":
        """Return an entry about what this event changed."""
        return cls(
            event_id=record.event_id,
            at=record.source_at,
            order_key=record.order_key,
            actor=record.actor,
            what=what,
            because=because,
            change=change or {},
        )
