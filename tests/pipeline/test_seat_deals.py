"""M02, PI8: of a booking with seats, each company's seats count by themselves for deals and attendance."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from showup.deals.deal import DealChange
from showup.events import booking as events
from showup.events.deal import DealChanged
from showup.events.details import AttendeeDetails
from showup.events.envelope import EventRecord
from showup.pipeline.deals import replay_deals
from showup.pipeline.merges import Identities
from showup.pipeline.replay import BookingState, replay
from showup.pipeline.rules import RuleBook, Rules
from tests.pipeline.sample_events import (
    AFTERNOON,
    ANN,
    FIRST,
    FRIDAY,
    GWEN,
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
    entry_codes,
    hours,
    made,
    marked,
    record_of,
    rescheduled,
    seat,
    state_of,
)

# Sarah and Tom are at Acme, Mike is at Techstart.
ACME, TECHSTART = "domain:acme.com", "domain:techstart.io"


def taken(attendee: AttendeeDetails, at: int = 0) -> EventRecord:
    return made(MONDAY + hours(at), who=seat(attendee, at), seated=True)


def left(attendee: AttendeeDetails, at: int = 6) -> EventRecord:
    return cancelled(MONDAY + hours(at), who=(attendee,), seated=True)


def over(*attendees: AttendeeDetails) -> EventRecord:
    return ended(who=attendees, seated=True)


def deals_by_company(state: BookingState) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Returns status and stage of the deals of the first company, and of those of Techstart."""
    seats = replay_deals(state.seat_deal_events.get(TECHSTART, ()), RuleBook(versions=(Rules(),)))
    return [(one.status, one.stage) for one in deals_of(state).deals], [(one.status, one.stage) for one in seats.deals]


ACTIVE, MET, CANCELLED = [("active", "booked")], [("active", "met")], [("cancelled", "booked")]


@pytest.mark.parametrize(
    ("records", "acme", "techstart"),
    [
        ([taken(SARAH), taken(MIKE, 1)], ACTIVE, ACTIVE),
        ([taken(SARAH), taken(MIKE, 1), left(SARAH)], CANCELLED, ACTIVE),
        ([taken(SARAH), taken(MIKE, 1), left(SARAH), over(SARAH, MIKE)], CANCELLED, MET),
        ([taken(SARAH), taken(MIKE, 1), left(MIKE), over(SARAH, MIKE)], MET, CANCELLED),
        ([taken(SARAH), taken(TOM, 1), taken(MIKE, 2), left(SARAH)], ACTIVE, ACTIVE),
        ([taken(SARAH), taken(MIKE, 1), over(SARAH, replace(MIKE, no_show=True))], MET, ACTIVE),
        ([taken(SARAH), taken(MIKE, 1), over(SARAH, MIKE), marked(FRIDAY, came=False, attendee=MIKE)], MET, ACTIVE),
        ([taken(SARAH), taken(TOM, 1), over(replace(SARAH, no_show=True), TOM)], MET, []),
        ([taken(SARAH), taken(MIKE, 1), left(SARAH), left(MIKE, 7)], CANCELLED, CANCELLED),
        ([taken(SARAH), taken(MIKE, 1), cancelled(AFTERNOON, who=(), seated=True)], CANCELLED, CANCELLED),
        ([taken(SARAH), taken(MIKE, 1), left(SARAH), taken(SARAH, 8)], ACTIVE, ACTIVE),
        ([taken(SARAH), taken(MIKE, 1), rescheduled(uid="abc123", who=(SARAH,), seated=True)], ACTIVE, ACTIVE),
        ([taken(GWEN), taken(MIKE, 1), over(GWEN, MIKE)], MET, []),
    ],
)
def test_m02_each_company_has_its_own_deal(
    records: list[EventRecord], acme: list[tuple[str, str]], techstart: list[tuple[str, str]]
) -> None:
    """The first list is of the booking's own company: the company of the first business address."""
    assert deals_by_company(state_of(*records)) == (acme, techstart)


def test_m02_a_request_for_another_time_suspends_all_seats() -> None:
    asked = cancelled(AFTERNOON, who=(), seated=True, reschedule_requested=True)
    assert deals_by_company(state_of(taken(SARAH), taken(MIKE, 1), asked)) == (ACTIVE, ACTIVE)


