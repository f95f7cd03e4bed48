"""Seed 000, its critical finding and its logic of deals: a new uid is no new booking, cancelled is not lost."""

from msgspec.structs import replace

from showup.events import BookingRescheduled, News, Replaced
from tests.pipeline.cast import (
    FRIDAY,
    MIDDAY,
    THURSDAY,
    after,
    booking,
    cancelled,
    deals,
    ended,
    made,
    news,
    story,
    whats,
)


def found_again() -> tuple[News, News]:
    """The seed's own example: booking 100 under abc123 becomes booking 200 under xyz789."""
    first = made(uid="abc123", calcom_booking_id="100")
    seen = booking("xyz789", FRIDAY, calcom_booking_id="200")
    old = Replaced(uid="abc123", calcom_booking_id="100", start_time=THURSDAY)
    return first, news(BookingRescheduled(booking=seen, replaces=old), MIDDAY)


def test_a_rescheduled_booking_keeps_its_row_and_gets_the_new_uid_and_id() -> None:
    moved = story(*found_again()).booking
    assert moved is not None
    assert (moved.uid, moved.calcom_booking_id) == ("xyz789", "200")
    assert (moved.reschedule_count, moved.version) == (1, 2)


def test_it_keeps_the_history_of_its_uids_and_times() -> None:
    moved = story(*found_again()).booking
    assert moved is not None
    assert [(held.uid, held.calcom_booking_id, held.start_time) for held in moved.uids] == [
        ("abc123", "100", THURSDAY),
        ("xyz789", "200", FRIDAY),
    ]
    assert moved.held("abc123")
    assert moved.held("xyz789")


def test_news_of_the_old_uid_no_longer_touches_it() -> None:
    late = replace(cancelled(), source_at=MIDDAY)
    told = story(*found_again(), late)
    assert told.booking is not None
    assert told.booking.status == "ACCEPTED"
    assert told.refused == {late.event_id: "it is about uid abc123, which a reschedule has replaced"}


def test_the_deal_is_created_at_the_booking_and_not_at_the_end_of_the_meeting() -> None:
    told = story(made(), ended())
    (deal,) = deals(told).deals
    assert deal.opened_at == made().source_at
    assert deal.stage_entered_at == ended().source_at


def test_the_stage_goes_from_booked_to_met_when_the_meeting_ends() -> None:
    assert after(made()) == ("active", "booked")
    assert after(made(), ended()) == ("active", "met")


def test_cancelled_is_not_lost() -> None:
    (deal,) = deals(story(made(), cancelled())).deals
    assert deal.status == "cancelled"
    assert deal.closed_at == cancelled().source_at
    assert whats(deals(story(made(), cancelled()))) == ["deal.opened", "deal.cancelled"]
