"""The commands of people in the course of a generated week."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from showup.deals.deal import DealChange
from showup.events.booking import (
    AttendeeConfirmed,
    AttendeeReported,
    BookingAttached,
    NextStepChanged,
    OutcomeReported,
)
from showup.events.deal import DealChanged, DealOpened
from showup.events.manual import ManualEvent
from showup.events.workspace import CompanyRecorded, Merged, MergeKind, MergeUndone, PersonRecorded, RulesChanged
from showup.sources.manual.translate import encode
from tests.execute import ACTOR
from tests.histories.calcom_week import Meeting, Week

ACME, GLOBEX = "domain:acme.example", "domain:globex.example"


class Operator:
    """A person who sends commands; what they opened, recorded or merged is identified by the event of the command."""

    def __init__(self, week: Week) -> None:
        self.week = week
        self.opened_deals: list[UUID] = []
        self.recorded_companies: list[UUID] = []
        self.merge_ids: list[UUID] = []

    def send_command(self, event_type: type[ManualEvent], at: datetime | None = None, **fields: Any) -> UUID:
        """Appends a command to the log, dated `at`."""
        now = self.week.next_time() + timedelta(seconds=1)
        return self.week.send(encode(event_type(**fields), at=at or now, actor=ACTOR), account=None)

    def report_outcome(self, meeting: Meeting, uid: str, outcome: str) -> None:
        """Reports on the day of the meeting, or at once if the meeting is over."""
        at = max(self.week.now, meeting.start) + timedelta(hours=3, minutes=len(self.week.sent))
        more = {"next_step": f"call {meeting.name}"} if outcome == "showed" else {}
        self.send_command(OutcomeReported, at, subject=f"uid:{uid}", outcome=outcome, notes=f"it {outcome}", **more)

    def report_attendee(self, meeting: Meeting, uid: str, email: str, *, came: bool | None) -> None:
        """Reports one attendee on the day of the meeting, or at once if the meeting is over."""
        at = max(self.week.now, meeting.start) + timedelta(hours=3, minutes=len(self.week.sent))
        self.send_command(AttendeeReported, at, subject=f"uid:{uid}", attendee=email, came=came)

    def change_next_step(self, uid: str, next_step: str) -> None:
        self.send_command(NextStepChanged, subject=f"uid:{uid}", next_step=next_step)

    def confirm(self, booking: str, email: str, start_time: datetime) -> None:
        self.send_command(AttendeeConfirmed, subject=booking, attendee=email, start_time=start_time)

    def open_deal(self, company: str, change: DealChange) -> None:
        self.opened_deals.append(self.send_command(DealOpened, company=company, change=change))

    def change_deal(self, deal: str, change: DealChange, after: timedelta) -> None:
        """Changes a deal some days later, when it may have moved."""
        at = self.week.now + after + timedelta(seconds=len(self.week.sent))
        self.send_command(DealChanged, at, subject=deal, change=change)

    def move_booking(self, booking: str, company: str, deal: str | None) -> None:
        self.send_command(BookingAttached, subject=booking, company=company, deal=deal)

    def record_person(self, email: str, **details: str) -> None:
        self.send_command(PersonRecorded, email=email, **details)

    def record_company(self, company: str | None, name: str) -> None:
        event_id = self.send_command(CompanyRecorded, company=company, name=name)
        if company is None:
            self.recorded_companies.append(event_id)

    def merge(self, kind: MergeKind, gone: str, stays: str) -> None:
        self.merge_ids.append(self.send_command(Merged, kind=kind, gone=gone, stays=stays))

    def undo_merge(self, merge: UUID) -> None:
        self.send_command(MergeUndone, merge=merge)

    def change_rules(self, changes: dict[str, Any], since: datetime | None) -> None:
        self.send_command(RulesChanged, changes=changes, since=since)
