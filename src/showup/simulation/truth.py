"""The truth: what the API must return when all events of a run have arrived, by uids, domains and addresses."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from showup.simulation.entries import BookingEntry, business_domain_of
from showup.simulation.ledger import Ledger
from showup.simulation.models import SimulatedWebhook
from showup.simulation.world import source_order


@dataclass(frozen=True, slots=True)
class BookingTruth:
    """`state` and `evidence` are the booker's attendance; `attendees` has each one's by address or number."""

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
    """`bookings` are the current uids of the deal's bookings."""

    company: str
    status: str
    stage: str
    owner_email: str
    bookings: frozenset[str]


@dataclass(frozen=True, slots=True)
class PersonTruth:
    """`company` is a domain; `name` is None for a person who was only ever brought along as a guest."""

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


def truth_of(webhooks: Iterable[SimulatedWebhook]) -> Truth:
    """Returns the end state after `webhooks`, in whatever order they are given."""
    ledger = Ledger()
    for webhook in sorted(webhooks, key=source_order):
        ledger.apply(webhook)
    bookings = {entry.latest.uid: _booking_truth(entry) for entry in ledger.bookings}
    deals = tuple(
        DealTruth(
            deal.company,
            deal.status,
            "met" if deal.met_bookings else "booked",
            deal.owner,
            frozenset(entry.latest.uid for entry in ledger.bookings if entry.deal is deal),
        )
        for deal in ledger.deals
    )
    people = {email: PersonTruth(email, name, business_domain_of(email)) for email, name in ledger.people.items()}
    return Truth(bookings, deals, dict(ledger.companies), people)


def _booking_truth(entry: BookingEntry) -> BookingTruth:
    latest = entry.latest
    attended, evidence = entry.attendance()
    return BookingTruth(
        calcom_uid=latest.uid,
        calcom_booking_id=str(latest.number),
        title=latest.title,
        start_time=latest.start_at,
        end_time=latest.end_at,
        status=entry.status,
        attended=attended,
        state=_state(attended, entry.host_absent),
        evidence=evidence,
        person=entry.person(),
        company=entry.company(),
        organizer_email=latest.organizer.email.lower(),
        reschedule_count=entry.reschedules,
        meeting_url=latest.meeting_url,
        attendees={seat.identity: seat.attended for seat in entry.seats.values() if seat.is_taken},
    )


def _state(attended: bool | None, host_absent: bool) -> str:
    if attended is None:
        return "host_absent" if host_absent else "unreported"
    return "showed" if attended else "no_show"
