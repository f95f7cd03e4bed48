"""Scenarios of participants: seats, series, guests, private people, callers, organizers on their own page."""

from datetime import datetime, timedelta

from showup.simulation.lifecycle import BookingLifecycle
from showup.simulation.models import SimulatedWebhook
from showup.simulation.scenario_context import ScenarioContext


def _book_seats(context: ScenarioContext, *, is_past: bool = False) -> BookingLifecycle:
    company = context.population.new_company()
    guests = [context.employee_of(company, 0), context.employee_of(company, 1), context.population.new_private_person()]
    lifecycle = (context.past_booking if is_past else context.upcoming_booking)(guests, "group")
    lifecycle.take_seats(guests)
    return lifecycle


def seated_meeting_held(context: ScenarioContext) -> None:
    """A group meets after one seat was given back; one of the others did not come."""
    lifecycle = _book_seats(context, is_past=True)
    lifecycle.release_last_seat()
    lifecycle.start()
    lifecycle.end(absent=[lifecycle.booking.attendees[-1].email])


def one_seat_cancelled(context: ScenarioContext) -> None:
    """One of three seats is given back: the booking remains."""
    _book_seats(context).release_last_seat()


def all_seats_cancelled(context: ScenarioContext) -> None:
    """Seat after seat is given back, until none is taken."""
    lifecycle = _book_seats(context)
    for _ in range(3):
        lifecycle.release_last_seat()


def recurring_bookings(context: ScenarioContext) -> None:
    """A weekly series: one booking for each time, sent one after the other; the first is over already."""
    company = context.population.new_company()
    attendee = context.employee_of(company)
    first = context.past_booking([attendee], "weekly", company=company)
    count = context.rng.randint(3, 4)
    lifecycles = [first]
    for week in range(1, count):
        booked_at = first.clock + timedelta(milliseconds=310 * week)
        start_at = first.booking.start_at + timedelta(weeks=week + 1)
        lifecycles.append(context.new_booking([attendee], "weekly", booked_at, start_at, template=first))
    for lifecycle in lifecycles:
        lifecycle.make_recurring(count)
        lifecycle.book()
    first.start()
    first.end()


def private_person(context: ScenarioContext) -> None:
    """A person without a company books."""
    lifecycle = context.rng.choice((context.upcoming_booking, context.past_booking))(
        [context.population.new_private_person()]
    )
    lifecycle.book()
    if lifecycle.booking.end_at < context.now:
        lifecycle.start()
        lifecycle.end()


def phone_caller(context: ScenarioContext) -> None:
    """A person leaves only a telephone number."""
    context.upcoming_booking([context.population.new_phone_caller()], "mobile").book()


def organizer_alone(context: ScenarioContext) -> None:
    """An organizer tries out their own page."""
    lifecycle = context.upcoming_booking([context.population.new_private_person()])
    lifecycle.book_as_organizer([])
    lifecycle.book()


def organizer_for_a_prospect(context: ScenarioContext) -> None:
    """An organizer books on their own page and brings the prospect along."""
    company = context.population.new_company()
    lifecycle = context.past_booking([context.employee_of(company)])
    lifecycle.book_as_organizer([context.as_guest(company.people[0])])
    lifecycle.book()
    lifecycle.start()
    lifecycle.end()


def with_guests(context: ScenarioContext) -> None:
    """A booker brings a colleague, perhaps another company and a private person."""
    company, other = context.population.new_company(), context.population.new_company()
    guests = [
        context.as_guest(company.people[1]),
        context.as_guest(other.people[0]),
        context.as_guest(context.population.new_private_person()),
    ]
    booker = context.employee_of(company)
    lifecycle = context.past_booking([booker, *guests[: context.rng.randint(1, 3)]], company=company)
    lifecycle.book()
    lifecycle.start()
    lifecycle.end(absent=[guests[0].email] if context.rng.random() < 0.5 else [])


def private_booker_with_company_guest(context: ScenarioContext) -> None:
    """The booker has no company, the guest has one."""
    company = context.population.new_company()
    context.upcoming_booking([context.population.new_private_person(), context.as_guest(company.people[0])]).book()


def ping(context: ScenarioContext) -> None:
    """A user tests the webhook."""
    context.webhooks.append(SimulatedWebhook("PING", _random_time(context), context.rng.randrange(2)))


def form(context: ScenarioContext) -> None:
    """A routing form is submitted."""
    email = context.population.new_company().people[0].email
    context.webhooks.append(
        SimulatedWebhook("FORM_SUBMITTED", _random_time(context), context.rng.randrange(2), by=email)
    )


def _random_time(context: ScenarioContext) -> datetime:
    return context.now - timedelta(minutes=context.rng.randint(1, 19_000), milliseconds=context.rng.randint(1, 999))
