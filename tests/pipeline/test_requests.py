"""PI6: bookings that are asked for, paid, relocated or handed over, and what else is linked to them."""

import pytest

from showup import events
from showup.effects import Confirm, Remind, TellNewPlace, TellRescheduled
from showup.events import News, Replaced
from tests.pipeline.cast import (
    AFTERNOON,
    ANN,
    BEN,
    FRIDAY,
    MIDDAY,
    MONDAY,
    SECOND,
    THURSDAY,
    after,
    bare,
    booking,
    deals,
    made,
    news,
    requested,
    said,
    story,
    whats,
)


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

    @pytest.mark.parametrize("late", [requested(MIDDAY), news(events.PaymentStarted(booking=booking()), MIDDAY)])
    def test_what_was_answered_does_not_wait_again(self, late: News) -> None:
        told = story(made(), late)
        assert told.booking is not None
        assert told.booking.status == "ACCEPTED"
        assert told.refused == {late.event_id: "it was answered before: the booking is ACCEPTED"}

    def test_a_request_that_is_handed_over_still_makes_no_deal(self) -> None:
        handed = news(events.OrganizerChanged(booking=booking(organizer_email=ANN)), MIDDAY)
        assert deals(story(requested(), handed)).deals == []
        (deal,) = deals(story(requested(), handed, made(AFTERNOON, organizer_email=ANN))).deals
        assert deal.owner_email == ANN

    def test_a_refusal_of_what_stands_changes_nothing(self) -> None:
        no = news(events.BookingRejected(booking=booking()), MIDDAY)
        assert set(story(made(), no).refused) == {no.event_id}

    def test_a_wish_for_another_time_moves_the_booking_which_waits(self) -> None:
        wish = requested(MIDDAY, uid="xyz789", start=FRIDAY, replaces=Replaced(uid="abc123"))
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
