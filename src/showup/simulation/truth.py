"""What the API must say when all the news of a run has arrived, in natural keys: uids, domains, addresses."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from showup.simulation.entries import BookingEntry, business_domain
from showup.simulation.ledger import Ledger
from showup.simulation.news import News
from showup.simulation.world import source_order


@dataclass(frozen=True, slots=True)
class BookingTruth:
    """`state` and `evidence` are the booker's attendance, `attendees` gives each by address or number."""

    calcom_uid: str
    calcom_booking_id: str
    title: str
    start_time: datetime
    end_time: datetime
    status: str
    attended: bool | None
    state: str
    evidence: str | None
    person: str | None
    company: str | None
    organizer_email: str
    reschedule_count: int
    meeting_url: str
    attendees: dict[str, bool | None]


@dataclass(frozen=True, slots=True)
class DealTruth:
    """`bookings` are the current uids of those that stand on this deal."""

    company: str
    status: str
    stage: str
    owner_email: str
    bookings: frozenset[str]


@dataclass(frozen=True, slots=True)
class PersonTruth:
    """`company` is a domain; `name` is None for somebody whom only others brought along."""

    email: str
    name: str | None
    company: str | None


@dataclass(frozen=True, slots=True)
class Truth:
    """Bookings by uid, people by address in lower case, companies' names by domain."""

    bookings: dict[str, BookingTruth]
    deals: tuple[DealTruth, ...]
    companies: dict[str, str]
    people: dict[str, PersonTruth]


def truth_of(news: Iterable[News]) -> Truth:
    """The end state of `news`, whatever order they are given in."""
    ledger = Ledger()
    for one in sorted(news, key=source_order):
        ledger.hear(one)
    bookings = {entry.last.uid: _booking_truth(entry) for entry in ledger.bookings}
    deals = tuple(
        DealTruth(
            deal.company,
            deal.status,
            "met" if deal.met_by else "booked",
            deal.owner,
            frozenset(entry.last.uid for entry in ledger.bookings if entry.deal is deal),
        )
        for deal in ledger.deals
    )
    people = {email: PersonTruth(email, name, business_domain(email)) for email, name in ledger.people.items()}
    return Truth(bookings, deals, dict(ledger.companies), people)


def _booking_truth(entry: BookingEntry) -> BookingTruth:
    last = entry.last
    attended, evidence = entry.attendance()
    return BookingTruth(
        calcom_uid=last.uid,
        calcom_booking_id=str(last.number),
        title=last.title,
        start_time=last.start_at,
        end_time=last.end_at,
        status=entry.status,
        attended=attended,
        state=_state(attended, entry.host_absent),
        evidence=evidence,
        person=entry.person(),
        company=entry.company(),
        organizer_email=last.organizer.email.lower(),
        reschedule_count=entry.reschedules,
        meeting_url=last.meeting_url,
        attendees={seat.known_as: seat.attended for seat in entry.seats.values() if seat.taken},
    )


def _state(attended: bool | None, host_absent: bool) -> str:
    if attended is None:
        return "host_absent" if host_absent else "unreported"
    return "showed" if attended else "no_show"
