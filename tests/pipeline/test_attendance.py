"""PI5: who came, what that rests on, and what it means for the deal."""

from itertools import permutations

import pytest
from msgspec.structs import replace

from showup.events import AttendeeSeen, MeetingEnded, News
from showup.pipeline.rules import Rules
from tests.pipeline.cast import (
    ANN,
    FRIDAY,
    GWEN,
    HALF_HOUR,
    MIDDAY,
    PAT,
    SARAH,
    SECOND,
    THURSDAY,
    TOM,
    after,
    bare,
    cancelled,
    deals,
    ended,
    guests_missed,
    host_missed,
    hours,
    made,
    marked,
    news,
    rescheduled,
    started,
    story,
    whats,
)

OVER = THURSDAY + HALF_HOUR
UNREPORTED = Rules(meeting_ended="unreported")


def attendance(*given: News, rules: Rules | None = None) -> tuple[bool | None, str | None]:
    found = story(*given, rules=rules or Rules()).booking
    assert found is not None
    return found.attended, found.evidence


def no_show(who: AttendeeSeen = SARAH, *, absent: bool = True) -> News:
    return ended(who=(replace(who, no_show=absent),))


def reported_by_calcom(came: bool) -> News:
    """Seed 002's `meeting.ended`: a number, and who attended."""
    seen = bare(None, calcom_booking_id="100", attendees=(replace(SARAH, attended=came),), attendees_are_guests=False)
    return news(MeetingEnded(booking=seen), OVER)


class TestWhatItRestsOn:
    def test_before_the_end_nobody_knows(self) -> None:
        assert attendance(made(), started()) == (None, None)

    def test_the_clock_alone_is_an_assumption(self) -> None:
        assert attendance(made(), ended()) == (True, "assumed")

    def test_an_end_that_says_nobody_was_missed_is_still_an_assumption(self) -> None:
        assert attendance(made(), no_show(absent=False)) == (True, "assumed")

    def test_the_end_may_say_that_the_guest_was_missed(self) -> None:
        assert attendance(made(), no_show()) == (False, "reported")

    def test_an_end_nobody_sent_leaves_it_unreported(self) -> None:
        assert attendance(made()) == (None, None)

    def test_a_report_before_the_end_is_not_overruled_by_the_clock(self) -> None:
        assert attendance(made(), marked(THURSDAY, came=False), ended()) == (False, "reported")

    def test_a_report_after_the_end_replaces_the_assumption(self) -> None:
        assert attendance(made(), ended(), marked(OVER + hours(1), came=False)) == (False, "reported")

    def test_the_same_in_any_order_of_arrival(self) -> None:
        given = (made(), started(), ended(), marked(OVER + hours(1), came=False))
        assert {attendance(*order) for order in permutations(given)} == {(False, "reported")}

    def test_cal_video_saw_no_guest(self) -> None:
        assert attendance(made(), guests_missed(), ended()) == (False, "reported")

    @pytest.mark.parametrize("came", [True, False])
    def test_seed_002s_payload_says_who_attended(self, came: bool) -> None:
        assert attendance(made(calcom_booking_id="100"), reported_by_calcom(came)) == (came, "reported")

    def test_a_short_list_of_who_attended_loses_nobody(self) -> None:
        told = story(made(calcom_booking_id="100", who=(SARAH, TOM)), reported_by_calcom(came=True)).booking
        assert told is not None
        assert [(one.attended, one.evidence, one.left_at) for one in told.attendees] == [
            (True, "reported", None),
            (True, "assumed", None),
        ]


class TestMarksTakenBack:
    def test_before_the_end_the_question_is_open_again(self) -> None:
        given = (made(), marked(THURSDAY, came=False), marked(THURSDAY + hours(0.1), came=True))
        assert attendance(*given) == (None, None)
        assert attendance(*given, ended()) == (True, "assumed")

    def test_after_the_end_they_came_after_all(self) -> None:
        given = (made(), ended(), marked(OVER + hours(1), came=False), marked(OVER + hours(2), came=True))
        assert attendance(*given) == (True, "reported")
        assert after(*given) == ("active", "met")

    def test_a_mark_for_somebody_else_is_refused(self) -> None:
        stray = marked(OVER, came=False, who=GWEN)
        assert story(made(), stray).refused == {stray.event_id: "gwen@gmail.com is not among the attendees"}

    def test_somebody_known_by_phone_can_be_marked_too(self) -> None:
        told = story(made(who=(SARAH, PAT)), ended(), marked(OVER + hours(1), came=False, who=PAT)).booking
        assert told is not None
        assert [one.attended for one in told.attendees] == [True, False]


