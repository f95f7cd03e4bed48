"""The simulator's own rules, history by history: the webhooks, and the data that follows (PI1 to PI9)."""

from dataclasses import replace

import pytest

from showup.simulation.models import SimulatedAttendee, SimulatedWebhook
from showup.simulation.truth import BookingTruth, DealTruth, truth_of
from tests.simulation.sample_webhooks import (
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


def only_booking(*webhooks: SimulatedWebhook) -> BookingTruth:
    (found,) = truth_of(webhooks).bookings.values()
    return found


def deal_states(*webhooks: SimulatedWebhook) -> list[tuple[str, str, str]]:
    return [(deal.company, deal.status, deal.stage) for deal in truth_of(webhooks).deals]


def test_a_booking_makes_person_company_and_deal() -> None:  # PI1
    truth = truth_of([created(booking())])
    assert truth.people["ana@acme.example"].company == "acme.example"
    assert truth.companies == {"acme.example": "acme.example"}
    assert truth.deals == (DealTruth("acme.example", "active", "booked", HANA.email, frozenset({"u1"})),)


def test_the_form_names_the_company() -> None:  # PI1
    answered = created(booking("u2", company_answer="Acme Corp"), 1)
    for webhooks in ([created(booking()), answered], [answered, created(booking(), 2)]):
        assert truth_of(webhooks).companies == {"acme.example": "Acme Corp"}


def test_a_subdomain_is_the_same_company() -> None:  # PI1
    truth = truth_of([created(booking("u1", BEN))])
    assert truth.companies.keys() == {"acme.example"}


@pytest.mark.parametrize(
    ("attendee", "people"),
    [(GIL, {"gil@gmail.com"}), (PAT, set()), (SimulatedAttendee("Hana", "HANA@sellers.example", "UTC"), set())],
    ids=["mail provider", "telephone", "organizer"],
)
def test_some_attendees_make_no_deal(attendee: SimulatedAttendee, people: set[str]) -> None:  # PI2, PI8
    truth = truth_of([created(booking("u1", attendee))])
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
    found = only_booking(created(booking()), rescheduled(second, 1), rescheduled(third, 2))
    assert (found.calcom_uid, found.reschedule_count, found.start_time) == ("u3", 2, day(7))


def test_a_cancellation_cancels_the_deal() -> None:  # PI4
    assert deal_states(created(booking()), cancelled(booking())) == [("acme.example", "cancelled", "booked")]


def test_a_host_reschedule_request_cancels_no_deal() -> None:  # PI4
    webhooks = [created(booking()), cancelled(booking(), another_time=True)]
    assert only_booking(*webhooks).status == "CANCELLED"
    assert deal_states(*webhooks) == [("acme.example", "active", "booked")]


def test_a_reschedule_brings_back_the_deal_that_its_cancellation_closed() -> None:  # PI3
    webhooks = [created(booking()), cancelled(booking()), rescheduled(moved(booking(), "u2", 8))]
    assert only_booking(*webhooks).status == "ACCEPTED"
    assert deal_states(*webhooks) == [("acme.example", "active", "booked")]


def test_a_reschedule_joins_the_deal_that_was_opened_meanwhile() -> None:  # PI3, PI7
    webhooks = [
        created(booking()),
        cancelled(booking(), 1),
        created(booking("w1", BEN), 2),
        rescheduled(moved(booking(), "u2", 8), 3),
    ]
    by_status = {deal.status: deal.bookings for deal in truth_of(webhooks).deals}
    assert by_status == {"cancelled": frozenset(), "active": frozenset({"u2", "w1"})}


def test_a_second_booking_joins_and_one_after_a_cancelled_deal_opens_another() -> None:  # PI7
    first, second = booking(), booking("w1", BEN)
    assert len(truth_of([created(first), created(second, 1)]).deals) == 1
    assert len(truth_of([created(first), cancelled(first, 1), created(second, 2)]).deals) == 2


def test_a_request_makes_a_deal_only_when_it_is_confirmed() -> None:  # PI6
    request = requested(booking())
    assert truth_of([request]).companies.keys() == {"acme.example"}
    assert deal_states(request) == []
    assert deal_states(request, created(booking(), 1)) == [("acme.example", "active", "booked")]
    assert only_booking(request, rejected(booking())).status == "REJECTED"


def test_the_end_of_a_meeting_is_assumed_to_be_attended() -> None:  # PI5
    webhooks = [created(booking()), ended(booking())]
    found = only_booking(*webhooks)
    assert (found.attended, found.state, found.evidence) == (True, "showed", "assumed")
    assert deal_states(*webhooks) == [("acme.example", "active", "met")]


def test_an_absence_in_meeting_ended_is_a_report() -> None:  # PI5
    webhooks = [created(booking()), ended(booking(), ANA)]
    assert (only_booking(*webhooks).state, only_booking(*webhooks).evidence) == ("no_show", "reported")
    assert deal_states(*webhooks) == [("acme.example", "active", "booked")]


def test_an_absent_host_leaves_the_guest_open() -> None:  # PI5
    webhooks = [created(booking()), ended(booking(), host_absent=True)]
    assert (only_booking(*webhooks).attended, only_booking(*webhooks).state) == (None, "host_absent")
    assert deal_states(*webhooks) == [("acme.example", "active", "booked")]


def test_a_mark_takes_the_deal_back_and_its_undoing_brings_it_forth() -> None:  # PI5
    webhooks = [created(booking()), ended(booking()), marked(booking(), ANA, 6, absent=True)]
    assert (only_booking(*webhooks).state, deal_states(*webhooks)[0][2]) == ("no_show", "booked")
    webhooks.append(marked(booking(), ANA, 7, absent=False))
    assert (only_booking(*webhooks).state, only_booking(*webhooks).evidence, deal_states(*webhooks)[0][2]) == (
        "showed",
        "reported",
        "met",
    )


def test_a_mark_undone_before_the_end_leaves_the_question_open() -> None:  # PI5
    webhooks = [
        created(booking()),
        marked(booking(), ANA, 5.001, absent=True),
        marked(booking(), ANA, 5.002, absent=False),
    ]
    assert only_booking(*webhooks).state == "unreported"
    assert only_booking(*webhooks, ended(booking())).evidence == "assumed"


def test_the_clock_overrules_no_report() -> None:  # PI5
    webhooks = [created(booking()), marked(booking(), ANA, 5.001, absent=True), ended(booking())]
    assert (only_booking(*webhooks).state, only_booking(*webhooks).evidence) == ("no_show", "reported")


def test_another_time_is_another_chance_to_come() -> None:  # PI5
    webhooks = [
        created(booking()),
        ended(booking()),
        marked(booking(), ANA, 6, absent=True),
        rescheduled(moved(booking(), "u2", 9), 7),
    ]
    assert (only_booking(*webhooks).state, deal_states(*webhooks)[0][2]) == ("unreported", "booked")


def test_the_deal_stays_met_while_another_of_its_meetings_was_held() -> None:  # PI5
    other = booking("w1", BEN, starts_on=6)
    webhooks = [created(booking()), created(other, 1), ended(booking()), ended(other)]
    assert deal_states(*webhooks, marked(booking(), ANA, 8, absent=True)) == [("acme.example", "active", "met")]


def test_a_meeting_held_counts_for_the_deal_that_is_active_then() -> None:  # PI5, PI7
    first, second, third = booking(), booking("w1", BEN, starts_on=6), booking("x1", BEN, starts_on=9)
    webhooks = [created(first), created(second, 1), cancelled(first, 2), created(third, 3), ended(second)]
    found = {(deal.status, deal.stage): deal.bookings for deal in truth_of(webhooks).deals}
    assert found == {("cancelled", "booked"): frozenset({"u1"}), ("active", "met"): frozenset({"w1", "x1"})}


def test_guests_that_cal_video_missed_did_not_come() -> None:  # PI5
    no_show = SimulatedWebhook("AFTER_GUESTS_CAL_VIDEO_NO_SHOW", day(5.003), 0, booking())
    found = only_booking(created(booking()), no_show, ended(booking()))
    assert (found.state, found.evidence) == ("no_show", "reported")


def test_a_cancelled_seat_leaves_the_other_seats() -> None:  # PI6
    seats = [replace(attendee, seat=attendee.email) for attendee in (ANA, BEN)]
    one, two = (booking("g1", seat, group=True) for seat in seats)
    webhooks = [created(one), created(two, 0.1), cancelled(two, 1)]
    assert only_booking(*webhooks).status == "ACCEPTED"
    assert only_booking(*webhooks).attendees == {"ana@acme.example": None}
    assert only_booking(*webhooks, cancelled(one, 2)).status == "CANCELLED"
    assert deal_states(*webhooks, cancelled(one, 2)) == [("acme.example", "cancelled", "booked")]


def test_the_new_organizer_takes_over_the_deal_that_the_old_one_owned() -> None:  # PI6
    after = replace(booking(), organizer=IVO)
    truth = truth_of([created(booking()), SimulatedWebhook("BOOKING_REASSIGNED", day(1), 0, after, replaced=HANA)])
    assert truth.bookings["u1"].organizer_email == truth.deals[0].owner_email == IVO.email


def test_the_truth_is_independent_of_webhook_order() -> None:  # PI9
    webhooks = [
        created(booking()),
        cancelled(booking()),
        rescheduled(moved(booking(), "u2", 8)),
        created(booking("w1", BEN), 3),
    ]
    assert truth_of(webhooks) == truth_of(reversed(webhooks))
