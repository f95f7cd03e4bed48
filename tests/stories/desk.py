"""What people do by hand in the course of a week of stories."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from showup.deals.deal import DealChange
from showup.deeds import Kind
from showup.sources.hand import command
from showup.sources.hand.command import Given, encode
from tests.stories.calendar import Meeting, Week

WHO = "key:ops"
ACME, GLOBEX = "domain:acme.example", "domain:globex.example"


class Desk:
    """Somebody at work; what they opened, entered or merged is known by the event that did it."""

    def __init__(self, week: Week) -> None:
        self.week = week
        self.opened: list[UUID] = []
        self.entered: list[UUID] = []
        self.merged: list[UUID] = []

    def give(self, what: type[Given], at: datetime | None = None, **fields: Any) -> UUID:
        """Puts a command into the log, given at `at`."""
        now = self.week.tick() + timedelta(seconds=1)
        return self.week.send(encode(what(at=at or now, actor=WHO, **fields)), account=None)

    def report(self, meeting: Meeting, uid: str, outcome: str) -> None:
        """On the day of the meeting, or at once where it lies behind."""
        at = max(self.week.now, meeting.start) + timedelta(hours=3, minutes=len(self.week.sent))
        more = {"next_step": f"call {meeting.name}"} if outcome == "showed" else {}
        self.give(command.ReportOutcome, at, booking=f"uid:{uid}", outcome=outcome, notes=f"it {outcome}", **more)

    def open_deal(self, company: str, change: DealChange) -> None:
        self.opened.append(self.give(command.OpenDeal, company=company, change=change))

    def change_deal(self, deal: str, change: DealChange, after: timedelta) -> None:
        """Some days later, so that it may be about a deal that has moved by then."""
        at = self.week.now + after + timedelta(seconds=len(self.week.sent))
        self.give(command.ChangeDeal, at, deal=deal, change=change)

    def move_booking(self, booking: str, company: str, deal: str | None) -> None:
        self.give(command.MoveBooking, booking=booking, company=company, deal=deal)

    def record_person(self, email: str, **details: str) -> None:
        self.give(command.RecordPerson, email=email, **details)

    def record_company(self, company: str | None, name: str) -> None:
        event_id = self.give(command.RecordCompany, company=company, name=name)
        if company is None:
            self.entered.append(event_id)

    def merge(self, kind: Kind, gone: str, stays: str) -> None:
        self.merged.append(self.give(command.Merge, kind=kind, gone=gone, stays=stays))

    def undo_merge(self, merge: UUID) -> None:
        self.give(command.UndoMerge, merge=merge)

    def change_rules(self, changes: dict[str, Any], since: datetime | None) -> None:
        self.give(command.ChangeRules, changes=changes, since=since)
