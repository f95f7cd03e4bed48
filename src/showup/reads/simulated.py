"""Which records come from sample data or a simulation, and from nothing else.

A record that also has a real booking is real. Lists show simulated records and mark them; numbers leave them out.
"""

from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, Table, and_, exists, false, func, or_, select, true, union

from showup.access.workspace import SIMULATION
from showup.database.tables import booking_attendees, bookings, companies, deals, inbox_events, people, workspaces
from showup.events.envelope import SIMULATED_ORIGINS

SimulatedFilter: TypeAlias = Literal["true", "false", "all"]
"""`true`: simulated records only; `false`: real ones only."""


def simulated_booking() -> ColumnElement[bool]:
    """Returns the condition for a simulated booking."""
    return bookings.c.simulated


def simulated_person() -> ColumnElement[bool]:
    """Returns the condition for a person all of whose meetings are simulated; one without any is real.

    The people of simulated meetings are found once, as real data have none.
    """
    seats = select(booking_attendees.c.person_id).join(bookings, bookings.c.id == booking_attendees.c.booking_id)
    of_person = seats.where(booking_attendees.c.person_id == people.c.id).correlate(people)
    return and_(
        people.c.id.in_(seats.where(bookings.c.simulated).correlate(None)),
        ~exists(of_person.where(~bookings.c.simulated)),
    )


def simulated_company() -> ColumnElement[bool]:
    """Returns the condition for a company that has simulated meetings or people, and no real ones.

    Its first part does not depend on the company: it is found once, from the simulated meetings alone.
    """
    meetings = select(bookings.c.id).where(bookings.c.company_id == companies.c.id).correlate(companies)
    staff = select(people.c.id).where(people.c.company_id == companies.c.id).correlate(companies)
    is_simulated = simulated_person()
    own = select(bookings.c.company_id).where(bookings.c.simulated, bookings.c.company_id.is_not(None))
    seats = select(booking_attendees.c.person_id).join(bookings, bookings.c.id == booking_attendees.c.booking_id)
    of_people = select(people.c.company_id).where(
        people.c.id.in_(seats.where(bookings.c.simulated).correlate(None)),
        people.c.company_id.is_not(None),
        is_simulated,
    )
    return and_(
        companies.c.id.in_(union(own.correlate(None), of_people.correlate(None))),
        ~exists(meetings.where(~bookings.c.simulated)),
        ~exists(staff.where(~is_simulated)),
    )


def simulated_deal() -> ColumnElement[bool]:
    """Returns the condition for a deal with simulated meetings only, or of a simulated company without any."""
    meetings = select(bookings.c.id).where(bookings.c.deal_id == deals.c.id).correlate(deals)
    own = select(bookings.c.deal_id).where(bookings.c.simulated, bookings.c.deal_id.is_not(None))
    other = deals.alias()
    of_companies = select(other.c.id).where(other.c.company_id.in_(select(companies.c.id).where(simulated_company())))
    return and_(
        deals.c.id.in_(union(own.correlate(None), of_companies.correlate(None))),
        ~exists(meetings.where(~bookings.c.simulated)),
    )


def simulated_event() -> ColumnElement[bool]:
    """Returns the condition for an inbox event of the sample or a simulation, or of a simulated booking."""
    of_booking = select(bookings.c.id).where(bookings.c.id == inbox_events.c.booking_id, bookings.c.simulated)
    return or_(inbox_events.c.origin.in_(SIMULATED_ORIGINS), exists(of_booking.correlate(inbox_events)))


def simulated_workspace(table: Table) -> ColumnElement[bool]:
    """Returns the condition for a campaign or a lead of simulations: they have a workspace of their own."""
    simulation = select(workspaces.c.id).where(workspaces.c.slug == SIMULATION).scalar_subquery()
    return func.coalesce(table.c.workspace_id == simulation, false())


def if_simulated(wanted: SimulatedFilter, is_simulated: ColumnElement[bool]) -> ColumnElement[bool]:
    """Returns the condition of the filter `simulated`."""
    match wanted:
        case "all":
            return true()
        case "true":
            return is_simulated
        case "false":
            return ~is_simulated
