"""PI3, PI4, PI6, PI7: meetings that move, are asked for, called off, revived or handed over, and their deals."""

import pytest

from showup import events
from showup.effects import Confirm, Remind, TellCancelled, TellNewPlace, TellRescheduled
from showup.events import News, Replaced
from showup.pipeline.dealing import fold_deals
from showup.pipeline.rules import Rules
from tests.pipeline.cast import (
    AFTERNOON,
    ANN,
    BEN,
    FRIDAY,
    MIDDAY,
    MONDAY,
    SARAH,
    SECOND,
    THURSDAY,
    TOM,
    after,
    bare,
    booking,
    cancelled,
    deals,
    ended,
    hours,
    made,
    news,
    requested,
    rescheduled,
    said,
    started,
    story,
    whats,
)

LAST_MEETING = Rules(cancel_deal="last_meeting")
NEW_WEEK = FRIDAY + hours(96)


def to_third() -> News:
    return rescheduled(AFTERNOON, old="xyz789", uid="third", start=NEW_WEEK)


class TestChains:
    def test_a_chain_of_reschedules_stays_one_booking(self) -> None:
        told = story(made(), rescheduled(), to_third()).booking
        assert told is not None
        assert [held.uid for held in told.uids] == ["abc123", "xyz789", "third"]
        assert (told.uid, told.start_time, told.reschedule_count) == ("third", NEW_WEEK, 2)

    def test_a_lost_link_in_the_chain_loses_only_itself(self) -> None:
        told = story(made(), to_third()).booking
        assert told is not None
        assert [held.uid for held in told.uids] == ["abc123", "xyz789", "third"]
        assert told.start_time == NEW_WEEK

    def test_a_reschedule_of_a_booking_nobody_told_of_founds_it(self) -> None:
        told = story(rescheduled(by="sarah.chen@acme.com"))
        assert told.booking is not None
        assert [held.uid for held in told.booking.uids] == ["abc123", "xyz789"]
        assert (told.booking.reschedule_count, told.booking.rescheduled_by) == (1, "sarah.chen@acme.com")
        assert after(rescheduled()) == ("active", "booked")

    def test_a_host_may_move_a_booking_under_its_own_uid(self) -> None:
        told = story(made(), rescheduled(uid="abc123")).booking
        assert told is not None
        assert (told.uid, told.start_time, told.reschedule_count) == ("abc123", FRIDAY, 1)

    def test_the_same_reschedule_by_another_route_counts_once(self) -> None:
        first = rescheduled()
        told = story(made(), first, news(first.event, first.source_at, route="team")).booking
        assert told is not None
        assert (told.reschedule_count, len(told.uids)) == (1, 2)

    def test_an_attendee_who_is_named_no_longer_has_left(self) -> None:
        told = story(made(who=(SARAH, TOM)), rescheduled()).booking
        assert told is not None
        assert [one.email for one in told.seats] == ["sarah.chen@acme.com"]


class TestAQuietChangeOfTime:
    """Cal.com tells nobody that a booking was edited; the next webhook of it carries the new time."""

    @pytest.mark.parametrize(
        "kind", [events.BookingMade, events.BookingPaid, events.LocationChanged, events.OrganizerChanged]
    )
    def test_the_newest_news_says_what_the_time_is(self, kind: type[events.BookingMade]) -> None:
        told = story(made(), news(kind(booking=booking(start=FRIDAY)), MIDDAY))
        assert told.booking is not None
        assert (told.booking.start_time, told.booking.uid) == (FRIDAY, "abc123")
        assert {reminder.due_at for reminder in said(told, Remind)} == {
            FRIDAY - hours(72),
            FRIDAY - hours(24),
            FRIDAY - hours(2),
        }
        assert len(said(told, Remind, "withdrawn")) == 3

    def test_older_news_that_comes_late_does_not(self) -> None:
        told = story(news(events.BookingPaid(booking=booking(start=FRIDAY)), MIDDAY), made()).booking
        assert told is not None
        assert told.start_time == FRIDAY

    def test_the_journal_says_so(self) -> None:
        told = story(made(), news(made(start=FRIDAY).event, MIDDAY))
        assert whats(told) == ["booking.made", "booking.rescheduled"]
        assert told.lines[1].change["start_time"] == ["2026-03-05T14:00:00Z", "2026-03-06T10:00:00Z"]


