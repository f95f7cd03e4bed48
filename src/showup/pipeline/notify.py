"""The plan of notifications: what a booking's history calls for, for attendees and subscribers alike (PI13).

`DeliveryPlan` takes one change after the other, in source order. For attendees, it plans each message once, withdraws
messages that a later change makes wrong, and restores a withdrawn message if a later change requires it. For
subscribers, it announces each change of state. If an event reports a state that did not change, it announces this
state only if no earlier announcement did.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from showup.events.booking import OutcomeReported
from showup.outbox.planned import CALENDAR_CLEANUP, NEW_HOST, NEW_PLACE, NO_SHOW, REMINDER, PlannedDelivery
from showup.pipeline.announcements import announcements, restatements
from showup.pipeline.calendar_entries import OpenEntries, cleanups
from showup.pipeline.change import Change
from showup.pipeline.messages import is_declined, messages, withdrawals
from showup.pipeline.outcome_requests import update_outcome_requests

_TICK: Final = timedelta(microseconds=1)
_NUMBER_SUFFIX: Final = re.compile(r"\+[0-9]+$")
_SCHEDULED_KINDS: Final = {"booking.created", "booking.rescheduled"}
_DIFFERENCE_KINDS: Final = {NEW_HOST, NEW_PLACE, CALENDAR_CLEANUP}


class DeliveryPlan(Struct):
    """The deliveries that a history calls for so far, by key: to attendees, to the host, and to subscribers.

    `calendar_entries` may exist in attendees' calendars. `is_declined`: the last report of the outcome said that nobody
    is to be offered another time.
    """

    messages: dict[str, PlannedDelivery] = {}
    outcome_requests: dict[str, PlannedDelivery] = {}
    announcements: dict[str, PlannedDelivery] = {}
    calendar_entries: OpenEntries = {}
    is_declined: bool = False

    @property
    def deliveries(self) -> Sequence[PlannedDelivery]:
        """Return all of them."""
        return (*self.messages.values(), *self.outcome_requests.values(), *self.announcements.values())

    def apply(self, change: Change) -> None:
        """Add what one change calls for."""
        for withdrawal in withdrawals(change):
            for key, planned in self.messages.items():
                if planned.state == "scheduled" and withdrawal.applies_to(planned):
                    self.messages[key] = replace(planned, state="withdrawn", because=withdrawal.because)
        if isinstance(change.record.event, OutcomeReported):
            self.is_declined = is_declined(change)
        new = [one for one in messages(change) if not (self.is_declined and one.kind == NO_SHOW)]
        for message in [*new, *cleanups(change, self.calendar_entries, self.messages, new)]:
            # Each of these reports a difference, so a host or a place that comes back is reported again.
            reported = _numbered(message, self.messages) if message.kind in _DIFFERENCE_KINDS else message
            known = self.messages.get(reported.key)
            if known is None or known.state == "withdrawn":
                self.messages[reported.key] = reported
        update_outcome_requests(self.outcome_requests, change)
        self._announce(change)

    def _announce(self, change: Change) -> None:
        for one in announcements(change):
            # An attendee who came, then did not, then came after all is announced three times.
            numbered = _numbered(one, self.announcements)
            self.announcements[numbered.key] = numbered
        for one in restatements(change):
            if not any(_is_same_announcement(known, one) for known in self.announcements.values()):
                self.announcements[one.key] = one

    def finish(self) -> None:
        """Drop skips that are redundant, and make each announcement due before later ones."""
        self._drop_redundant_skips()
        self._order_announcements()

    def _drop_redundant_skips(self) -> None:
        """Drop a skip if the same event also arrived in time: the reminders planned in time stay valid."""
        reminders = {key: planned for key, planned in self.messages.items() if planned.kind == REMINDER}
        reminded = {key.rpartition(":")[0] for key, planned in reminders.items() if planned.state != "skipped"}
        for key, planned in reminders.items():
            if planned.state == "skipped" and key.rpartition(":")[0] in reminded:
                del self.messages[key]

    def _order_announcements(self) -> None:
        next_at: datetime | None = None
        for key, planned in list(self.announcements.items())[::-1]:
            due_at = planned.due_at
            if next_at is not None and due_at >= next_at:
                due_at = next_at - _TICK
                self.announcements[key] = replace(planned, due_at=due_at)
            next_at = due_at


def _numbered(planned: PlannedDelivery, known: Mapping[str, PlannedDelivery]) -> PlannedDelivery:
    """Return the delivery with a number in its key if deliveries with the same key are planned already."""
    count = sum(key == planned.key or key.startswith(f"{planned.key}+") for key in known)
    return replace(planned, key=f"{planned.key}+{count}") if count else planned


def _is_same_announcement(one: PlannedDelivery, other: PlannedDelivery) -> bool:
    """Return whether both announce the same state to the same attendee; "rescheduled" also means "scheduled"."""
    same = one.kind == other.kind or {one.kind, other.kind} == _SCHEDULED_KINDS
    return same and _NUMBER_SUFFIX.sub("", one.key).removeprefix(one.kind) == other.key.removeprefix(other.kind)
