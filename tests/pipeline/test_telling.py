"""PI13, TE4: what attendees are told, once each, while it is fresh and the meeting is ahead."""

from datetime import timedelta

import pytest

from showup.effects import Confirm, Remind, SkipReminders, TellCancelled, TellRescheduled
from showup.events import News
from showup.pipeline.rules import Rules
from tests.pipeline.cast import (
    AFTERNOON,
    FRIDAY,
    GWEN,
    MIDDAY,
    MONDAY,
    SARAH,
    THURSDAY,
    TOM,
    cancelled,
    ended,
    guests_missed,
    hours,
    made,
    news,
    requested,
    rescheduled,
    said,
    started,
    story,
)


def heard(item: News, late: timedelta, route: str = "user") -> News:
    """The same news, heard so long after it happened."""
    return news(item.event, item.source_at, late, route)


class TestWhatIsFresh:
    @pytest.mark.parametrize(("late", "told"), [(hours(0), 1), (hours(23.9), 1), (hours(24), 0), (hours(70), 0)])
    def test_news_of_a_day_ago_is_told_to_nobody(self, late: timedelta, told: int) -> None:
        given = story(heard(made(), late))
        assert len(said(given, Confirm)) == told
        assert given.booking is not None
        assert given.booking.status == "ACCEPTED"

    def test_the_span_can_be_set(self) -> None:
        rules = Rules(fresh_for=hours(1))
        assert story(heard(made(), hours(2)), rules=rules).wants == {}
        assert story(heard(made(), hours(0.5)), rules=rules).wants != {}

    @pytest.mark.parametrize(("ahead", "told"), [(-60, 0), (0, 0), (9, 0), (10, 0), (11, 1)])
    def test_a_meeting_that_is_not_ahead_when_we_hear_of_it_is_not_told(self, ahead: int, told: int) -> None:
        assert len(said(story(made(start=MONDAY + timedelta(seconds=ahead))), Confirm)) == told

    def test_a_cancellation_after_the_meeting_is_not_told(self) -> None:
        told = story(made(), ended(), cancelled(FRIDAY))
        assert said(told, TellCancelled) == []

    def test_old_news_still_withdraws(self) -> None:
        told = story(made(), heard(cancelled(), hours(48)))
        assert said(told, Remind) == []
        assert said(told, TellCancelled) == []

    def test_the_clock_and_who_came_are_told_to_no_attendee(self) -> None:
        before = story(made()).wants
        assert story(made(), started(), guests_missed(), ended()).wants.keys() == before.keys()


class TestOnce:
    def test_the_same_news_by_two_routes_is_one_message(self) -> None:
        told = story(made(), heard(made(), hours(0.1), route="team"), heard(made(), hours(1), route="organization"))
        assert (len(said(told, Confirm)), len(said(told, Remind))) == (1, 3)

    def test_with_another_creation_time_too(self) -> None:
        told = story(made(), news(made().event, MONDAY + timedelta(seconds=12)))
        assert (len(said(told, Confirm)), len(said(told, Remind))) == (1, 3)

    def test_a_reschedule_by_two_routes_is_one_message(self) -> None:
        told = story(made(), rescheduled(), heard(rescheduled(), hours(1), route="team"))
        assert (len(said(told, TellRescheduled)), len(said(told, Remind))) == (1, 3)

    def test_told_in_time_by_one_route_and_too_late_by_another_it_is_told(self) -> None:
        late = heard(made(), hours(30), route="team")
        for given in ((made(), late), (late, made())):
            assert len(said(story(*given), Confirm)) == 1

    def test_reminders_made_in_time_hold_when_the_news_comes_again_just_before(self) -> None:
        soon = made(MONDAY, start=MONDAY + hours(5))
        told = story(soon, heard(soon, hours(4), route="team"))
        assert len(said(told, Remind)) == 1
        assert said(told, SkipReminders, "skipped") == []

    def test_a_key_says_what_it_means(self) -> None:
        wants = story(made()).wants
        assert set(wants) == {
            "stands:abc123:20260305T140000Z:sarah.chen@acme.com",
            "remind:abc123:20260305T140000Z:sarah.chen@acme.com:259200",
            "remind:abc123:20260305T140000Z:sarah.chen@acme.com:86400",
            "remind:abc123:20260305T140000Z:sarah.chen@acme.com:7200",
        }
        assert all(want.effect.key == key for key, want in wants.items())