class TestCancellations:
    def test_cancelled_twice_is_cancelled_once(self) -> None:
        told = story(made(), cancelled(), cancelled(AFTERNOON + hours(1)))
        assert whats(told) == ["booking.made", "booking.cancelled"]
        assert len(said(told, TellCancelled)) == 1

    def test_a_cancellation_can_come_alone(self) -> None:
        told = story(cancelled())
        assert told.booking is not None
        assert told.booking.status == "CANCELLED"
        assert deals(told).deals == []

    def test_no_booking_comes_back_under_the_same_uid(self) -> None:
        again = made(AFTERNOON + hours(1))
        told = story(made(), cancelled(), again)
        assert told.booking is not None
        assert told.booking.status == "CANCELLED"
        assert set(told.refused) == {again.event_id}

    def test_a_reschedule_after_the_cancellation_revives_the_deal(self) -> None:
        given = (made(), cancelled(), rescheduled(AFTERNOON + hours(1)))
        assert after(*given) == ("active", "booked")
        assert whats(deals(story(*given))) == ["deal.opened", "deal.cancelled", "deal.reopened"]
        told = story(*given).booking
        assert told is not None
        assert (told.status, told.cancellation_reason, told.cancelled_by) == ("ACCEPTED", None, None)

    def test_it_does_not_where_the_company_has_another_deal_by_then(self) -> None:
        first = story(made(), cancelled(MIDDAY), rescheduled(AFTERNOON))
        second = story(made(MIDDAY + hours(1), uid="def456"), booking_id=SECOND)
        book = deals(first, second)
        assert [deal.status for deal in book.deals] == ["cancelled", "active"]
        assert set(book.deal_of.values()) == {book.deals[1].id}
        joined = [line for line in book.lines if line.what == "deal.joined"]
        assert [line.deal_id for line in joined] == [book.deals[1].id]

    def test_only_the_cancellation_that_cancelled_it_can_be_undone(self) -> None:
        first = story(made(), cancelled(MIDDAY))
        second = story(
            made(MONDAY + hours(1), uid="def456"),
            cancelled(AFTERNOON, uid="def456"),
            rescheduled(AFTERNOON + hours(1), old="def456", uid="def789"),
            booking_id=SECOND,
        )
        assert [deal.status for deal in deals(first, second).deals] == ["cancelled"]

    def test_a_new_booking_after_a_cancelled_deal_opens_a_new_one(self) -> None:
        first = story(made(), cancelled(MIDDAY))
        second = story(made(AFTERNOON, uid="def456"), booking_id=SECOND)
        assert [(deal.status, deal.position) for deal in deals(first, second).deals] == [
            ("cancelled", 0),
            ("active", 1),
        ]


class TestTheHostAsksForAnotherTime:
    def test_the_booking_is_cancelled_and_the_deal_is_not(self) -> None:
        told = story(made(), cancelled(ask=True)).booking
        assert told is not None
        assert (told.status, told.reschedule_requested) == ("CANCELLED", True)
        assert after(made(), cancelled(ask=True)) == ("active", "booked")

    def test_booked_again_it_is_the_same_booking_and_deal(self) -> None:
        given = (made(), cancelled(ask=True), rescheduled(AFTERNOON + hours(1)))
        told = story(*given).booking
        assert told is not None
        assert (told.status, told.reschedule_requested, told.uid) == ("ACCEPTED", False, "xyz789")
        assert whats(deals(story(*given))) == ["deal.opened"]

    def test_called_off_after_all_it_cancels_the_deal(self) -> None:
        assert after(made(), cancelled(ask=True), cancelled(AFTERNOON + hours(1))) == ("cancelled", "booked")


