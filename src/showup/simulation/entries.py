"""What the simulator's ledger keeps of bookings and deals, and what addresses tell."""

from dataclasses import dataclass, field

from showup.simulation.names import PERSONAL_DOMAINS, SMS_DOMAIN
from showup.simulation.news import Attendee, Booking


@dataclass(slots=True, eq=False)
class DealEntry:
    """`met_by` holds the bookings whose attendance put the deal on `met`."""

    company: str
    owner: str
    status: str = "active"
    met_by: list["BookingEntry"] = field(default_factory=list)
    cancelled_by: "BookingEntry | None" = None


@dataclass(slots=True)
class Seat:
    """One attendee's place and attendance; `taken` ends when a seat is given back.

    `known_as` is the address, or the number of somebody whose address Cal.com made up.
    """

    email: str
    known_as: str
    attended: bool | None = None
    evidence: str | None = None
    taken: bool = True


@dataclass(slots=True, eq=False)
class BookingEntry:
    """A booking through all its reschedules; `last` is how Cal.com last described it."""

    last: Booking
    status: str
    seats: dict[str, Seat] = field(default_factory=dict)
    reschedules: int = 0
    host_absent: bool = False
    deal: DealEntry | None = None

    def person(self) -> str | None:
        """The first attendee who is somebody: neither the organizer nor a telephone number."""
        return next((email for email in self._present() if self.is_person(email)), None)

    def company(self) -> str | None:
        """The domain of the first attendee who writes from a business address."""
        domains = (business_domain(email) for email in self._present() if self.is_person(email))
        return next((domain for domain in domains if domain is not None), None)

    def attendance(self) -> tuple[bool | None, str | None]:
        """Whether the booker came, and on what evidence that rests."""
        present = self._present()
        if not present:
            return None, None
        booker = self.person() or present[0]
        return self.seats[booker].attended, self.seats[booker].evidence

    def is_person(self, email: str) -> bool:
        return email != self.last.organizer.email.lower() and not email.endswith(f"@{SMS_DOMAIN}")

    def _present(self) -> list[str]:
        return [seat.email for seat in self.seats.values() if seat.taken]


def known_as(attendee: Attendee) -> str:
    """The attendee's address, or the number of somebody whose address Cal.com made up."""
    email = attendee.email.lower()
    return attendee.phone or email if email.endswith(f"@{SMS_DOMAIN}") else email


def business_domain(email: str) -> str | None:
    """The last two labels of an address's domain; None for mail providers and telephone numbers."""
    domain = ".".join(email.rpartition("@")[2].split(".")[-2:])
    return None if domain in PERSONAL_DOMAINS or email.endswith(f"@{SMS_DOMAIN}") else domain
