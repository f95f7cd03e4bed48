"""PI6: a booking with seats has one uid for all of them; each attendee comes and goes alone, and it lives on."""

import pytest
from msgspec.structs import replace

from showup import events
from showup.effects import Confirm, Remind, TellCancelled, TellRescheduled
from showup.events import AttendeeSeen, News, Replaced
from showup.pipeline.story import Story
from tests.pipeline.cast import (
    AFTERNOON,
    FRIDAY,
    MIDDAY,
    MIKE,
    MONDAY,
    PAT,
    SARAH,
    SECOND,
    THURSDAY,
    TOM,
    booking,
    cancelled,
    deals,
    ended,
    hours,
    made,
    news,
    rescheduled,
    said,
    seat,
    story,
    whats,
)


def takes(who: AttendeeSeen, number: int, at: int = 0) -> News:
    return made(MONDAY + hours(at), who=seat(who, number), seated=True)


def gives_back(who: AttendeeSeen, at: int = 6) -> News:
    """Cal.com lists the attendee and no seat."""
    return cancelled(MONDAY + hours(at), who=(who,), seated=True)


def seats(of: Story) -> list[str]:
    assert of.booking is not None
    return [one.key for one in of.booking.seats]


def recipients(of: Story, kind: type, state: str = "scheduled") -> set[str]:
    return {effect.recipient for effect in said(of, kind, state)}


def test_seats_with_one_uid_are_one_booking() -> None:
    told = story(takes(SARAH, 1), takes(TOM, 2, at=1))
    assert seats(told) == ["sarah.chen@acme.com", "tom@mail.acme.com"]
    assert whats(told) == ["booking.made", "booking.seat_taken"]
    assert len(deals(told).deals) == 1


def test_each_seat_gets_its_own_messages() -> None:
    told = story(takes(SARAH, 1), takes(TOM, 2, at=1))
    assert recipients(told, Confirm) == {SARAH.email, TOM.email}
    assert len(said(told, Confirm)) == 2
    assert len(said(told, Remind)) == 6


def test_the_same_seat_by_another_route_is_no_second_one() -> None:
    again = news(takes(SARAH, 1).event, MIDDAY, route="team")
    told = story(takes(SARAH, 1), again)
    assert len(seats(told)) == 1
    assert len(said(told, Confirm)) == 1