class TestTheHost:
    @pytest.mark.parametrize("given", [(ended(host_absent=True),), (host_missed(), ended()), (ended(), host_missed())])
    def test_a_missing_host_is_not_the_guests_no_show(self, given: tuple[News, ...]) -> None:
        told = story(made(), *given).booking
        assert told is not None
        assert told.host_absent
        assert (told.attended, told.evidence) == (None, None)
        assert after(made(), *given) == ("active", "booked")

    def test_a_later_webhook_may_know_that_the_host_was_missing(self) -> None:
        again = replace(ended(host_absent=True), source_at=OVER)
        assert attendance(made(), ended(), replace(again, order_key=f"{again.order_key}~")) == (None, None)

    def test_a_missing_co_host_changes_nothing(self) -> None:
        assert attendance(made(), host_missed(ANN), ended()) == (True, "assumed")

    def test_the_guest_can_be_a_no_show_of_a_meeting_without_host(self) -> None:
        assert attendance(made(), host_missed(), guests_missed(), ended()) == (False, "reported")


class TestTheRuleUnreported:
    def test_the_clock_says_nothing(self) -> None:
        assert attendance(made(), ended(), rules=UNREPORTED) == (None, None)
        assert after(made(), ended(), rules=UNREPORTED) == ("active", "booked")

    @pytest.mark.parametrize(("came", "stage"), [(True, "met"), (False, "booked")])
    def test_a_report_does(self, came: bool, stage: str) -> None:
        given = (made(calcom_booking_id="100"), reported_by_calcom(came))
        assert attendance(*given, rules=UNREPORTED) == (came, "reported")
        assert after(*given, rules=UNREPORTED) == ("active", stage)


class TestTheDeal:
    def test_it_goes_back_to_booked_when_the_only_meeting_was_missed(self) -> None:
        given = (made(), ended(), marked(OVER + hours(1), came=False))
        assert after(*given) == ("active", "booked")
        assert whats(deals(story(*given))) == ["deal.opened", "deal.moved", "deal.moved"]

    def test_it_stays_when_another_meeting_was_held(self) -> None:
        missed = story(made(), ended(), marked(OVER + hours(30), came=False))
        held = story(made(MIDDAY, uid="def456", start=FRIDAY), ended(FRIDAY, uid="def456"), booking_id=SECOND)
        assert [deal.stage for deal in deals(missed, held).deals] == ["met"]

    def test_a_cancelled_deal_does_not_move(self) -> None:
        other = story(made(MIDDAY, uid="def456"), cancelled(MIDDAY + hours(1), uid="def456"), booking_id=SECOND)
        (deal,) = deals(story(made(), ended()), other).deals
        assert (deal.status, deal.stage) == ("cancelled", "booked")


class TestWhenItNoLongerCounts:
    def test_the_clock_runs_on_for_a_cancelled_meeting(self) -> None:
        told = story(made(), cancelled(), started(), ended())
        assert told.booking is not None
        assert told.booking.attended is None
        assert len(told.refused) == 2

    @pytest.mark.parametrize("late", [started(), ended()], ids=["started", "ended"])
    def test_the_clock_runs_on_for_a_time_that_was_given_up(self, late: News) -> None:
        moved = rescheduled(uid="abc123", old="abc123")
        told = story(made(), moved, late)
        assert told.booking is not None
        assert (told.booking.start_time, told.booking.attended) == (FRIDAY, None)
        assert set(told.refused) == {late.event_id}

    def test_another_time_is_another_chance(self) -> None:
        moved = rescheduled(OVER + hours(2))
        assert attendance(made(), guests_missed(), moved) == (None, None)
        assert attendance(made(), guests_missed(), moved, ended(FRIDAY, uid="xyz789")) == (True, "assumed")

    def test_a_meeting_may_end_before_anybody_told_of_it(self) -> None:
        told = story(ended(booked_at=MIDDAY))
        assert told.booking is not None
        assert (told.booking.attended, told.booking.booked_at) == (True, MIDDAY)
        assert after(ended()) == ("active", "met")


def test_the_bookers_attendance_is_the_bookings() -> None:
    given = (made(who=(SARAH, TOM)), ended(who=(SARAH, replace(TOM, no_show=True))))
    told = story(*given).booking
    assert told is not None
    assert [one.attended for one in told.attendees] == [True, False]
    assert told.attended is True
