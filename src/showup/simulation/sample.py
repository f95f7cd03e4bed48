"""Sample data: five companies, a small pipeline with a deal in each stage, made of ordinary webhooks."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from showup.simulation.models import (
    SimulatedAttendee,
    SimulatedBooking,
    SimulatedEventType,
    SimulatedOrganizer,
    SimulatedWebhook,
)
from showup.simulation.render import render

_DEMO = SimulatedEventType(4774102, "product-demo", "Product demo", 30)
_ORGANIZER = SimulatedOrganizer(2182900, "Robin Rivers", "robin@showup-sample.example", "robin", "America/New_York")


@dataclass(frozen=True, slots=True)
class SampleDeal:
    """A company, its person and the stage of their deal; `booked_ago` and `starts_in` are relative to loading."""

    uid: str
    company: str
    domain: str
    person: str
    time_zone: str
    stage: str
    status: str
    booked_ago: timedelta
    starts_in: timedelta


def _deal(
    company: str,
    domain: str,
    person: str,
    zone: str,
    stage_and_status: tuple[str, str],
    days: tuple[int, int],
    hours: int = 0,
) -> SampleDeal:
    """Makes a deal. `days`: how many days ago it was booked, and in how many days and `hours` the meeting is."""
    uid = "sample" + "".join(filter(str.isalnum, company + person))[:16].ljust(16, "0")
    booked_ago, starts_in = timedelta(days=days[0]), timedelta(days=days[1], hours=hours)
    return SampleDeal(uid, company, domain, person, zone, *stage_and_status, booked_ago, starts_in)


SAMPLE = (
    # Soon, so that Today has a next meeting in every time zone.
    _deal("Acme Corp", "acme.example", "Sarah Chen", "America/New_York", ("booked", "active"), (2, 0), hours=4),
    _deal("TechStart Inc", "techstart.example", "Mike Johnson", "Europe/London", ("met", "active"), (6, -1)),
    _deal("DataFlow Systems", "dataflow.example", "Lisa Wong", "Asia/Tokyo", ("proposal", "active"), (12, -5)),
    _deal("Growth Partners", "growth.example", "James Miller", "UTC", ("booked", "cancelled"), (4, 2)),
    _deal("Nexus Ventures", "nexus.example", "Anna Smith", "Europe/Berlin", ("booked", "active"), (1, 1)),
)


def sample_bodies(now: datetime) -> list[bytes]:
    """Returns the sample's webhooks up to `now` (aware, UTC), in source order for each company."""
    return [render(webhook) for number, deal in enumerate(SAMPLE) for webhook in _history(deal, number, now)]


def meeting_end(deal: SampleDeal, number: int, now: datetime) -> datetime:
    """Returns when the meeting of the sample's deal with this number ends, if the sample is loaded at `now`."""
    return _booking(deal, number, now).end_at


def _history(deal: SampleDeal, number: int, now: datetime) -> list[SimulatedWebhook]:
    booking = _booking(deal, number, now)
    webhooks = [SimulatedWebhook("BOOKING_CREATED", booking.created_at, 0, booking)]
    if deal.status == "cancelled":
        cancelled = replace(booking, status="CANCELLED", sequence=1)
        cancelled_by, reason = booking.attendees[0].email, "We chose to wait until next quarter"
        webhooks.append(
            SimulatedWebhook(
                "BOOKING_CANCELLED", now - timedelta(hours=20), 0, cancelled, by=cancelled_by, reason=reason
            )
        )
    elif booking.end_at <= now:
        marks = tuple((attendee.email, False) for attendee in booking.attendees)
        webhooks.append(SimulatedWebhook("MEETING_STARTED", booking.start_at, 0, booking))
        webhooks.append(SimulatedWebhook("MEETING_ENDED", booking.end_at, 0, booking, marks=marks))
    return webhooks


def _booking(deal: SampleDeal, number: int, now: datetime) -> SimulatedBooking:
    local = deal.person.lower().replace(" ", ".")
    attendee = SimulatedAttendee(deal.person, f"{local}@{deal.domain}", deal.time_zone)
    # On the hour, as usual for meetings. On other days it is a different one for each company, so no two collide.
    start_at = (now + deal.starts_in).replace(minute=0, second=0, microsecond=0)
    if abs(deal.starts_in) >= timedelta(days=1):
        start_at = start_at.replace(hour=13 + number)
    return SimulatedBooking(
        account=0,
        uid=deal.uid,
        number=9_000_001 + number,
        ical_uid=f"{deal.uid}@Cal.com",
        sequence=0,
        title=f"{_DEMO.title} between {_ORGANIZER.name} and {deal.person}",
        event_type=_DEMO,
        organizer=_ORGANIZER,
        attendees=(attendee,),
        start_at=start_at,
        end_at=start_at + timedelta(minutes=_DEMO.duration_minutes),
        created_at=now - deal.booked_ago,
        meeting_url=f"https://app.cal.com/video/{deal.uid}",
        company_answer=deal.company,
        notes="Sample data: this meeting will not take place.",
    )