def test_m02_a_seat_that_moves_keeps_the_deal_of_its_company() -> None:
    event = events.SeatLeft(booking=booking(who=(MIKE,)))
    assert deals_by_company(state_of(taken(SARAH), taken(MIKE, 1), record_of(event, AFTERNOON))) == (ACTIVE, ACTIVE)


def test_m02_every_deal_follows_a_new_host() -> None:
    reassigned = record_of(events.OrganizerChanged(booking=booking(organizer_email=ANN, who=())), AFTERNOON)
    state = state_of(taken(SARAH), taken(MIKE, 1), reassigned)
    seats = replay_deals(state.seat_deal_events[TECHSTART], RuleBook())
    assert {one.owner_email for one in (*deals_of(state).deals, *seats.deals)} == {ANN}


def test_m02_without_seats_a_guest_of_another_company_has_no_deal() -> None:
    state = state_of(made(who=(SARAH, MIKE)), ended(who=(SARAH, MIKE)), booking_id=SECOND)
    assert state.seat_deal_events == {}


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(("leave", "mark absent", "mark present", "end", "move", "cancel")),
        st.sampled_from((SARAH, MIKE)),
    ),
    min_size=1,
    max_size=8,
)


def history_of(steps: list[tuple[str, AttendeeDetails]], *present: AttendeeDetails) -> list[EventRecord]:
    """Returns the events of these people's seats, and those of the whole meeting, which list who has a seat then."""
    records, start, uid = [], THURSDAY, "abc123"
    seated: list[AttendeeDetails] = []
    for index, (step, who) in enumerate([("take", SARAH), ("take", MIKE), *steps]):
        at = MONDAY + hours(index)
        details = {"uid": uid, "start": start, "seated": True}
        match step:
            case "take" if who in present:
                records.append(made(at, who=seat(who, index), **details))
                seated = [*(one for one in seated if one != who), who]
            case "leave" if who in seated:
                records.append(cancelled(at, who=(who,), **details))
                seated.remove(who)
            case "mark absent" | "mark present" if who in seated:
                marked_at = start + hours(1) + timedelta(seconds=index)
                records.append(marked(marked_at, came=step == "mark present", attendee=who, uid=uid))
            case "end" if seated:
                records.append(ended(start, who=tuple(seated), uid=uid, seated=True))
            case "move" if seated:
                start += hours(24)
                records.append(rescheduled(at, uid=uid, old_uid=uid, start=start, who=tuple(seated), seated=True))
            case "cancel" if seated:
                records.append(cancelled(at, who=(), **details))
                seated = []
    return records


@given(steps=_STEPS)
def test_m02_each_companys_deal_is_that_of_a_booking_of_its_own(steps: list[tuple[str, AttendeeDetails]]) -> None:
    """PI8: the deal of a company's seats is the same without the other company's seats."""
    both = deals_by_company(state_of(*history_of(steps, SARAH, MIKE)))
    alone = [deals_by_company(state_of(*history_of(steps, who)))[0] for who in (SARAH, MIKE)]
    assert list(both) == alone


RULES = RuleBook(versions=(Rules(),))
WON = DealChange(status="won", amount=12_000, currency="USD")
WON_BY_ONE = [("won", 12_000)]


def won(company: str | None, at: int = 3, booking_name: str = "uid:abc123") -> EventRecord:
    return record_of(DealChanged(subject=booking_name, change=WON, seats_of=company), MONDAY + hours(at))


def outcomes(state: BookingState) -> dict[str | None, list[tuple[str, float | None]]]:
    """Returns status and amount of each company's deals, by the company's key."""
    streams = {state.company_key: state.deal_events, **state.seat_deal_events}
    return {
        company: [
            (one.status, None if one.amount is None else float(one.amount))
            for one in replay_deals(deal_events, RULES).deals
        ]
        for company, deal_events in streams.items()
    }


@pytest.mark.parametrize("records", list(permutations([taken(SARAH, 1), taken(MIKE, 0), won(ACME)])))
def test_m02_m01_a_change_stays_with_its_company_if_an_older_seat_comes_first(records: tuple[EventRecord, ...]) -> None:
    """Acme's deal was the booking's own until the older event for Mike's seat arrived."""
    state = state_of(*records)
    assert state.company_key == TECHSTART
    assert outcomes(state) == {TECHSTART: [("active", None)], ACME: WON_BY_ONE}
    assert state.refused == {}


