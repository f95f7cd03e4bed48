"""The simulator's own rules, story by story: given these news, this must stand (PI1 to PI9)."""

from dataclasses import replace

import pytest

from showup.simulation.news import Attendee, News
from showup.simulation.truth import BookingTruth, DealTruth, truth_of
from tests.simulation.told import (
    ANA,
    BEN,
    CLEO,
    GIL,
    HANA,
    IVO,
    PAT,
    booking,
    cancelled,
    created,
    day,
    ended,
    marked,
    moved,
    rejected,
    requested,
    rescheduled,
)


def only(*news: News) -> BookingTruth:
    (found,) = truth_of(news).bookings.values()
    return found


def deals(*news: News) -> list[tuple[str, str, str]]:
    return [(deal.company, deal.status, deal.stage) for deal in truth_of(news).deals]


def test_a_booking_makes_person_company_and_deal() -> None:  # PI1
    truth = truth_of([created(booking())])
    assert truth.people["ana@acme.example"].company == "acme.example"
    assert truth.companies == {"acme.example": "acme.example"}
    assert truth.deals == (DealTruth("acme.example", "active", "booked", HANA.email, frozenset({"u1"})),)


def test_the_form_names_the_company() -> None:  # PI1
    answered = created(booking("u2", company_answer="Acme Corp"), 1)
    for told in ([created(booking()), answered], [answered, created(booking(), 2)]):
        assert truth_of(told).companies == {"acme.example": "Acme Corp"}


def test_a_subdomain_is_the_same_company() -> None:  # PI1
    truth = truth_of([created(booking("u1", BEN))])
    assert truth.companies.keys() == {"acme.example"}


@pytest.mark.parametrize(
    ("who", "people"),
    [(GIL, {"gil@gmail.com"}), (PAT, set()), (Attendee("Hana", "HANA@sellers.example", "UTC"), set())],
    ids=["mail provider", "telephone", "organizer"],
)
def test_some_attendees_make_no_deal(who: Attendee, people: set[str]) -> None:  # PI2, PI8
    truth = truth_of([created(booking("u1", who))])
    assert truth.people.keys() == people
    assert not truth.companies
    assert not truth.deals


def test_the_deal_is_the_first_business_attendees() -> None:  # PI8
    truth = truth_of([created(booking("u1", GIL, CLEO, ANA))])
    assert [deal.company for deal in truth.deals] == ["bolt.example"]
    assert truth.bookings["u1"].person == "gil@gmail.com"
    assert truth.companies.keys() == {"acme.example", "bolt.example"}


def test_a_chain_of_reschedules_is_one_booking() -> None:  # PI3
    second = moved(booking(), "u2", 6)
    third = moved(second, "u3", 7)
    found = only(created(booking()), rescheduled(second, 1), rescheduled(third, 2))
    assert (found.calcom_uid, found.reschedule_count, found.start_time) == ("u3", 2, day(7))


def test_a_cancellation_cancels_the_deal() -> None:  # PI4
    assert deals(created(booking()), cancelled(booking())) == [("acme.example", "cancelled", "booked")]


def test_a_host_who_wants_another_time_cancels_no_deal() -> None:  # PI4
    told = [created(booking()), cancelled(booking(), another_time=True)]
    assert only(*told).status == "CANCELLED"
    assert deals(*told) == [("acme.example", "active", "booked")]


def test_a_reschedule_brings_back_the_deal_that_its_cancellation_closed() -> None:  # PI3
    told = [created(booking()), cancelled(booking()), rescheduled(moved(booking(), "u2", 8))]
    assert only(*told).status == "ACCEPTED"
    assert deals(*told) == [("acme.example", "active", "booked")]


def test_a_reschedule_joins_the_deal_that_was_opened_meanwhile() -> None:  # PI3, PI7
    told = [
        created(booking()),
        cancelled(booking(), 1),
        created(booking("w1", BEN), 2),
        rescheduled(moved(booking(), "u2", 8), 3),
    ]
    by_status = {deal.status: deal.bookings for deal in truth_of(told).deals}
    assert by_status == {"cancelled": frozenset(), "active": frozenset({"u2", "w1"})}


def test_a_second_booking_joins_and_one_after_a_cancelled_deal_opens_another() -> None:  # PI7
    first, second = booking(), booking("w1", BEN)
    assert len(truth_of([created(first), created(second, 1)]).deals) == 1
    assert len(truth_of([created(first), cancelled(first, 1), created(second, 2)]).deals) == 2


def test_a_request_makes_a_deal_only_when_it_is_confirmed() -> None:  # PI6
    asked = requested(booking())
    assert truth_of([asked]).companies.keys() == {"acme.example"}
    assert deals(asked) == []
    assert deals(asked, created(booking(), 1)) == [("acme.example", "active", "booked")]
    assert only(asked, rejected(booking())).status == "REJECTED"


