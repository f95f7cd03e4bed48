"""Weights of the scenarios: a deck that is dealt to its end before it is shuffled again."""

import random
from collections.abc import Callable, Iterator
from typing import TypeAlias

from showup.simulation.scenario_context import ScenarioContext
from showup.simulation.scenarios import booking, meeting, participants

Scenario: TypeAlias = Callable[[ScenarioContext], None]

CATALOG: tuple[tuple[Scenario, int], ...] = (
    (booking.booked, 6),
    (meeting.meeting_held, 6),
    (booking.rescheduled, 3),
    (meeting.rescheduled_and_held, 2),
    (booking.cancelled, 3),
    (meeting.second_booking, 2),
    (meeting.busy_company, 3),
    (participants.private_person, 3),
    (participants.with_guests, 2),
    (booking.requested_and_confirmed, 2),
    (booking.booked_after_cancelled_deal, 1),
    (booking.cancelled_then_rescheduled, 1),
    (booking.rescheduled_into_another_deal, 1),
    (booking.reschedule_requested, 1),
    (booking.reschedule_request_met, 1),
    (booking.requested, 1),
    (booking.requested_and_rejected, 1),
    (booking.request_cancelled, 1),
    (participants.one_seat_cancelled, 1),
    (participants.all_seats_cancelled, 1),
    (participants.seated_meeting_held, 1),
    (participants.recurring_bookings, 1),
    (meeting.no_show_at_end, 1),
    (meeting.host_no_show, 1),
    (meeting.no_show_reported, 1),
    (meeting.no_show_undone, 1),
    (meeting.no_show_reported_early, 1),
    (meeting.guests_no_show, 1),
    (meeting.no_show_rebooked, 1),
    (booking.location_changed, 1),
    (booking.reassigned, 1),
    (booking.paid, 1),
    (participants.phone_caller, 1),
    (participants.organizer_alone, 1),
    (participants.organizer_for_a_prospect, 1),
    (participants.private_booker_with_company_guest, 1),
    (participants.ping, 1),
    (participants.form, 1),
)


def draw_scenarios(rng: random.Random) -> Iterator[Scenario]:
    """Yields scenarios without end; each full deck contains every kind of scenario."""
    while True:
        batch = [scenario for scenario, weight in CATALOG for _ in range(weight)]
        rng.shuffle(batch)
        yield from batch
