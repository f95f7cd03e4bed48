"""The data of the reference model: plain records that change as events are applied."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.model.source_events import SourceEvent, parse_time

PERSONAL = {"gmail.com"}


@dataclass
class Deal:
    """PI1: a deal of one company; `cancelled_by` is the booking whose cancellation closed it."""

    company: str
    opened_by: object
    status: str = "active"
    stage: str = "booked"
    owner: str | None = None
    amount: str | None = None
    currency: str | None = None
    lost_reason: str | None = None
    cancelled_by: object = None
    manually_met: bool = False
    manually_opened: bool = False
    manually_changed: bool = False


@dataclass(eq=False)
class Booking:
    """PI1, PI3: one meeting through all its uids; `deal` is the deal that it belongs to.

    `counts_as_held` is for the deal: another time opens attendance again, and leaves the deal unchanged (PI3).
    `is_outweighed`: a person put the deal back after its attendance was known (M10).
    """

    number: int
    booked_at: datetime
    uids: list[str]
    status: str
    start: datetime
    end: datetime
    emails: list[str]
    host: str
    series: tuple[Any, ...] | None = None
    moves: int = 0
    attended: bool | None = None
    evidence: str | None = None
    counts_as_held: bool = False
    has_attendance: bool = False
    is_outweighed: bool = False
    host_absent: bool = False
    outcome: str | None = None
    notes: str | None = None
    next_step: str | None = None
    is_rebooking_requested: bool = False
    is_end_unreported: bool = False
    # TE14: when attendees said that they will come at the current time, by email.
    confirmations: dict[str, datetime] = field(default_factory=dict)
    attached_company: str | None = None
    is_deal_attached: bool = False
    deal: Deal | None = None
    past_hosts: set[str] = field(default_factory=set)
    # By the meaning of each mail: its state, and its due time unless it is due at once.
    mails: dict[tuple[Any, ...], tuple[str, datetime | None]] = field(default_factory=dict)
    place: str | None = None
    calendar_uid: str | None = None
    # F01: the entries that may be in calendars, by recipient and iCalendar uid: when the meeting was to begin, and the
    # mail that removes the entry.
    calendar_entries: dict[tuple[str, str], tuple[datetime, tuple[Any, ...] | None]] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        """Returns the current uid."""
        return self.uids[-1]

    @property
    def booker(self) -> str:
        """PI8: the first attendee who is not of our own side."""
        return self.emails[0]


@dataclass
class ReferenceModel:
    """The expected data. `refused`: the reason, by event; `waiting`: events about unknown bookings.

    `companies` are the final companies of the bookings, where already known; `names` are those of all companies.
    """

    companies: dict[int, str | None] = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    # Deals that commands opened, by name; None where the company had an active deal after all.
    opened: dict[str, Deal | None] = field(default_factory=dict)
    rules: list[tuple[datetime | None, dict[str, Any]]] = field(default_factory=list)
    # By email: when a person put them into which company.
    assigned: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    waiting: list[SourceEvent] = field(default_factory=list)
    people: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def change_rules(self, event: SourceEvent) -> None:
        """PI10: a rule is active from `since` on, or in the whole history."""
        changes, since = event.fields["changes"], event.fields["since"]
        if "stages" in changes and not {"booked", "met"} <= set(changes["stages"]):
            self.refused[event.id] = "meetings move deals from booked to met"
        else:
            self.rules.append((None if since is None else parse_time(since), changes))

    def rule(self, name: str, default: Any, at: datetime) -> Any:
        """Returns the latest value among those that are active at that time."""
        value = default
        for since, changes in self.rules:
            if name in changes and (since is None or since <= at):
                value = changes[name]
        return value

    def company_of(self, booking: Booking) -> str | None:
        """Returns the company of its attendees, unless a command set another (PI12)."""
        if booking.number in self.companies:
            return self.companies[booking.number]
        return booking.attached_company or self.company_of_attendees(booking)

    def company_of_attendees(self, booking: Booking) -> str | None:
        """PI8: returns the company of the first attendee who has one."""
        known = (self.company_of_attendee(booking, email) for email in booking.emails)
        return next((company for company in known if company is not None), None)

    def company_of_attendee(self, booking: Booking, email: str) -> str | None:
        """PI12: returns the company assigned before the booking; else that of the address; else the first assigned."""
        own, assigned = self.company_of_address(email), self.assigned.get(email, [])
        earlier = [company for at, company in assigned if at <= booking.booked_at]
        if earlier:
            return earlier[-1]
        return own if own is not None or not assigned else assigned[0][1]

    def company_that_names(self, booking: Booking) -> str | None:
        """Returns the company that an answer of the form names: not one that a person assigned the attendee to."""
        for email in booking.emails:
            company = self.company_of_attendee(booking, email)
            if company is not None:
                return company if company == self.company_of_address(email) else None
        return None

    def company_of_address(self, email: str) -> str | None:
        """PI1, PI2: returns the company of the registrable domain unless it is personal, even by a later rule."""
        domain = ".".join(email.partition("@")[2].split(".")[-2:])
        personal: list[str] = []
        for _, changes in self.rules:
            personal = changes.get("personal_domains", personal)
        return None if domain in PERSONAL or domain in personal else f"domain:{domain}"

    def is_ours(self, email: str, host: str, at: datetime) -> bool:
        """PI8, F12: returns whether the attendee is at the business domain of the host."""
        own_company = self.company_of_address(host)
        is_colleague = own_company is not None and self.company_of_address(email) == own_company
        return is_colleague and self.rule("hosts_domains_are_ours", default=True, at=at)

    def find(self, event: SourceEvent) -> Booking | None:
        """PI3: finds the booking by any uid that it ever had; a reschedule by the uid that it replaces."""
        fields = event.fields
        raw_names = [fields.get(name) for name in ("uid", "bookingUid", "rescheduleUid", "subject")]
        names = {str(name).removeprefix("uid:") for name in raw_names if name is not None}
        return next((one for one in self.bookings if names & set(one.uids)), None)