class TestTheRuleLastMeeting:
    def two(self, rules: Rules, *, further: News | None = None) -> list[str]:
        first = story(made(), cancelled(AFTERNOON), rules=rules)
        more = () if further is None else (further,)
        second = story(made(MIDDAY, uid="def456", start=FRIDAY), *more, booking_id=SECOND, rules=rules)
        return [deal.status for deal in deals(first, second, rules=rules).deals]

    def test_by_default_any_cancellation_cancels_the_deal(self) -> None:
        assert self.two(Rules()) == ["cancelled"]

    def test_it_keeps_the_deal_while_another_meeting_is_ahead(self) -> None:
        assert self.two(LAST_MEETING) == ["active"]

    def test_the_last_cancellation_cancels_it(self) -> None:
        assert self.two(LAST_MEETING, further=cancelled(AFTERNOON + hours(1), uid="def456")) == ["cancelled"]

    def test_a_meeting_that_waits_for_another_time_is_not_ahead(self) -> None:
        asked = cancelled(MIDDAY + hours(1), uid="def456", ask=True)
        assert self.two(LAST_MEETING, further=asked) == ["cancelled"]

    def test_nor_is_one_that_is_over(self) -> None:
        held = story(made(uid="past", start=MONDAY + hours(1)), booking_id=SECOND, rules=LAST_MEETING)
        given = story(made(MONDAY + hours(1)), cancelled(), rules=LAST_MEETING)
        assert [deal.status for deal in deals(held, given, rules=LAST_MEETING).deals] == ["cancelled"]


class TestRequests:
    def test_a_request_waits_and_makes_no_deal(self) -> None:
        told = story(requested())
        assert told.booking is not None
        assert told.booking.status == "PENDING"
        assert (deals(told).deals, told.wants) == ([], {})

    def test_accepted_it_makes_a_deal_and_is_confirmed(self) -> None:
        given = (requested(), made(MIDDAY))
        assert after(*given) == ("active", "booked")
        assert len(said(story(*given), Confirm)) == 1

    def test_declined_it_makes_none(self) -> None:
        no = news(events.BookingRejected(booking=booking(), reason="full"), MIDDAY)
        told = story(requested(), no)
        assert told.booking is not None
        assert (told.booking.status, told.booking.rejection_reason) == ("REJECTED", "full")
        assert deals(told).deals == []

    def test_a_refusal_of_what_stands_changes_nothing(self) -> None:
        no = news(events.BookingRejected(booking=booking()), MIDDAY)
        assert set(story(made(), no).refused) == {no.event_id}

    @pytest.mark.parametrize("uid_is_said", [True, False])
    def test_a_wish_for_another_time_moves_the_booking_which_waits(self, uid_is_said: bool) -> None:
        wish = requested(MIDDAY, uid="xyz789", start=FRIDAY, replaces=Replaced(uid="abc123") if uid_is_said else None)
        told = story(made(), wish).booking
        assert told is not None
        assert (told.status, told.uid, told.start_time) == ("PENDING", "xyz789", FRIDAY)
        assert after(made(), wish) == ("active", "booked")

    @pytest.mark.parametrize("linked", [True, False])
    def test_granted_it_stands_at_the_new_time(self, linked: bool) -> None:
        """#21169: the grant comes as a creation, and does not say which booking it replaces."""
        old = Replaced(uid="abc123") if linked else None
        wish = requested(MIDDAY, uid="xyz789", start=FRIDAY, replaces=Replaced(uid="abc123"))
        given = (made(), wish, made(AFTERNOON, uid="xyz789", start=FRIDAY, replaces=old))
        told = story(*given)
        assert told.booking is not None
        assert (told.booking.status, told.booking.reschedule_count) == ("ACCEPTED", 1)
        assert whats(deals(told)) == ["deal.opened"]
        assert len(said(told, TellRescheduled)) == 1

    def test_declined_the_old_time_is_gone_and_the_deal_stays(self) -> None:
        wish = requested(MIDDAY, uid="xyz789", start=FRIDAY, replaces=Replaced(uid="abc123"))
        no = news(events.BookingRejected(booking=booking("xyz789", FRIDAY)), AFTERNOON)
        told = story(made(), wish, no).booking
        assert told is not None
        assert told.status == "REJECTED"
        assert after(made(), wish, no) == ("active", "booked")


