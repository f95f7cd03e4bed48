"""PI9: a history has the same result, in whatever order and however often its events arrive."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from showup.events import booking as events
from showup.events.details import ReplacedBooking
from showup.events.envelope import EventRecord, order_key
from showup.pipeline.deals import replay_deals
from showup.pipeline.replay import BookingState
from showup.pipeline.rules import RuleBook, Rules
from tests.pipeline.sample_events import (
    AFTERNOON,
    FRIDAY,
    GWEN,
    HALF_HOUR,
    MIDDAY,
    MIKE,
    MONDAY,
    SARAH,
    SECOND,
    THURSDAY,
    TOM,
    booking,
    cancelled,
    deals_of,
    ended,
    guests_missed,
    host_missed,
    hours,
    made,
    marked,
    record_of,
    requested,
    rescheduled,
    seat,
    started,
    state_of,
)

LATE = FRIDAY + HALF_HOUR + hours(1)
MOVED = (
    made(company_answer="Acme"),
    rescheduled(by="sarah.chen@acme.com"),
    rescheduled(AFTERNOON, old_uid="xyz789", uid="third", start=FRIDAY + hours(1), company_answer="Acme Corp"),
    cancelled(),
    started(),
    ended(),
    ended(FRIDAY + hours(1), uid="third"),
    marked(LATE, came=False, uid="third"),
    marked(LATE + hours(1), came=True, uid="third"),
)
REVIVED = (
    requested(),
    made(MIDDAY),
    cancelled(AFTERNOON, reschedule_requested=True),
    cancelled(AFTERNOON + hours(1)),
    rescheduled(AFTERNOON + hours(2)),
    requested(AFTERNOON + hours(3), uid="third", start=FRIDAY + hours(2), replaces=ReplacedBooking(uid="xyz789")),
    made(AFTERNOON + hours(4), uid="third", start=FRIDAY + hours(2)),
    record_of(
        events.OrganizerChanged(booking=booking("third", None, organizer_email="ann@outboundsolutions.com")), LATE
    ),
)
SEATED = (
    made(who=seat(SARAH, 1), seated=True),
    made(MIDDAY, who=seat(TOM, 2), seated=True),
    made(MIDDAY + hours(1), who=seat(MIKE, 3), seated=True),
    cancelled(AFTERNOON, who=(SARAH,), seated=True),
    made(AFTERNOON + hours(1), who=seat(SARAH, 4), seated=True),
    cancelled(AFTERNOON + hours(2), who=(MIKE,), seated=True),
    rescheduled(AFTERNOON + hours(3), uid="abc123", who=(TOM, SARAH), seated=True),
)
WATCHED = (
    made(who=(GWEN, SARAH)),
    record_of(events.BookingPaid(booking=booking(start=THURSDAY + hours(1), who=(GWEN, SARAH))), MIDDAY),
    guests_missed(THURSDAY + hours(1)),
    host_missed(start=THURSDAY + hours(1)),
    started(THURSDAY + hours(1), who=(SARAH, GWEN)),
    ended(THURSDAY + hours(1), who=(replace(GWEN, no_show=True), SARAH)),
    record_of(
        events.LocationChanged(booking=booking(start=None, who=(), meeting_url="https://m.example/2")), AFTERNOON
    ),
)
RULES = (Rules(), Rules(follow_up=True, notify_guests=True))
HISTORIES = {"moved": MOVED, "revived": REVIVED, "seated": SEATED, "watched": WATCHED}


def delivery_states(state: BookingState) -> dict[str, str]:
    """Returns the state of each planned delivery, by key."""
    return {key: delivery.state for key, delivery in state.plan.messages.items()}


def known_people(state: BookingState) -> object:
    """Returns the people and company names, without which of two equal events reported them."""
    people = {email: (one.name, one.time_zone, one.company_key) for email, one in state.people.items()}
    return people, {domain: company_name.name for domain, company_name in state.company_names.items()}


@st.composite
def arrivals(draw: st.DrawFn, records: Sequence[EventRecord]) -> list[EventRecord]:
    """Draws the events in any order, with copies of some by another route."""
    copies = [
        record_of(one.event, one.source_at, route="team")
        for one in draw(st.lists(st.sampled_from(records), max_size=4))
    ]
    return draw(st.permutations([*records, *copies]))


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", HISTORIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_order_of_arrival_leads_to_the_same_state(name: str, rules: Rules, data: st.DataObject) -> None:
    records = HISTORIES[name]
    assert state_of(*data.draw(st.permutations(records)), rules=rules) == state_of(*records, rules=rules)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", HISTORIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_subset_leads_to_the_same_state_in_any_order(name: str, rules: Rules, data: st.DataObject) -> None:
    subset = data.draw(st.lists(st.sampled_from(HISTORIES[name]), unique_by=lambda record: record.event_id))
    assert state_of(*data.draw(st.permutations(subset)), rules=rules) == state_of(*subset, rules=rules)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", HISTORIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_repeated_events_change_nothing(name: str, rules: Rules, data: st.DataObject) -> None:
    records = HISTORIES[name]
    once, repeated = state_of(*records, rules=rules), state_of(*data.draw(arrivals(records)), rules=rules)
    assert once.booking == repeated.booking
    assert known_people(once) == known_people(repeated)
    assert delivery_states(once) == delivery_states(repeated)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), rule=st.sampled_from(["always", "last_meeting"]))
def test_the_deals_of_two_bookings_do_not_depend_on_arrival_order(data: st.DataObject, rule: str) -> None:
    rules = Rules(cancel_deal="last_meeting") if rule == "last_meeting" else Rules()
    other = [
        made(MONDAY + hours(1), uid="def456"),
        cancelled(MIDDAY + hours(1), uid="def456"),
        rescheduled(AFTERNOON + hours(2.5), old_uid="def456", uid="def789"),
        ended(FRIDAY, uid="def789"),
    ]
    one, two = state_of(*MOVED), state_of(*other, booking_id=SECOND)
    shuffled = data.draw(st.permutations([*one.deal_events, *two.deal_events]))
    deals = replay_deals(shuffled, RuleBook(versions=(rules,))).deals
    assert deals == deals_of(one, two, rules=rules).deals
    assert sum(deal.status == "active" for deal in deals) <= 1


@given(
    micros=st.integers(0, 4 * 10**15),
    digests=st.tuples(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8)),
)
def test_an_event_that_happened_a_microsecond_later_sorts_later(micros: int, digests: tuple[bytes, bytes]) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    first, second = (order_key(at + timedelta(microseconds=n), None, digest) for n, digest in enumerate(digests))
    assert first < second