class TestReminders:
    def test_a_reschedule_withdraws_the_old_ones_and_makes_new_ones(self) -> None:
        told = story(made(), rescheduled())
        assert [one.due_at for one in said(told, Remind)] == [FRIDAY - hours(count) for count in (72, 24, 2)]
        assert {one.due_at for one in said(told, Remind, "withdrawn")} == {
            THURSDAY - hours(count) for count in (72, 24, 2)
        }

    def test_a_cancellation_withdraws_all_and_says_why(self) -> None:
        told = story(made(), cancelled())
        assert {type(want.effect) for want in told.wants.values() if want.state == "scheduled"} == {TellCancelled}
        becauses = {want.because for want in told.wants.values() if want.state == "withdrawn"}
        assert becauses == {"the meeting was called off"}

    @pytest.mark.parametrize(
        "gone",
        [cancelled(ask=True), requested(AFTERNOON, uid="xyz789", start=FRIDAY)],
        ids=["the host", "the attendee"],
    )
    def test_a_wish_for_another_time_withdraws_them(self, gone: News) -> None:
        assert said(story(made(), gone), Remind) == []

    def test_back_at_a_time_it_had_before_it_is_reminded_of_again(self) -> None:
        there = rescheduled(MIDDAY, uid="abc123")
        back = rescheduled(AFTERNOON, uid="abc123", start=THURSDAY)
        told = story(made(), there, back)
        assert [one.due_at for one in said(told, Remind)] == [THURSDAY - hours(count) for count in (24, 2)]

    def test_back_at_a_time_it_had_before_it_is_told_again(self) -> None:
        there = rescheduled(MIDDAY, uid="abc123")
        back = rescheduled(AFTERNOON, uid="abc123", start=THURSDAY)
        told = story(made(), there, back, heard(back, hours(1), route="team"))
        assert [one.key for one in said(told, TellRescheduled)] == [
            "stands:abc123:20260305T140000Z+1:sarah.chen@acme.com"
        ]

    def test_back_without_a_word_it_is_told_again_too(self) -> None:
        there = news(made(start=FRIDAY).event, MIDDAY)
        back = news(made().event, AFTERNOON)
        told = story(made(), there, back)
        assert said(told, Confirm) == []
        (last,) = said(told, TellRescheduled)
        assert isinstance(last, TellRescheduled)
        assert last.key == "stands:abc123:20260305T140000Z+1:sarah.chen@acme.com"
        assert last.old_start_time == FRIDAY

    def test_off_and_moved_its_cancellation_is_told_no_more(self) -> None:
        told = story(made(), cancelled(MIDDAY), rescheduled(AFTERNOON))
        assert said(told, TellCancelled) == []
        assert len(said(told, TellCancelled, "withdrawn")) == 1

    def test_only_those_still_ahead_are_made(self) -> None:
        told = story(heard(made(), hours(20)))
        assert [one.due_at for one in said(told, Remind)] == [THURSDAY - hours(24), THURSDAY - hours(2)]

    def test_without_offsets_there_is_none_and_none_is_missed(self) -> None:
        told = story(made(), rules=Rules(remind_before=()))
        assert {type(want.effect) for want in told.wants.values()} == {Confirm}


class TestWho:
    def test_the_booker_is_told_and_the_guests_are_not(self) -> None:
        told = story(made(who=(SARAH, TOM)))
        assert {want.effect.recipient for want in told.wants.values()} == {SARAH.email}

    def test_a_personal_address_is_told_like_any_other(self) -> None:
        assert len(said(story(made(who=(GWEN,))), Confirm)) == 1

    def test_a_booking_that_waits_is_not_told_of(self) -> None:
        assert story(requested()).wants == {}


def test_an_effect_remembers_the_news_and_the_version_it_was_decided_on() -> None:
    moved = rescheduled()
    told = story(made(), moved)
    (want,) = [want for want in told.wants.values() if isinstance(want.effect, TellRescheduled)]
    assert (want.event_id, want.booking_version, want.decided_at) == (moved.event_id, 2, moved.received_at)
    assert want.effect.due_at == moved.received_at