class TestPayment:
    def test_it_waits_until_it_is_accepted(self) -> None:
        begun = news(events.PaymentStarted(booking=booking(price=1_000, currency="USD")), MONDAY)
        paid = news(events.BookingPaid(booking=booking(price=1_000, currency="USD")), MIDDAY)
        waiting = story(begun).booking
        assert waiting is not None
        assert (waiting.status, waiting.paid) == ("PENDING", None)
        done = story(begun, made(MIDDAY), paid).booking
        assert done is not None
        assert (done.status, done.paid, done.price, done.currency) == ("ACCEPTED", True, 1_000, "USD")

    def test_the_money_alone_does_not_accept_it(self) -> None:
        told = story(requested(), news(events.BookingPaid(booking=booking()), MIDDAY)).booking
        assert told is not None
        assert (told.status, told.paid) == ("PENDING", True)


class TestPlaceAndHost:
    def test_a_new_place_is_told(self) -> None:
        moved = news(events.LocationChanged(booking=booking(meeting_url="https://meet.example/new")), MIDDAY)
        told = story(made(meeting_url="https://meet.example/old"), moved)
        assert told.booking is not None
        assert told.booking.meeting_url == "https://meet.example/new"
        assert len(said(told, TellNewPlace)) == 1
        assert len(said(told, Remind)) == 3

    def test_the_same_place_told_twice_is_one_message(self) -> None:
        moved = news(events.LocationChanged(booking=booking(location="x" * 5_000)), MIDDAY)
        told = story(made(), moved, news(moved.event, MIDDAY, route="team"))
        (place,) = said(told, TellNewPlace)
        assert len(place.key) < 500

    def test_a_new_host_takes_the_deal_along(self) -> None:
        handed = news(events.OrganizerChanged(booking=booking(organizer_email=ANN)), MIDDAY)
        (deal,) = deals(story(made(), handed)).deals
        assert deal.owner_email == ANN
        told = story(made(), handed).booking
        assert told is not None
        assert (told.organizer_email, told.uid, told.hosts) == (ANN, "abc123", {ANN, BEN})

    def test_a_deal_somebody_else_owns_stays_with_them(self) -> None:
        owned = story(made())
        other = story(
            made(MIDDAY, uid="def456", organizer_email=ANN),
            news(
                events.OrganizerChanged(booking=booking("def456", organizer_email="cy@outboundsolutions.com")),
                AFTERNOON,
            ),
            booking_id=SECOND,
        )
        (deal,) = deals(owned, other).deals
        assert deal.owner_email == BEN


class TestLinkedToTheBooking:
    def test_recordings_transcripts_and_what_people_say_of_it(self) -> None:
        told = story(
            made(),
            news(events.RecordingReady(booking=bare(), url="https://r.example/1"), THURSDAY),
            news(events.TranscriptReady(booking=bare(), url="https://t.example/1"), THURSDAY),
            news(events.InviteDeclined(booking=bare(), email="sarah.chen@acme.com"), MIDDAY),
            news(events.AssignmentDisputed(booking=bare(), by=BEN, correct_organizer=ANN), MIDDAY),
        )
        assert told.booking is not None
        assert told.booking.status == "ACCEPTED"
        assert (told.booking.recording_url, told.booking.transcript_url) == (
            "https://r.example/1",
            "https://t.example/1",
        )
        assert set(whats(told)) == {
            "booking.made",
            "recording.ready",
            "transcript.ready",
            "invite.declined",
            "assignment.disputed",
        }

    @pytest.mark.parametrize(
        "kind", [events.RecordingReady, events.GuestsMissed, events.HostMissed, events.InviteDeclined]
    )
    def test_what_knows_no_attendee_waits_for_the_booking(self, kind: type[events.RecordingReady]) -> None:
        early = news(kind(booking=bare(start_time=THURSDAY)), MONDAY)
        told = story(early)
        assert (told.booking, told.refused) == (None, {early.event_id: "nobody has told of this booking yet"})
        assert story(early, made(MIDDAY)).refused == {}


def test_any_news_that_knows_the_whole_booking_stands_in_for_what_was_lost() -> None:
    for first in (started(), ended(), rescheduled(), made()):
        assert after(first)[0] == "active"


def test_a_deal_keeps_its_id_when_late_news_changes_how_it_began() -> None:
    standing = deals(story(rescheduled())).deals
    whole = story(made(), rescheduled())
    assert deals(whole).deals[0].id != standing[0].id
    assert [deal.id for deal in fold_deals(whole.turns, Rules(), standing).deals] == [standing[0].id]
