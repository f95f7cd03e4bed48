"""What people say and do: how a meeting went (AP2), what its deal is worth, and whose it is (PI12)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from showup import events
from showup.deals.deal import Deal, DealChange, Turn
from showup.events import News, order_key
from showup.pipeline.deal_book import DealBook
from showup.pipeline.dealing import fold_deals
from showup.pipeline.rules import RuleBook
from showup.pipeline.story import Story
from tests.pipeline.cast import (
    AFTERNOON,
    FIRST,
    FRIDAY,
    MIDDAY,
    MONDAY,
    SECOND,
    THURSDAY,
    cancelled,
    deals,
    ended,
    made,
    marked,
    news,
    rescheduled,
    story,
)

OF = "uid:abc123"
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


def outcome(how: str, at: datetime = THURSDAY + HOUR, **more: Any) -> News:
    return news(events.OutcomeReported(of=OF, outcome=how, **more), at)  # type: ignore[arg-type]  # any outcome


def change(at: datetime = FRIDAY, of: str = OF, **fields: Any) -> News:
    return news(events.DealChanged(of=of, change=DealChange(**fields)), at)


def opened(at: datetime, story_id: UUID, **fields: Any) -> Turn:
    return Turn(
        story_id=story_id,
        event_id=story_id,
        kind="opened",
        at=at,
        order_key=order_key(at, None, story_id.bytes),
        change=DealChange(**fields),
        actor="key:ops",
    )


def only(book: DealBook) -> Deal:
    (deal,) = book.deals
    return deal


class TestTheOutcomeForm:
    def test_showed_is_reported_and_moves_the_deal(self) -> None:
        told = story(made(), outcome("showed", notes="Keen", next_step="Send the offer"))
        assert told.booking is not None
        assert (told.booking.attended, told.booking.evidence) == (True, "reported")
        assert (told.booking.outcome_notes, told.booking.next_step) == ("Keen", "Send the offer")
        assert only(deals(told)).stage == "met"

    def test_no_show_takes_back_what_the_clock_had_assumed(self) -> None:
        told = story(made(), ended(), outcome("no_show"))
        assert told.booking is not None
        assert (told.booking.attended, told.booking.evidence) == (False, "reported")
        assert only(deals(told)).stage == "booked"

    def test_an_absent_host_is_not_the_guests_no_show(self) -> None:
        told = story(made(), ended(), outcome("host_absent"))
        assert told.booking is not None
        assert (told.booking.attended, told.booking.host_absent) == (None, True)

    def test_put_off_leaves_attendance_open_whatever_the_clock_says_later(self) -> None:
        told = story(made(), outcome("rescheduled", THURSDAY), ended())
        assert told.booking is not None
        assert told.booking.attended is None
        assert only(deals(told)).status == "active"

    def test_put_off_and_then_moved_begins_anew(self) -> None:
        told = story(made(), outcome("rescheduled", MONDAY + HOUR), rescheduled())
        assert told.booking is not None
        assert told.booking.outcome is None

    def test_said_twice_is_said_once(self) -> None:
        once = story(made(), outcome("showed"))
        twice = story(made(), outcome("showed"), outcome("showed", THURSDAY + 2 * HOUR))
        assert once.booking == twice.booking
        assert [line.what for line in once.lines] == [line.what for line in twice.lines]
        assert only(deals(once)).stage_entered_at == only(deals(twice)).stage_entered_at

    def test_a_meeting_that_was_called_off_has_none(self) -> None:
        report = outcome("showed")
        assert report.event_id in story(made(), cancelled(), report).refused

    def test_it_is_about_the_booking_whatever_its_uid_is_by_now(self) -> None:
        told = story(made(), rescheduled(), outcome("showed", FRIDAY + HOUR))
        assert told.booking is not None
        assert told.booking.attended

    def test_the_line_says_who_said_it(self) -> None:
        told = story(made(), outcome("showed"))
        assert told.lines[-1].actor == outcome("showed").actor


class TestChangingADeal:
    def test_stage_amount_and_owner(self) -> None:
        deal = only(deals(story(made(), change(stage="proposal", amount=Decimal("99.50"), currency="EUR"))))
        assert (deal.stage, deal.amount, deal.currency) == ("proposal", Decimal("99.50"), "EUR")

    @pytest.mark.parametrize(
        ("wanted", "because"),
        [
            ({"stage": "closing"}, "is no stage"),
            ({"status": "lost"}, "lost_reason"),
            ({"amount": Decimal(5)}, "currency"),
            ({"lost_reason": "Price"}, "only a lost deal"),
        ],
    )
    def test_what_the_rules_refuse(self, wanted: dict[str, Any], because: str) -> None:
        asked = change(**wanted)
        book = deals(story(made(), asked))
        assert because in book.refused[asked.event_id]
        assert only(book) == only(deals(story(made())))

    def test_won_and_lost_meet_only_by_way_of_active(self) -> None:
        wrong = change(FRIDAY + HOUR, status="lost", lost_reason="Price")
        book = deals(story(made(), change(status="won"), wrong))
        assert wrong.event_id in book.refused
        again = change(FRIDAY + HOUR, status="active")
        right = change(FRIDAY + 2 * HOUR, status="lost", lost_reason="Price")
        book = deals(story(made(), change(status="won"), again, right))
        assert (only(book).status, only(book).lost_reason, book.refused) == ("lost", "Price", {})

    def test_a_closed_deal_keeps_its_stage(self) -> None:
        asked = change(FRIDAY + HOUR, stage="proposal")
        assert asked.event_id in deals(story(made(), change(status="won"), asked)).refused

    def test_it_is_not_opened_again_beside_another(self) -> None:
        again = change(FRIDAY + HOUR, status="active")
        first = story(made(), change(status="won"), again)
        second = story(made(FRIDAY + HOUR / 2, uid="def456"), booking_id=SECOND)
        book = deals(first, second)
        assert "another active deal" in book.refused[again.event_id]

    def test_the_clock_never_moves_it_back(self) -> None:
        assert only(deals(story(made(), change(AFTERNOON, stage="proposal"), ended()))).stage == "proposal"

    def test_met_by_hand_outlives_a_no_show(self) -> None:
        told = story(made(), ended(), change(stage="met"), marked(FRIDAY + HOUR, came=False))
        assert only(deals(told)).stage == "met"

    def test_the_same_twice_makes_one_line(self) -> None:
        book = deals(story(made(), change(stage="proposal"), change(FRIDAY + HOUR, stage="proposal")))
        assert [line.what for line in book.lines].count("deal.moved") == 1

    def test_a_booking_without_company_has_no_deal_to_change(self) -> None:
        asked = change(stage="met")
        assert "no deal" in fold_deals([_turn(asked)], RuleBook()).refused[asked.event_id]


def _turn(asked: News) -> Turn:
    return Turn(
        story_id=FIRST,
        event_id=asked.event_id,
        kind="changed",
        at=asked.source_at,
        order_key=asked.order_key,
        change=DealChange(stage="met"),
        actor="key:ops",
    )


class TestOpeningADeal:
    def test_the_next_booking_joins_it(self) -> None:
        one = story(made())
        event_id = uuid4()
        book = fold_deals([opened(MONDAY - WEEK, event_id, stage="proposal"), *one.turns], RuleBook())
        assert (only(book).stage, only(book).opened_by) == ("proposal", event_id)
        assert book.deal_of == {FIRST: only(book).id}

    def test_there_is_only_one_active(self) -> None:
        event_id = uuid4()
        book = fold_deals([opened(MONDAY + WEEK, event_id), *story(made()).turns], RuleBook())
        assert list(book.refused) == [event_id]


class TestAttachingABooking:
    def two(self, *more: News) -> tuple[Story, Story]:
        """The company's first deal is lost, so its second booking opens another; then more about the second."""
        first = story(made(), change(MIDDAY, status="lost", lost_reason="Price"))
        second = story(made(AFTERNOON, uid="def456"), *more, booking_id=SECOND)
        return first, second

    def attach(self, to: str) -> News:
        event = events.BookingAttached(of="uid:def456", company="domain:acme.com", deal=to)
        return news(event, FRIDAY)

    def test_the_deal_that_it_leaves_empty_never_was(self) -> None:
        told = self.two(self.attach(OF))
        book = fold_deals([turn for one in told for turn in one.turns], RuleBook(), {OF: FIRST})
        assert only(book).status == "lost"
        assert set(book.deal_of.values()) == {only(book).id}
        assert {line.deal_id for line in book.lines} == {only(book).id}

    def test_a_deal_that_somebody_worked_on_stays(self) -> None:
        told = self.two(change(AFTERNOON + HOUR, of="uid:def456", stage="proposal"), self.attach(OF))
        book = fold_deals([turn for one in told for turn in one.turns], RuleBook(), {OF: FIRST})
        assert [deal.status for deal in book.deals] == ["lost", "active"]

    def test_to_a_deal_that_is_not_there_it_is_refused(self) -> None:
        asked = self.attach("uid:unheard")
        book = fold_deals([turn for one in self.two(asked) for turn in one.turns], RuleBook(), {})
        assert list(book.refused) == [asked.event_id]

    def test_another_company_takes_booking_and_deal_along(self) -> None:
        told = story(made(), news(events.BookingAttached(of=OF, company="domain:globex.com"), FRIDAY))
        assert told.company_key == "domain:globex.com"
