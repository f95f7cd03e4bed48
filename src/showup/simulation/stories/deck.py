"""How often each story is told: a deck that is dealt to its end before it is shuffled again."""

import random
from collections.abc import Callable, Iterator
from typing import TypeAlias

from showup.simulation.stories import booking, meeting, party
from showup.simulation.theatre import Theatre

Story: TypeAlias = Callable[[Theatre], None]

DECK: tuple[tuple[Story, int], ...] = (
    (booking.booked, 6),
    (meeting.held, 6),
    (booking.rescheduled, 3),
    (meeting.rescheduled_and_held, 2),
    (booking.cancelled, 3),
    (meeting.second_booking, 2),
    (meeting.busy_company, 3),
    (party.private_person, 3),
    (party.with_guests, 2),
    (booking.requested_and_confirmed, 2),
    (booking.booked_after_cancelled_deal, 1),
    (booking.cancelled_then_rescheduled, 1),
    (booking.rescheduled_into_another_deal, 1),
    (booking.another_time_wanted, 1),
    (booking.another_time_found, 1),
    (booking.requested, 1),
    (booking.requested_and_rejected, 1),
    (booking.request_withdrawn, 1),
    (party.one_seat_given_back, 1),
    (party.all_seats_given_back, 1),
    (party.seats_held, 1),
    (party.series, 1),
    (meeting.missed_by_the_clock, 1),
    (meeting.host_missed, 1),
    (meeting.marked_absent, 1),
    (meeting.marked_absent_by_mistake, 1),
    (meeting.marked_before_the_end, 1),
    (meeting.guests_missed, 1),
    (meeting.missed_and_rebooked, 1),
    (booking.moved_elsewhere, 1),
    (booking.reassigned, 1),
    (booking.paid, 1),
    (party.caller, 1),
    (party.organizer_alone, 1),
    (party.organizer_for_a_prospect, 1),
    (party.private_booker_brings_a_company, 1),
    (party.ping, 1),
    (party.form, 1),
)


def dealt(rng: random.Random) -> Iterator[Story]:
    """Stories without end; each full deck holds every kind of story."""
    while True:
        cards = [story for story, times in DECK for _ in range(times)]
        rng.shuffle(cards)
        yield from cards
