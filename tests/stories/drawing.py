"""Weeks of stories, drawn by hypothesis: several bookings and companies, and people's commands among the webhooks."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from hypothesis import strategies as st

from showup.deals.deal import DealChange
from tests.stories.calendar import GUEST, GUS, LEE, SAM, SARAH, Arrival, Class, Meeting, Week
from tests.stories.desk import ACME, GLOBEX, Desk
from tests.stories.webhooks import MONDAY

_MOST_BODIES = 10
_NEWS: tuple[Callable[[Meeting], None], ...] = (
    Meeting.make,
    Meeting.ask,
    Meeting.decline,
    Meeting.move,
    Meeting.move,
    Meeting.move_unheard,
    Meeting.ask_to_move,
    Meeting.cancel,
    Meeting.cancel,
    Meeting.ask_to_rebook,
    Meeting.relocate,
    Meeting.reassign,
    Meeting.mark,
    Meeting.unmark,
    Meeting.end,
    Meeting.end_by_number,
    Meeting.echo,
    Meeting.echo_exactly,
    Meeting.heal,
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
)
_OUTCOMES = ("showed", "no_show", "host_absent", "rescheduled")
_PEOPLE = tuple(email.lower() for email in (SARAH, SAM, LEE, GUEST, GUS))


class Told(NamedTuple):
    """A week as it reaches us, in the order of its doing."""

    arrivals: list[Arrival]
    week: Week


@st.composite
def weeks(draw: st.DrawFn) -> Told:
    """Up to three bookings of two companies and a private person, a class with seats, and somebody at a desk."""
    week = Week()
    meetings = [
        Meeting(week, "alpha", [SARAH, GUEST], 1),
        Meeting(week, "beta", [SAM], 2),
        Meeting(week, "gamma", [draw(st.sampled_from([GUS, SARAH, LEE]))], 3),
    ][: draw(st.integers(1, 3))]
    classes = [Class(week, "class", 2), Class(week, "evening class", 4)]
    desk = Desk(week)
    for meeting in meetings:
        draw(st.sampled_from([Meeting.make, Meeting.make, Meeting.ask]))(meeting)
    for _ in range(draw(st.integers(1, _MOST_BODIES - len(meetings)))):
        kind = draw(st.sampled_from(("news", "news", "hand", "hand", "seat")))
        if kind == "news":
            draw(st.sampled_from(_NEWS))(draw(st.sampled_from(meetings)))
        elif kind == "seat":
            _sit(draw, classes)
        else:
            draw(st.sampled_from(_DEEDS))(draw, desk, meetings)
    delays = draw(
        st.lists(st.sampled_from([timedelta(), timedelta(), timedelta(hours=30), timedelta(days=4)]), max_size=4)
    )
    return Told(week.arrivals(delays), week)


def _sit(draw: st.DrawFn, classes: list[Class]) -> None:
    first, second = draw(st.permutations(classes))
    email = draw(st.sampled_from([LEE, SAM]))
    match draw(st.sampled_from(("take", "take", "give_back", "come_from"))):
        case "take":
            first.take(email)
        case "give_back":
            first.give_back(email)
        case _:
            first.come_from(second, email)


def _report(draw: st.DrawFn, desk: Desk, meetings: list[Meeting]) -> None:
    meeting = draw(st.sampled_from(meetings))
    desk.report(meeting, draw(st.sampled_from(meeting.uids)), draw(st.sampled_from(_OUTCOMES)))


def _change_deal(draw: st.DrawFn, desk: Desk, meetings: list[Meeting]) -> None:
    after = draw(st.sampled_from([timedelta(), timedelta(days=2)]))
    desk.change_deal(_deal(draw, desk, meetings), draw(st.sampled_from(_CHANGES)), after)


def _open_deal(draw: st.DrawFn, desk: Desk, _meetings: list[Meeting]) -> None:
    desk.open_deal(_company(draw, desk), draw(st.sampled_from([DealChange(), *_CHANGES])))


def _move_booking(draw: st.DrawFn, desk: Desk, meetings: list[Meeting]) -> None:
    deal = _deal(draw, desk, meetings) if draw(st.booleans()) else None
    uid = draw(st.sampled_from(draw(st.sampled_from(meetings)).uids))
    desk.move_booking(f"uid:{uid}", _company(draw, desk), deal)


def _record_person(draw: st.DrawFn, desk: Desk, _meetings: list[Meeting]) -> None:
    details = draw(st.sampled_from([{"name": "By Hand"}, {"time_zone": "Asia/Tokyo"}, {"phone": "+4930123"}, {}]))
    more = {"company": _company(draw, desk)} if draw(st.booleans()) else {}
    desk.record_person(draw(st.sampled_from(_PEOPLE)), **details, **more)


def _record_company(draw: st.DrawFn, desk: Desk, _meetings: list[Meeting]) -> None:
    desk.record_company(draw(st.sampled_from([ACME, GLOBEX, None])), f"Name {len(desk.week.sent)}")


def _merge_people(draw: st.DrawFn, desk: Desk, _meetings: list[Meeting]) -> None:
    gone, stays = draw(st.permutations(_PEOPLE))[:2]
    desk.merge("people", gone, stays)


def _merge_companies(draw: st.DrawFn, desk: Desk, _meetings: list[Meeting]) -> None:
    known = [ACME, GLOBEX, *(f"company:{one}" for one in desk.entered)]
    gone, stays = draw(st.permutations(known))[:2]
    desk.merge("companies", gone, stays)


def _undo_merge(draw: st.DrawFn, desk: Desk, _meetings: list[Meeting]) -> None:
    if desk.merged:
        desk.undo_merge(draw(st.sampled_from(desk.merged)))


def _change_rules(draw: st.DrawFn, desk: Desk, _meetings: list[Meeting]) -> None:
    since = draw(st.sampled_from([None, MONDAY + timedelta(minutes=20), MONDAY + timedelta(days=2)]))
    desk.change_rules(draw(st.sampled_from(_RULES)), since)


_DEEDS = (
    _report,
    _report,
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


def _company(draw: st.DrawFn, desk: Desk) -> str:
    return draw(st.sampled_from([ACME, GLOBEX, *(f"company:{one}" for one in desk.entered)]))


def _deal(draw: st.DrawFn, desk: Desk, meetings: list[Meeting]) -> str:
    by_bookings = [f"uid:{uid}" for meeting in meetings for uid in meeting.uids]
    return draw(st.sampled_from([*by_bookings, *(f"deal:{one}" for one in desk.opened)]))