class TestASeatGivenBack:
    def test_the_booking_and_the_deal_live_on(self) -> None:
        told = story(takes(SARAH, 1), takes(TOM, 2, at=1), gives_back(SARAH))
        assert told.booking is not None
        assert told.booking.status == "ACCEPTED"
        assert seats(told) == ["tom@mail.acme.com"]
        assert [deal.status for deal in deals(told).deals] == ["active"]

    def test_only_its_messages_are_withdrawn(self) -> None:
        told = story(takes(SARAH, 1), takes(TOM, 2, at=1), gives_back(SARAH))
        assert recipients(told, Remind) == {TOM.email}
        assert recipients(told, Remind, "withdrawn") == {SARAH.email}
        assert recipients(told, TellCancelled) == {SARAH.email}

    def test_of_somebody_known_by_phone_it_withdraws_nobody_elses(self) -> None:
        told = story(takes(SARAH, 1), takes(PAT, 2, at=1), gives_back(PAT))
        assert recipients(told, Remind) == {SARAH.email}
        assert said(told, Remind, "withdrawn") == []
        assert seats(told) == ["sarah.chen@acme.com"]

    def test_two_at_once_are_both_withdrawn(self) -> None:
        both = cancelled(AFTERNOON, who=(SARAH, TOM), seated=True)
        told = story(takes(SARAH, 1), takes(TOM, 2, at=1), takes(MIKE, 3, at=2), both)
        assert seats(told) == ["mike@techstart.io"]
        assert recipients(told, Remind) == {MIKE.email}

    def test_the_last_one_cancels_the_booking(self) -> None:
        told = story(takes(SARAH, 1), takes(TOM, 2, at=1), gives_back(SARAH), gives_back(TOM, at=7))
        assert told.booking is not None
        assert told.booking.status == "CANCELLED"
        assert [deal.status for deal in deals(told).deals] == ["cancelled"]

    def test_it_may_be_taken_again(self) -> None:
        back = takes(SARAH, 3, at=8)
        told = story(takes(SARAH, 1), takes(TOM, 2, at=1), gives_back(SARAH), back)
        assert set(seats(told)) == {"sarah.chen@acme.com", "tom@mail.acme.com"}
        assert recipients(told, Remind) == {SARAH.email, TOM.email}

    def test_taken_again_it_is_told_again_and_its_cancellation_no_more(self) -> None:
        told = story(takes(SARAH, 1), takes(TOM, 2, at=1), gives_back(SARAH), takes(SARAH, 3, at=8))
        assert [one.key for one in said(told, Confirm) if one.recipient == SARAH.email] == [
            "stands:abc123:20260305T140000Z+1:sarah.chen@acme.com"
        ]
        assert len([one for one in said(told, Remind) if one.recipient == SARAH.email and "Z+1:" in one.key]) == 2
        assert said(told, TellCancelled) == []
        assert {one.recipient for one in said(told, TellCancelled, "withdrawn")} == {SARAH.email}

    def test_given_back_a_second_time_it_is_told_a_second_time(self) -> None:
        told = story(
            takes(SARAH, 1),
            takes(TOM, 2, at=1),
            gives_back(SARAH),
            takes(SARAH, 3, at=8),
            gives_back(SARAH, at=9),
        )
        assert [one.key for one in said(told, TellCancelled)] == [
            "cancelled:abc123:20260305T140000Z+1:sarah.chen@acme.com"
        ]

    def test_taken_again_by_two_routes_it_is_told_once(self) -> None:
        back = takes(SARAH, 3, at=8)
        twice = news(back.event, MONDAY + hours(8), route="team")
        once = story(takes(SARAH, 1), takes(TOM, 2, at=1), gives_back(SARAH), back)
        told = story(takes(SARAH, 1), takes(TOM, 2, at=1), gives_back(SARAH), back, twice)
        assert told.wants.keys() == once.wants.keys()

    @pytest.mark.parametrize("who", [SARAH, MIKE], ids=["who had it", "somebody else"])
    def test_taken_after_the_last_one_left_the_booking_stands_again_with_that_one_alone(
        self, who: AttendeeSeen
    ) -> None:
        told = story(takes(SARAH, 1), gives_back(SARAH), takes(who, 2, at=8))
        assert told.booking is not None
        assert told.booking.status == "ACCEPTED"
        assert told.booking.cancelled_by is None
        assert seats(told) == [who.email]
        assert {one.recipient for one in said(told, Remind)} == {who.email}
        assert [one.recipient for one in said(told, TellCancelled)] == ([SARAH.email] if who is MIKE else [])

    def test_news_of_the_last_seat_that_was_given_back_does_not_take_it_again(self) -> None:
        late = news(takes(SARAH, 1).event, MONDAY + hours(8), route="team")
        told = story(takes(SARAH, 1), gives_back(SARAH), late)
        assert late.event_id in told.refused

    def test_taken_with_another_time_all_seats_move(self) -> None:
        elsewhere = made(MONDAY + hours(2), who=seat(MIKE, 3), seated=True, start=FRIDAY)
        told = story(takes(SARAH, 1), takes(TOM, 2, at=1), elsewhere)
        assert {one.due_at for one in said(told, Remind)} == {FRIDAY - hours(count) for count in (72, 24, 2)}
        assert recipients(told, Remind) == {SARAH.email, TOM.email, MIKE.email}

    def test_news_of_the_seat_that_was_given_back_does_not_take_it_again(self) -> None:
        late = news(takes(SARAH, 1).event, MONDAY + hours(8), route="team")
        told = story(takes(SARAH, 1), takes(TOM, 2, at=1), gives_back(SARAH), late)
        assert seats(told) == ["tom@mail.acme.com"]
        assert recipients(told, Remind) == {TOM.email}

    def test_before_we_heard_that_it_was_taken(self) -> None:
        told = story(takes(TOM, 2), gives_back(SARAH))
        assert seats(told) == ["tom@mail.acme.com"]


