"""M12, PI4: the dates of a series are bookings of their own, and share a deal."""

from itertools import permutations
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from showup.deals.deal import DealEvent
from showup.events.envelope import EventRecord
from showup.pipeline.deals import replay_deals
from showup.pipeline.replay import BookingState
from showup.pipeline.rules import RuleBook, Rules
from tests.pipeline.sample_events import (
    AFTERNOON,
    FRIDAY,
    MIDDAY,
    MONDAY,
    THURSDAY,
    cancelled,
    deals_of,
    ended,
    entry_codes,
    hours,
    made,
    rescheduled,
    state_of,
)

SERIES = "recurring:1:2:1:3:sarah.chen@acme.com"


def date_of_series(number: int, *more: EventRecord, series_uid: str | None = SERIES) -> BookingState:
    """Returns the booking of one of the weekly dates, counted from 0, with more events about it."""
    booked = made(MONDAY, uid=f"date{number}", start=THURSDAY + hours(168 * number), series_uid=series_uid)
    return state_of(booked, *more, booking_id=id_of(number))


def id_of(number: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"date {number}")


def called_off(number: int, at: int = 0) -> EventRecord:
    return cancelled(AFTERNOON + hours(at), uid=f"date{number}", start=THURSDAY + hours(168 * number))


@pytest.mark.parametrize("rule", ["always", "last_meeting"])
def test_m12_one_cancelled_date_leaves_the_deal_and_asks_a_person(rule: str) -> None:
    rules = Rules(cancel_deal=rule)  # type: ignore[arg-type]
    deals = deals_of(date_of_series(0), date_of_series(1, called_off(1)), date_of_series(2), rules=rules)
    assert [one.status for one in deals.deals] == ["active"]
    assert entry_codes(deals)[-1] == "deal.meeting_cancelled"


def test_m12_a_date_that_was_held_stands() -> None:
    held = date_of_series(0, ended(THURSDAY, uid="date0"))
    last = date_of_series(1, cancelled(THURSDAY + hours(24), uid="date1", start=THURSDAY + hours(168)))
    deals = deals_of(held, last)
    assert [(one.status, one.stage) for one in deals.deals] == [("active", "met")]
    assert entry_codes(deals)[-1] == "deal.meeting_cancelled"


def test_m12_the_deal_ends_with_the_last_date_in_any_order() -> None:
    for order in permutations(range(3)):
        states = [date_of_series(number, called_off(number, order.index(number))) for number in range(3)]
        deal_events: list[DealEvent] = [one for state in states for one in state.deal_events]
        results = {
            tuple(one.status for one in replay_deals(shuffled, RuleBook()).deals)
            for shuffled in permutations(deal_events)
        }
        assert results == {("cancelled",)}


def test_m12_a_date_that_is_on_again_reopens_the_deal_of_the_series() -> None:
    again = rescheduled(AFTERNOON + hours(5), uid="date0-1", old_uid="date0", start=FRIDAY, series_uid=SERIES)
    deals = deals_of(date_of_series(0, called_off(0), again), date_of_series(1, called_off(1, at=1)))
    assert [one.status for one in deals.deals] == ["active"]


def test_m12_other_bookings_of_the_company_are_no_dates_of_the_series() -> None:
    other = state_of(made(MIDDAY, uid="other", start=FRIDAY), booking_id=id_of(9))
    deals = deals_of(date_of_series(0, called_off(0)), other)
    assert [one.status for one in deals.deals] == ["cancelled"]
    unrelated = date_of_series(1, series_uid="another")
    assert [one.status for one in deals_of(date_of_series(0, called_off(0)), unrelated).deals] == ["cancelled"]
