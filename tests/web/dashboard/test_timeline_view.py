"""AP4: the lines of a timeline: one for an event, one for messages in a row, and never a gap between them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from showup.deals.deal import DealChange
from showup.reads.record_timeline import LoggedChange, RecordTimeline, SentMessage
from showup.web.dashboard.deal_view import reverse_of, undoable_change
from showup.web.dashboard.timeline_parts import TimelineContext
from showup.web.dashboard.timeline_view import TimelineLine, build_timeline
from showup.web.dashboard.words import Viewer

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONTEXT = TimelineContext(
    viewer=Viewer(zone=ZoneInfo("UTC"), clock="24h", now=NOW),
    actor="teammate:me",
    meetings={},
    stages=("booked", "met"),
)


def entry(what: str, ago: timedelta, change: dict[str, Any] | None = None, **more: Any) -> LoggedChange:
    fields = {"because": "changed manually", "actor": "teammate:me", "actor_name": "Me", "booking_id": None}
    event_id = uuid5(NAMESPACE_URL, f"{what} {ago}")
    known = {"at": NOW - ago, "what": what, "event_id": event_id, "deal_id": event_id, "change": change or {}}
    return LoggedChange(**fields | known | more)


def message(kind: str, ago: timedelta, **more: Any) -> SentMessage:
    fields = {"destination": "email", "state": "delivered", "recipient": "ann@acme.com", "recipient_name": "Ann"}
    known = {"at": NOW - ago, "kind": kind, "because": None, "before_seconds": None, "booking_id": None}
    return SentMessage(**fields | known | more)


def text_of(line: TimelineLine) -> str:
    return "".join(part.text for part in line.parts)


def test_messages_of_one_kind_in_a_row_are_one_line() -> None:
    reminders = [message("reminder", n * HOUR, before_seconds=s) for n, s in ((1, 7_200), (2, 86_400), (3, 259_200))]
    others = [message("confirmation", 4 * HOUR), message("confirmation", 5 * HOUR, recipient_name="Bo")]
    moved = entry("deal.moved", 2.5 * HOUR, {"stage": ["booked", "met"]})
    together = build_timeline(
        RecordTimeline(entries=(), messages=[*reminders, *others]), CONTEXT, shown="everything", limit=30
    )
    assert [text_of(one) for one in together.lines] == [
        "3 reminders delivered to Ann",
        "Booking confirmed delivered to Ann and Bo",
    ]
    assert together.lines[0].because == "72 h, 24 h and 2 h before"
    apart = build_timeline(RecordTimeline(entries=[moved], messages=reminders), CONTEXT, shown="everything", limit=30)
    assert [text_of(one) for one in apart.lines][1:] == ["Moved Booked → Met", "Reminder, 72 h before delivered to Ann"]


def test_what_is_cut_leaves_no_gap() -> None:
    entries = [entry("deal.changed", n * HOUR, {"owner_email": ["a", "b"]}) for n in range(4)]
    old = message("confirmation", 90 * HOUR)
    view = build_timeline(RecordTimeline(entries=entries, messages=[old]), CONTEXT, shown="everything", limit=3)
    assert (len(view.lines), view.earlier) == (3, 33)
    assert all("Owner" in text_of(one) for one in view.lines), "between the third and the mail are more"
    whole = build_timeline(RecordTimeline(entries=entries, messages=[old]), CONTEXT, shown="everything", limit=30)
    assert (len(whole.lines), whole.earlier) == (5, None)


def test_a_moved_meeting_says_both_times_by_whom_and_the_reason_quoted() -> None:
    times = {"start_time": ["2026-03-10T15:00:00Z", "2026-03-12T12:30:00Z"]}
    because = "the meeting was rescheduled by noor@acme.com: a board meeting: sorry"
    moved = entry("booking.rescheduled", HOUR, times, because=because, actor="calcom", deal_id=None)
    [line] = build_timeline(RecordTimeline(entries=[moved], messages=()), CONTEXT, shown="everything", limit=30).lines
    assert text_of(line) == "Moved Tue 10 Mar 15:00 → today 12:30"
    assert (line.because, line.quote) == ("by noor@acme.com, in Cal.com", "a board meeting: sorry")


def test_only_the_last_change_of_a_person_is_taken_back_and_only_to_values_that_can_be_set() -> None:
    moved = entry("deal.moved", HOUR, {"stage": ["booked", "met"]})
    by_itself = entry("deal.moved", 2 * HOUR, {"stage": ["booked", "met"]}, actor="showup")
    first_amount = entry("deal.changed", HOUR, {"amount": [None, "5"], "currency": [None, "EUR"]})
    lost = entry("deal.lost", HOUR, {"status": ["active", "lost"], "lost_reason": [None, "Price"]})
    assert undoable_change([by_itself, moved]) is moved
    assert undoable_change([moved, by_itself]) is None
    assert undoable_change([moved, first_amount]) is None
    assert reverse_of(moved) == DealChange(stage="booked")
    assert reverse_of(lost) == DealChange(status="active")
