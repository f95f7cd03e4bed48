"""The context in which a run's scenarios are played: its people, its calendar, and new identities."""

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from showup.simulation.lifecycle import BookingLifecycle
from showup.simulation.models import SimulatedAttendee, SimulatedBooking, SimulatedWebhook
from showup.simulation.names import NOTES
from showup.simulation.population import ACCOUNTS, EVENT_TYPES, Population, SimulatedCompany

HISTORY_SPAN = timedelta(days=14)
# A scenario whose meeting must be over begins at least this long ago.
MIN_PAST_AGE = timedelta(days=7)
QUARTER_HOUR = timedelta(minutes=15)
_LETTERS = string.ascii_letters + string.digits


@dataclass(slots=True)
class ScenarioContext:
    """The shared state of a run.

    `now` ends its source times; `tag` is in all its uids, domains and private addresses.
    """

    rng: random.Random
    tag: str
    now: datetime
    population: Population
    webhooks: list[SimulatedWebhook] = field(default_factory=list)
    _last_number: int = 0

    def __post_init__(self) -> None:
        self._last_number = self.rng.randrange(10_000_000, 2_000_000_000)

    def upcoming_booking(
        self,
        attendees: Sequence[SimulatedAttendee],
        kind: str = "intro",
        *,
        company: SimulatedCompany | None = None,
        after: BookingLifecycle | None = None,
    ) -> BookingLifecycle:
        """Returns a booking whose meeting is in the future; it is made after the events of `after` so far."""
        oldest = max(self.now - HISTORY_SPAN, after.clock) if after is not None else self.now - HISTORY_SPAN
        age = (self.now - oldest) * self.rng.random() ** 2
        booked_at = self.now - max(age, min(timedelta(minutes=10), (self.now - oldest) / 2))
        start_at = self.next_quarter_hour(self.now + timedelta(hours=self.rng.uniform(3, 480)))
        return self.new_booking(attendees, kind, booked_at, start_at, company=company)

    def past_booking(
        self, attendees: Sequence[SimulatedAttendee], kind: str = "intro", *, company: SimulatedCompany | None = None
    ) -> BookingLifecycle:
        """Returns a booking whose meeting is over, even after three reschedules."""
        booked_at = self.now - MIN_PAST_AGE - (HISTORY_SPAN - MIN_PAST_AGE) * self.rng.random()
        start_at = self.next_quarter_hour(booked_at + timedelta(hours=self.rng.uniform(12, 60)))
        return self.new_booking(attendees, kind, booked_at, start_at, company=company)

    def new_booking(
        self,
        attendees: Sequence[SimulatedAttendee],
        kind: str,
        booked_at: datetime,
        start_at: datetime,
        *,
        company: SimulatedCompany | None = None,
        template: BookingLifecycle | None = None,
    ) -> BookingLifecycle:
        """Returns a booking that is made at `booked_at`, at the same organizer as `template`.

        `company` is the company that the booker may name.
        """
        account = self.rng.randrange(ACCOUNTS) if template is None else template.booking.account
        organizer = (
            self.rng.choice(self.population.organizers[account]) if template is None else template.booking.organizer
        )
        event_type = EVENT_TYPES[kind]
        uid, number = self.new_identity()
        booked_at = booked_at.replace(microsecond=self.rng.randint(1, 999) * 1000)
        invitee = "the group" if event_type.seats else attendees[0].name
        booking = SimulatedBooking(
            account=account,
            uid=uid,
            number=number,
            ical_uid=f"{uid}@Cal.com",
            sequence=0,
            title=f"{event_type.title} between {organizer.name} and {invitee}",
            event_type=event_type,
            organizer=organizer,
            attendees=tuple(attendees),
            start_at=start_at,
            end_at=start_at + timedelta(minutes=event_type.duration_minutes),
            created_at=booked_at,
            meeting_url=f"https://app.cal.com/video/{uid}",
            company_answer=company.name if company is not None and self.rng.random() < 0.6 else None,
            notes=self.rng.choice(NOTES),
        )
        return BookingLifecycle(self.rng, booking, booked_at, self.now, self.new_identity, self.webhooks)

    def new_identity(self) -> tuple[str, int]:
        """Returns a uid of 22 letters and a number, as each new or rescheduled booking gets."""
        self._last_number += self.rng.randint(1, 9)
        return self.tag + "".join(self.rng.choices(_LETTERS, k=22 - len(self.tag))), self._last_number

    def employee_of(self, company: SimulatedCompany, number: int = 0) -> SimulatedAttendee:
        return self.population.vary_spelling(company.people[number % len(company.people)])

    def as_guest(self, attendee: SimulatedAttendee) -> SimulatedAttendee:
        """Returns the attendee as another attendee's guest: Cal.com knows only their address."""
        return replace(self.population.vary_spelling(attendee), name="", phone=None)

    def later_slot(self, lifecycle: BookingLifecycle, min_days: float = 0.2, max_days: float = 0.5) -> datetime:
        """Returns a start `min_days` to `max_days` days after the booking's current one."""
        return self.next_quarter_hour(lifecycle.booking.start_at + timedelta(days=self.rng.uniform(min_days, max_days)))

    def future_slot(self) -> datetime:
        return self.next_quarter_hour(self.now + timedelta(days=self.rng.uniform(0.5, 10)))

    @staticmethod
    def next_quarter_hour(at: datetime) -> datetime:
        """Returns the next quarter of an hour after `at`."""
        quarter_start = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
        return quarter_start + QUARTER_HOUR