def test_the_end_of_a_meeting_is_assumed_to_be_attended() -> None:  # PI5
    told = [created(booking()), ended(booking())]
    found = only(*told)
    assert (found.attended, found.state, found.evidence) == (True, "showed", "assumed")
    assert deals(*told) == [("acme.example", "active", "met")]


def test_an_absence_told_with_the_end_is_a_report() -> None:  # PI5
    told = [created(booking()), ended(booking(), ANA)]
    assert (only(*told).state, only(*told).evidence) == ("no_show", "reported")
    assert deals(*told) == [("acme.example", "active", "booked")]


def test_an_absent_host_leaves_the_guest_open() -> None:  # PI5
    told = [created(booking()), ended(booking(), host_absent=True)]
    assert (only(*told).attended, only(*told).state) == (None, "host_absent")
    assert deals(*told) == [("acme.example", "active", "booked")]


def test_a_mark_takes_the_deal_back_and_its_undoing_brings_it_forth() -> None:  # PI5
    told = [created(booking()), ended(booking()), marked(booking(), ANA, 6, absent=True)]
    assert (only(*told).state, deals(*told)[0][2]) == ("no_show", "booked")
    told.append(marked(booking(), ANA, 7, absent=False))
    assert (only(*told).state, only(*told).evidence, deals(*told)[0][2]) == ("showed", "reported", "met")


def test_a_mark_undone_before_the_end_leaves_the_question_open() -> None:  # PI5
    told = [
        created(booking()),
        marked(booking(), ANA, 5.001, absent=True),
        marked(booking(), ANA, 5.002, absent=False),
    ]
    assert only(*told).state == "unreported"
    assert only(*told, ended(booking())).evidence == "assumed"


def test_the_clock_overrules_no_report() -> None:  # PI5
    told = [created(booking()), marked(booking(), ANA, 5.001, absent=True), ended(booking())]
    assert (only(*told).state, only(*told).evidence) == ("no_show", "reported")


def test_another_time_is_another_chance_to_come() -> None:  # PI5
    told = [
        created(booking()),
        ended(booking()),
        marked(booking(), ANA, 6, absent=True),
        rescheduled(moved(booking(), "u2", 9), 7),
    ]
    assert (only(*told).state, deals(*told)[0][2]) == ("unreported", "booked")


def test_the_deal_stays_met_while_another_of_its_meetings_was_held() -> None:  # PI5
    other = booking("w1", BEN, meets=6)
    told = [created(booking()), created(other, 1), ended(booking()), ended(other)]
    assert deals(*told, marked(booking(), ANA, 8, absent=True)) == [("acme.example", "active", "met")]


def test_a_meeting_held_counts_for_the_deal_that_is_active_then() -> None:  # PI5, PI7
    first, second, third = booking(), booking("w1", BEN, meets=6), booking("x1", BEN, meets=9)
    told = [created(first), created(second, 1), cancelled(first, 2), created(third, 3), ended(second)]
    found = {(deal.status, deal.stage): deal.bookings for deal in truth_of(told).deals}
    assert found == {("cancelled", "booked"): frozenset({"u1"}), ("active", "met"): frozenset({"w1", "x1"})}


def test_guests_that_cal_video_missed_did_not_come() -> None:  # PI5
    missed = News("AFTER_GUESTS_CAL_VIDEO_NO_SHOW", day(5.003), 0, booking())
    found = only(created(booking()), missed, ended(booking()))
    assert (found.state, found.evidence) == ("no_show", "reported")


def test_a_seat_given_back_leaves_the_others_theirs() -> None:  # PI6
    seats = [replace(who, seat=who.email) for who in (ANA, BEN)]
    one, two = (booking("g1", seat, group=True) for seat in seats)
    told = [created(one), created(two, 0.1), cancelled(two, 1)]
    assert only(*told).status == "ACCEPTED"
    assert only(*told).attendees == {"ana@acme.example": None}
    assert only(*told, cancelled(one, 2)).status == "CANCELLED"
    assert deals(*told, cancelled(one, 2)) == [("acme.example", "cancelled", "booked")]


def test_the_new_organizer_takes_over_the_deal_that_the_old_one_owned() -> None:  # PI6
    after = replace(booking(), organizer=IVO)
    truth = truth_of([created(booking()), News("BOOKING_REASSIGNED", day(1), 0, after, replaced=HANA)])
    assert truth.bookings["u1"].organizer_email == truth.deals[0].owner_email == IVO.email


def test_the_order_in_which_news_are_given_says_nothing() -> None:  # PI9
    told = [
        created(booking()),
        cancelled(booking()),
        rescheduled(moved(booking(), "u2", 8)),
        created(booking("w1", BEN), 3),
    ]
    assert truth_of(told) == truth_of(reversed(told))
