"""Hypothesis strategies for a week's history: webhooks of several bookings and companies, and people's commands."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from hypothesis import strategies as st

from showup.deals.deal import DealChange
from tests.histories.calcom_week import GUEST, GUS, LEE, SAM, SARAH, Meeting, ReceivedBody, SeatedMeeting, Week
from tests.histories.hypothesis_settings import MAX_BODIES
from tests.histories.operator_commands import ACME, GLOBEX, Operator
from tests.histories.webhooks import MONDAY

_BOOKING_CHANGES: tuple[Callable[[Meeting], None], ...] = (
    Meeting.create,
    Meeting.request,
    Meeting.reject,
    Meeting.create_unpaid,
    Meeting.pay,
    Meeting.confirm_by_request,
    Meeting.reschedule,
    Meeting.reschedule,
    Meeting.reschedule_without_webhook,
    Meeting.request_reschedule,
    Meeting.cancel,
    Meeting.cancel,
    Meeting.request_rebooking,
    Meeting.relocate,
    Meeting.reassign,
    Meeting.mark,
    Meeting.unmark,
    Meeting.end,
    Meeting.end_by_number,
    Meeting.send_other_copy,
    Meeting.send_same_body,
    Meeting.send_missing_reschedule,
)
_CHANGES = (
    DealChange(stage="proposal"),
    DealChange(stage="met"),
    DealChange(stage="booked"),
    DealChange(stage="demo"),
    DealChange(status="won", amount=Decimal("1200.50"), currency="EUR"),
    DealChange(status="lost", lost_reason="no budget"),
    DealChange(status="lost"),
    DealChange(status="cancelled"),
    DealChange(status="active"),
    DealChange(amount=Decimal(900), currency="USD", owner_email="ann@outbound.example"),
)
_RULES: tuple[dict[str, Any], ...] = (
    {"cancel_deal": "last_meeting"},
    {"cancel_deal": "always"},
    {"meeting_ended": "unreported"},
    {"meeting_ended": "showed"},
    {"personal_domains": ["acme.example"]},
    {"personal_domains": []},
    {"stages": ["booked", "demo", "met", "proposal"]},
    {"stages": ["met"]},
    {"team_emails": [SAM.lower()]},
    {"team_emails": [SARAH.lower(), GUEST.lower()]},
    {"notify_guests": True},
)
_OUTCOMES = ("showed", "no_show", "host_absent", "rescheduled")
_PEOPLE = tuple(email.lower() for email in (SARAH, SAM, LEE, GUEST, GUS))


class DrawnHistory(NamedTuple):
    """The bodies of a week in the order in which things happened."""

    bodies: list[ReceivedBody]
    week: Week


@st.composite
def histories(draw: st.DrawFn) -> DrawnHistory:
    """Draws at most `MAX_BODIES` bodies: up to three bookings, two meetings with seats, and commands of an operator."""
    week = Week()
    meetings = [
        Meeting(week, "alpha", [SARAH, GUEST], 1),
        Meeting(week, "beta", draw(st.sampled_from([[SAM], [SARAH]])), 2),
        Meeting(week, "gamma", [draw(st.sampled_from([GUS, SARAH, LEE]))], 3),
    ][: draw(st.integers(1, 3))]
    for meeting in meetings:
        meeting.is_in_series = draw(st.booleans())
    seated_meetings = [SeatedMeeting(week, "class", 2), SeatedMeeting(week, "evening class", 4)]
    operator = Operator(week)
    for meeting in meetings:
        draw(st.sampled_from([Meeting.create, Meeting.create, Meeting.request, Meeting.create_unpaid]))(meeting)
    for _ in range(draw(st.integers(1, MAX_BODIES - len(meetings)))):
        kind = draw(st.sampled_from(("webhook", "webhook", "command", "command", "seat", "booking")))
        if kind == "booking":
            meetings.append(_book_again(draw, week, meetings))
        elif kind == "webhook":
            draw(st.sampled_from(_BOOKING_CHANGES))(draw(st.sampled_from(meetings)))
        elif kind == "seat":
            _change_seats(draw, seated_meetings)
        else:
            draw(st.sampled_from(_OPERATOR_ACTIONS))(draw, operator, meetings)
    delays = draw(
        st.lists(st.sampled_from([timedelta(), timedelta(), timedelta(hours=30), timedelta(days=4)]), max_size=4)
    )
    return DrawnHistory(week.received_bodies(delays), week)


def _book_again(draw: st.DrawFn, week: Week, meetings: list[Meeting]) -> Meeting:
    """M04: a later booking of a person whom a command may have assigned to a company.

    M08: it may have another booking's number, as from a relay of two Cal.com instances.
    """
    emails = draw(st.sampled_from([[GUS], [GUS, LEE], [LEE], [SARAH]]))
    meeting = Meeting(week, f"later {len(meetings)}", emails, 3 + len(meetings))
    if draw(st.booleans()):
        meeting.number = draw(st.sampled_from(meetings)).number
    meeting.create()
    return meeting


def _change_seats(draw: st.DrawFn, seated_meetings: list[SeatedMeeting]) -> None:
    first, second = draw(st.permutations(seated_meetings))
    email = draw(st.sampled_from([LEE, SAM]))
    match draw(st.sampled_from(("take", "take", "give_back", "come_from"))):
        case "take":
            first.take_seat(email)
        case "give_back":
            first.cancel_seat(email)
        case _:
            first.move_seat_from(second, email)


def _report(draw: st.DrawFn, operator: Operator, meetings: list[Meeting]) -> None:
    meeting = draw(st.sampled_from(meetings))
    operator.report_outcome(meeting, draw(st.sampled_from(meeting.uids)), draw(st.sampled_from(_OUTCOMES)))


def _report_attendee(draw: st.DrawFn, operator: Operator, meetings: list[Meeting]) -> None:
    """AP2: a report about one attendee, who may have left the meeting or never been in it."""
    meeting = draw(st.sampled_from(meetings))
    email = draw(st.sampled_from([*meeting.emails, LEE])).lower()
    came = draw(st.sampled_from([True, False, None]))
    operator.report_attendee(meeting, draw(st.sampled_from(meeting.uids)), email, came=came)


def _change_next_step(draw: st.DrawFn, operator: Operator, meetings: list[Meeting]) -> None:
    uid = draw(st.sampled_from(draw(st.sampled_from(meetings)).uids))
    operator.change_next_step(uid, draw(st.sampled_from(["Call them", ""])))


def _confirm(draw: st.DrawFn, operator: Operator, meetings: list[Meeting]) -> None:
    """TE14: an attendee's yes, maybe to a time that the meeting no longer has."""
    meeting = draw(st.sampled_from(meetings))
    start_time = meeting.start + draw(st.sampled_from([timedelta(), timedelta(), timedelta(days=-1)]))
    email = draw(st.sampled_from(meeting.emails)).lower()
    operator.confirm(f"uid:{draw(st.sampled_from(meeting.uids))}", email, start_time)