@pytest.mark.parametrize("records", list(permutations([taken(SARAH, 0), taken(MIKE, 1), won(TECHSTART)])))
@pytest.mark.parametrize("is_personal", [False, True])
def test_m02_m01_a_change_of_a_deal_that_is_gone_is_a_conflict(
    records: tuple[EventRecord, ...], is_personal: bool
) -> None:
    """Once Techstart's domain is a personal one, its deal is gone, and Acme's stays as it is."""
    personal = frozenset({"techstart.io"} if is_personal else ())
    state = state_of(*records, rules=Rules(personal_domains=personal))
    if is_personal:
        assert outcomes(state) == {ACME: [("active", None)]}
        assert "booking.conflict" in entry_codes(state)
        assert list(state.refused.values()) == [
            "techstart.io has no deal in this booking, and the deals of others stay as they are"
        ]
    else:
        assert outcomes(state) == {ACME: [("active", None)], TECHSTART: WON_BY_ONE}
        assert state.refused == {}


@pytest.mark.parametrize("records", list(permutations([taken(SARAH, 0), taken(MIKE, 1), won(ACME)])))
def test_m02_m01_a_change_of_the_own_deal_that_is_gone_is_a_conflict(records: tuple[EventRecord, ...]) -> None:
    state = state_of(*records, rules=Rules(personal_domains=frozenset({"acme.com"})))
    assert outcomes(state) == {TECHSTART: [("active", None)]}
    assert "booking.conflict" in entry_codes(state)


def test_m02_m01_a_seat_that_was_never_on_leaves_no_deal_to_change() -> None:
    """An older cancellation of the whole booking means that Mike's seat, listed in it, opened no deal."""
    listed = cancelled(MONDAY + hours(2), who=seat(MIKE, 1), seated=True)
    state = state_of(taken(SARAH), listed, won(TECHSTART))
    assert outcomes(state) == {ACME: [("active", None)], TECHSTART: []}
    assert "booking.conflict" in entry_codes(state)


def test_m02_a_company_that_no_seat_names_changes_no_deal() -> None:
    state = state_of(taken(SARAH), taken(MIKE, 1), won("domain:elsewhere.example"))
    assert outcomes(state) == {ACME: [("active", None)], TECHSTART: [("active", None)]}
    assert entry_codes(state)[-1] == "booking.conflict"


@pytest.mark.parametrize("first", [SARAH, MIKE])
def test_m02_a_change_follows_the_merge_of_its_company(first: AttendeeDetails) -> None:
    """Techstart was merged into another company when a person changed its deal."""
    second = SARAH if first == MIKE else MIKE
    records = [taken(first), taken(second, 1), won("domain:techstart.com")]
    merged = Identities(edges={("companies", TECHSTART): "domain:techstart.com"})
    state = replay(FIRST, records, RULES, identities=merged)
    assert outcomes(state) == {ACME: [("active", None)], TECHSTART: WON_BY_ONE}
    assert state.refused == {}


@pytest.mark.parametrize("company", [None, ACME, TECHSTART])
def test_m02_without_seats_a_change_follows_the_bookings_deal(company: str | None) -> None:
    state = state_of(made(who=(SARAH,)), won(company))
    assert outcomes(state) == {ACME: WON_BY_ONE}


def test_m02_a_change_without_a_company_is_one_of_the_own_deal() -> None:
    state = state_of(taken(SARAH), taken(MIKE, 1), won(None))
    assert outcomes(state) == {ACME: WON_BY_ONE, TECHSTART: [("active", None)]}


def test_m02_a_change_follows_its_booking_to_another_company() -> None:
    """The company's key is the old or the new one, as the deal's company was when a person changed the deal."""
    attached = record_of(events.BookingAttached(subject="uid:abc123", company="domain:new.example"), MONDAY + hours(3))
    for company, at in ((ACME, 2), ("domain:new.example", 4)):
        state = state_of(taken(SARAH), taken(MIKE, 1), attached, won(company, at))
        assert outcomes(state) == {"domain:new.example": WON_BY_ONE, TECHSTART: [("active", None)]}
        assert state.refused == {}
