"""The ledger's entries for bookings and deals, and what can be derived from addresses."""

from dataclasses import dataclass, field

from showup.simulation.models import SimulatedAttendee, SimulatedBooking
from showup.simulation.names import PERSONAL_DOMAINS, SMS_DOMAIN


@dataclass(slots=True, eq=False)
class DealEntry:
    """`met_bookings` are the bookings whose attendance moved the deal to `met`."""

    company: str
    owner: str
    status: str = "active"
    met_bookings: list["BookingEntry"] = field(default_factory=list)
    cancelled_by: "BookingEntry | None" = None


@dataclass(slots=True)
class Seat:
    """One attendee's seat and attendance; `is_taken` is False after a seat was given back.

    `identity` is the address, or the number of an attendee whose address Cal.com made up.
    """

    email: str
    identity: str
    attended: bool | None = None
    evidence: str | None = None
    is_taken: bool = True


@dataclass(slots=True, eq=False)
class BookingEntry:
    """A booking through all its reschedules; `latest` is Cal.com's latest description of it."""

    latest: SimulatedBooking
    status: str
    seats: dict[str, Seat] = field(default_factory=dict)
    reschedules: int = 0
    host_absent: bool = False
    deal: DealEntry | None = None

    def person(self) -> str | None:
        """Returns the first attendee who is a person: neither the organizer nor a telephone number."""
        return next((email for email in self._active_emails() if self.is_person(email)), None)

    def company(self) -> str | None:
        """Returns the domain of the first attendee with a business address."""
        domains = (business_domain_of(email) for email in self._active_emails() if self.is_person(email))
        return next((domain for domain in domains if domain is not None), None)

    def attendance(self) -> tuple[bool | None, str | None]:
        """Returns whether the booker came, and the evidence for it."""
        active_emails = self._active_emails()
        if not active_emails:
            return None, None
        booker = self.person() or active_emails[0]
        return self.seats[booker].attended, self.seats[booker].evidence

    def is_person(self, email: str) -> bool:
        return email != self.latest.organizer.email.lower() and not email.endswith(f"@{SMS_DOMAIN}")

    def _active_emails(self) -> list[str]:
        return [seat.email for seat in self.seats.values() if seat.is_taken]


def identity(attendee: SimulatedAttendee) -> str:
    """Returns the attendee's address, or the number if Cal.com made up the address."""
    email = attendee.email.lower()
    return attendee.phone or email if email.endswith(f"@{SMS_DOMAIN}") else email


def business_domain_of(email: str) -> str | None:
    """Returns the last two labels of an address's domain; None for mail providers and telephone numbers."""
    domain = ".".join(email.rpartition("@")[2].split(".")[-2:])
    return None if domain in PERSONAL_DOMAINS or email.endswith(f"@{SMS_DOMAIN}") else domain