def _change_deal(draw: st.DrawFn, operator: Operator, meetings: list[Meeting]) -> None:
    after = draw(st.sampled_from([timedelta(), timedelta(days=2)]))
    operator.change_deal(_deal(draw, operator, meetings), draw(st.sampled_from(_CHANGES)), after)


def _open_deal(draw: st.DrawFn, operator: Operator, _meetings: list[Meeting]) -> None:
    operator.open_deal(_company(draw, operator), draw(st.sampled_from([DealChange(), *_CHANGES])))


def _move_booking(draw: st.DrawFn, operator: Operator, meetings: list[Meeting]) -> None:
    deal = _deal(draw, operator, meetings) if draw(st.booleans()) else None
    uid = draw(st.sampled_from(draw(st.sampled_from(meetings)).uids))
    operator.move_booking(f"uid:{uid}", _company(draw, operator), deal)


def _record_person(draw: st.DrawFn, operator: Operator, _meetings: list[Meeting]) -> None:
    details = draw(st.sampled_from([{"name": "By Hand"}, {"time_zone": "Asia/Tokyo"}, {"phone": "+4930123"}, {}]))
    more = {"company": _company(draw, operator)} if draw(st.booleans()) else {}
    operator.record_person(draw(st.sampled_from(_PEOPLE)), **details, **more)


def _record_company(draw: st.DrawFn, operator: Operator, _meetings: list[Meeting]) -> None:
    operator.record_company(draw(st.sampled_from([ACME, GLOBEX, None])), f"Name {len(operator.week.sent)}")


def _merge_people(draw: st.DrawFn, operator: Operator, _meetings: list[Meeting]) -> None:
    gone, stays = draw(st.permutations(_PEOPLE))[:2]
    operator.merge("people", gone, stays)


def _merge_companies(draw: st.DrawFn, operator: Operator, _meetings: list[Meeting]) -> None:
    known = [ACME, GLOBEX, *(f"company:{one}" for one in operator.recorded_companies)]
    gone, stays = draw(st.permutations(known))[:2]
    operator.merge("companies", gone, stays)


def _undo_merge(draw: st.DrawFn, operator: Operator, _meetings: list[Meeting]) -> None:
    if operator.merge_ids:
        operator.undo_merge(draw(st.sampled_from(operator.merge_ids)))


def _change_rules(draw: st.DrawFn, operator: Operator, _meetings: list[Meeting]) -> None:
    since = draw(st.sampled_from([None, MONDAY + timedelta(minutes=20), MONDAY + timedelta(days=2)]))
    operator.change_rules(draw(st.sampled_from(_RULES)), since)


_OPERATOR_ACTIONS = (
    _report,
    _report,
    _report_attendee,
    _change_next_step,
    _confirm,
    _confirm,
    _change_deal,
    _change_deal,
    _open_deal,
    _move_booking,
    _move_booking,
    _record_person,
    _record_company,
    _merge_people,
    _merge_companies,
    _undo_merge,
    _change_rules,
)


def _company(draw: st.DrawFn, operator: Operator) -> str:
    return draw(st.sampled_from([ACME, GLOBEX, *(f"company:{one}" for one in operator.recorded_companies)]))


def _deal(draw: st.DrawFn, operator: Operator, meetings: list[Meeting]) -> str:
    booking_names = [f"uid:{uid}" for meeting in meetings for uid in meeting.uids]
    return draw(st.sampled_from([*booking_names, *(f"deal:{one}" for one in operator.opened_deals)]))
