"""Scenarios of meetings in the past: who came, and who reported it."""

from showup.simulation.lifecycle import BookingLifecycle
from showup.simulation.scenario_context import ScenarioContext


def _start_meeting(context: ScenarioContext, *, kind: str = "demo") -> BookingLifecycle:
    company = context.population.new_company()
    lifecycle = context.past_booking([context.employee_of(company)], kind, company=company)
    lifecycle.book()
    lifecycle.start()
    return lifecycle


def meeting_held(context: ScenarioContext) -> None:
    """The meeting takes place; the end time is the only evidence."""
    _start_meeting(context).end()


def rescheduled_and_held(context: ScenarioContext) -> None:
    """The meeting takes place at a later time than first agreed."""
    company = context.population.new_company()
    lifecycle = context.past_booking([context.employee_of(company)], company=company)
    lifecycle.book()
    for _ in range(context.rng.randint(1, 3)):
        lifecycle.reschedule(context.later_slot(lifecycle))
    lifecycle.start()
    lifecycle.end()


def no_show_at_end(context: ScenarioContext) -> None:
    """The meeting's end reports that the attendee was absent."""
    lifecycle = _start_meeting(context)
    lifecycle.end(absent=[lifecycle.booking.attendees[0].email])


def host_no_show(context: ScenarioContext) -> None:
    """The meeting's end reports that the host was absent."""
    _start_meeting(context).end(host_absent=True)


def no_show_reported(context: ScenarioContext) -> None:
    """After the end the host reports a no-show."""
    lifecycle = _start_meeting(context)
    lifecycle.end()
    lifecycle.mark_attendance(lifecycle.booking.attendees[0].email, absent=True)


def no_show_undone(context: ScenarioContext) -> None:
    """The host reports a no-show and takes it back."""
    lifecycle = _start_meeting(context)
    lifecycle.end()
    lifecycle.mark_attendance(lifecycle.booking.attendees[0].email, absent=True)
    lifecycle.mark_attendance(lifecycle.booking.attendees[0].email, absent=False)


def no_show_reported_early(context: ScenarioContext) -> None:
    """The host marks the attendee as absent during the meeting, and may take it back in time."""
    lifecycle = _start_meeting(context)
    lifecycle.mark_attendance(lifecycle.booking.attendees[0].email, absent=True)
    if context.rng.random() < 0.5:
        lifecycle.mark_attendance(lifecycle.booking.attendees[0].email, absent=False)
    lifecycle.end()


def guests_no_show(context: ScenarioContext) -> None:
    """Cal Video reports that no guest joined; the end reports nothing new."""
    lifecycle = _start_meeting(context, kind="intro")
    lifecycle.report_guests_absent()
    lifecycle.end()


def no_show_rebooked(context: ScenarioContext) -> None:
    """A missed meeting is rescheduled."""
    lifecycle = _start_meeting(context)
    lifecycle.end()
    lifecycle.mark_attendance(lifecycle.booking.attendees[0].email, absent=True)
    lifecycle.reschedule(context.future_slot())


def second_booking(context: ScenarioContext) -> None:
    """After a held meeting, the company books again: the same deal."""
    company = context.population.new_company()
    first = context.past_booking([context.employee_of(company)], company=company)
    first.book()
    first.start()
    first.end()
    context.upcoming_booking(
        [context.employee_of(company, context.rng.randint(0, 1))], "demo", company=company, after=first
    ).book()


def busy_company(context: ScenarioContext) -> None:
    """Several people of one company book, cancel, reschedule and meet in overlapping order."""
    company = context.population.new_company()
    for number in range(context.rng.randint(3, 4)):
        attendee = context.employee_of(company, number)
        lifecycle = context.rng.choice((context.upcoming_booking, context.past_booking))([attendee], company=company)
        lifecycle.book()
        outcome = context.rng.choice(("cancel", "reschedule", "stay", "stay"))
        if outcome == "cancel":
            lifecycle.cancel()
            continue
        if outcome == "reschedule":
            lifecycle.reschedule(context.later_slot(lifecycle))
        if lifecycle.booking.end_at < context.now:
            lifecycle.start()
            lifecycle.end()