class TestASeatThatMoves:
    def moved(self, who: AttendeeSeen = SARAH) -> tuple[News, News]:
        """The news for the new booking, and its other half for the old one."""
        event = events.SeatMoved(
            booking=booking("xyz789", FRIDAY, seat(who, 1), seated=True), replaces=Replaced(uid="abc123")
        )
        return news(event, AFTERNOON), news(events.departure(event), AFTERNOON)

    def test_it_leaves_the_old_booking_and_joins_the_new_one(self) -> None:
        there, left = self.moved()
        old = story(takes(SARAH, 1), takes(TOM, 2, at=1), left)
        new = story(there, booking_id=SECOND)
        assert (seats(old), seats(new)) == (["tom@mail.acme.com"], ["sarah.chen@acme.com"])
        assert recipients(old, Remind) == {TOM.email}
        assert recipients(new, Remind) == {SARAH.email}
        assert [deal.status for deal in deals(old, new).deals] == ["active"]

    def test_from_a_booking_that_is_off_there_is_nothing_to_leave(self) -> None:
        left = self.moved()[1]
        told = story(takes(SARAH, 1), gives_back(SARAH, at=1), left)
        assert told.refused == {left.event_id: "the booking is CANCELLED"}

    def test_the_last_to_leave_ends_the_old_booking_and_no_deal(self) -> None:
        there, left = self.moved()
        old = story(takes(SARAH, 1), left)
        assert old.booking is not None
        assert old.booking.status == "CANCELLED"
        assert [deal.status for deal in deals(old, story(there, booking_id=SECOND)).deals] == ["active"]

    def test_of_somebody_known_by_phone_it_withdraws_nobody_elses(self) -> None:
        old = story(takes(SARAH, 1), takes(PAT, 2, at=1), self.moved(PAT)[1])
        assert recipients(old, Remind) == {SARAH.email}
        assert seats(old) == ["sarah.chen@acme.com"]


@pytest.mark.parametrize("listed", [(SARAH, TOM), (SARAH,)], ids=["all are listed", "one is listed"])
def test_the_host_moves_all_the_seats_and_all_are_told(listed: tuple[AttendeeSeen, ...]) -> None:
    all_move = rescheduled(AFTERNOON, uid="abc123", who=listed, seated=True)
    told = story(takes(SARAH, 1), takes(TOM, 2, at=1), all_move)
    assert recipients(told, TellRescheduled) == {SARAH.email, TOM.email}
    assert {reminder.due_at for reminder in said(told, Remind)} == {
        FRIDAY - hours(72),
        FRIDAY - hours(24),
        FRIDAY - hours(2),
    }
    assert len(said(told, Remind)) == 6


def test_the_clock_assumes_nothing_of_who_gave_their_seat_back() -> None:
    told = story(takes(SARAH, 1), takes(TOM, 2, at=1), gives_back(SARAH), ended(who=(SARAH, TOM), seated=True)).booking
    assert told is not None
    assert [(one.email, one.attended) for one in told.attendees] == [(SARAH.email, None), (TOM.email, True)]
    assert told.attended is True


def test_each_seats_attendance_is_its_own() -> None:
    over = ended(THURSDAY, who=(SARAH, replace(TOM, no_show=True)), seated=True)
    told = story(takes(SARAH, 1), takes(TOM, 2, at=1), over).booking
    assert told is not None
    assert [(one.attended, one.evidence) for one in told.attendees] == [(True, "assumed"), (False, "reported")]
