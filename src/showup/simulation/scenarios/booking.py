"""Scenarios that end before the meeting: booked, rescheduled, cancelled, requested."""

from showup.simulation.lifecycle import BookingLifecycle
from showup.simulation.scenario_context import ScenarioContext


def _book(context: ScenarioContext) -> BookingLifecycle:
    company = context.population.new_company()
    lifecycle = context.upcoming_booking([context.employee_of(company)], company=company)
    lifecycle.book()
    return lifecycle


def booked(context: ScenarioContext) -> None:
    """A person books, and the meeting is in the future."""
    _book(context)


def rescheduled(context: ScenarioContext) -> None:
    """A booking is rescheduled once, twice or three times before the meeting."""
    lifecycle = _book(context)
    for _ in range(context.rng.randint(1, 3)):
        lifecycle.reschedule(context.later_slot(lifecycle))


def cancelled(context: ScenarioContext) -> None:
    """A booking is cancelled, and its deal with it."""
    _book(context).cancel()


def booked_after_cancelled_deal(context: ScenarioContext) -> None:
    """A colleague books after the first booking was cancelled: another deal."""
    company = context.population.new_company()
    first = context.past_booking([context.employee_of(company)], company=company)
    first.book()
    first.cancel()
    context.upcoming_booking([context.employee_of(company, 1)], "demo", after=first).book()


def cancelled_then_rescheduled(context: ScenarioContext) -> None:
    """A booking is cancelled and then rescheduled: its deal is active again."""
    lifecycle = _book(context)
    lifecycle.cancel()
    lifecycle.reschedule(context.future_slot())


def rescheduled_into_another_deal(context: ScenarioContext) -> None:
    """A cancelled booking is rescheduled after a colleague has opened another deal."""
    company = context.population.new_company()
    first = context.past_booking([context.employee_of(company)], company=company)
    first.book()
    first.cancel()
    second = context.new_booking([context.employee_of(company, 1)], "demo", first.next_moment(), context.future_slot())
    second.book()
    first.clock = second.clock
    first.reschedule(context.future_slot())


def reschedule_requested(context: ScenarioContext) -> None:
    """The host asks for another time, and the booker has not picked one yet."""
    _book(context).request_new_time()


def reschedule_request_met(context: ScenarioContext) -> None:
    """The host asks for another time, and the booker picks one."""
    lifecycle = _book(context)
    lifecycle.request_new_time()
    lifecycle.reschedule(context.future_slot())


def _request(context: ScenarioContext) -> BookingLifecycle:
    company = context.population.new_company()
    lifecycle = context.upcoming_booking([context.employee_of(company)], "review", company=company)
    lifecycle.request()
    return lifecycle


def requested(context: ScenarioContext) -> None:
    """A booking waits for the host's confirmation."""
    _request(context)


def requested_and_confirmed(context: ScenarioContext) -> None:
    """The host confirms."""
    _request(context).confirm()


def requested_and_rejected(context: ScenarioContext) -> None:
    """The host rejects."""
    _request(context).reject()


def request_cancelled(context: ScenarioContext) -> None:
    """The booker cancels the request."""
    _request(context).cancel()


def location_changed(context: ScenarioContext) -> None:
    """The meeting gets another link."""
    _book(context).change_location()


def reassigned(context: ScenarioContext) -> None:
    """A colleague of the host takes over."""
    lifecycle = _book(context)
    others = [
        organizer
        for organizer in context.population.organizers[lifecycle.booking.account]
        if organizer != lifecycle.booking.organizer
    ]
    lifecycle.reassign(context.rng.choice(others))


def paid(context: ScenarioContext) -> None:
    """A booking is paid for."""
    company = context.population.new_company()
    lifecycle = context.upcoming_booking([context.employee_of(company)], "paid", company=company)
    lifecycle.book()
    lifecycle.pay()
