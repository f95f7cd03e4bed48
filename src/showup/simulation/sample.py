"""Five companies to look at: a small pipeline with a deal in each place, told by webhooks like any other."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from showup.simulation.news import Attendee, Booking, EventType, News, Organizer
from showup.simulation.render import render

_DEMO = EventType(4774102, "product-demo", "Product demo", 30)
_ORGANIZER = Organizer(2182900, "Robin Rivers", "robin@showup-sample.example", "robin", "America/New_York")


@dataclass(frozen=True, slots=True)
class SampleDeal:
    """A company, its person and where their deal stands; `booked_for` and `meets_in` count from loading."""

    uid: str
    company: str
    domain: str
    person: str
    time_zone: str
    stage: str
    status: str
    booked_for: timedelta
    meets_in: timedelta

    @property
    def stage_by_webhook(self) -> str:
        """How far the webhooks carry the deal: past `met` only a person moves it."""
        return "met" if self.stage == "proposal" else self.stage


def _deal(
    company: str, domain: str, person: str, zone: str, stands: tuple[str, str], days: tuple[int, int]
) -> SampleDeal:
    """`days` says how many days ago it was booked, and in how many days it is."""
    uid = "sample" + "".join(filter(str.isalnum, company + person))[:16].ljust(16, "0")
    return SampleDeal(uid, company, domain, person, zone, *stands, timedelta(days=days[0]), timedelta(days=days[1]))


SAMPLE = (
    _deal("Acme Corp", "acme.example", "Sarah Chen", "America/New_York", ("booked", "active"), (2, 3)),
    _deal("TechStart Inc", "techstart.example", "Mike Johnson", "Europe/London", ("met", "active"), (6, -1)),
    _deal("DataFlow Systems", "dataflow.example", "Lisa Wong", "Asia/Tokyo", ("proposal", "active"), (12, -5)),
    _deal("Growth Partners", "growth.example", "James Miller", "UTC", ("booked", "cancelled"), (4, 2)),
    _deal("Nexus Ventures", "nexus.example", "Anna Smith", "Europe/Berlin", ("booked", "active"), (1, 6)),
)


def sample_bodies(now: datetime) -> list[bytes]:
    """The webhooks that tell the sample's stories up to `now` (aware, UTC), in source order of each."""
    return [render(news) for number, deal in enumerate(SAMPLE) for news in _story(deal, number, now)]


def _story(deal: SampleDeal, number: int, now: datetime) -> list[News]:
    booking = _booking(deal, number, now)
    news = [News("BOOKING_CREATED", booking.created_at, 0, booking)]
    if deal.status == "cancelled":
        gone = replace(booking, status="CANCELLED", sequence=1)
        by, reason = booking.attendees[0].email, "We chose to wait until next quarter"
        news.append(News("BOOKING_CANCELLED", now - timedelta(hours=20), 0, gone, by=by, reason=reason))
    elif booking.end_at <= now:
        marks = tuple((one.email, False) for one in booking.attendees)
        news.append(News("MEETING_STARTED", booking.start_at, 0, booking))
        news.append(News("MEETING_ENDED", booking.end_at, 0, booking, marks=marks))
    return news


def _booking(deal: SampleDeal, number: int, now: datetime) -> Booking:
    local = deal.person.lower().replace(" ", ".")
    attendee = Attendee(deal.person, f"{local}@{deal.domain}", deal.time_zone)
    # On the hour, as meetings are: with each company at another one, so that no two collide in a calendar.
    start_at = (now + deal.meets_in).replace(hour=13 + number, minute=0, second=0, microsecond=0)
    return Booking(
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
        end_at=start_at + timedelta(minutes=_DEMO.lasts_for),
        created_at=now - deal.booked_for,
        meeting_url=f"https://app.cal.com/video/{deal.uid}",
        company_answer=deal.company,
        notes="Sample data: nobody will call.",
    )
