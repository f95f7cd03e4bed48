"""Where the stories of a run are played: its cast, its calendar, and fresh identities."""

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from showup.simulation.cast import ACCOUNTS, EVENT_TYPES, Cast, Company
from showup.simulation.names import NOTES
from showup.simulation.news import Attendee, Booking, News
from showup.simulation.play import Play

PAST = timedelta(days=14)
# A story whose meeting must be over by now begins at least this long ago.
LONG_AGO = timedelta(days=7)
QUARTER = timedelta(minutes=15)
_LETTERS = string.ascii_letters + string.digits


@dataclass(slots=True)
class Theatre:
    """`now` ends the source times of the run; `tag` is in every uid, domain and private address of it."""

    rng: random.Random
    tag: str
    now: datetime
    cast: Cast
    news: list[News] = field(default_factory=list)
    _numbers: int = 0

    def __post_init__(self) -> None:
        self._numbers = self.rng.randrange(10_000_000, 2_000_000_000)

    def ahead(
        self,
        attendees: Sequence[Attendee],
        kind: str = "intro",
        *,
        answer: Company | None = None,
        after: Play | None = None,
    ) -> Play:
        """A booking whose meeting is still to come; it is made after what `after` has told so far."""
        oldest = max(self.now - PAST, after.clock) if after is not None else self.now - PAST
        age = (self.now - oldest) * self.rng.random() ** 2
        booked_at = self.now - max(age, min(timedelta(minutes=10), (self.now - oldest) / 2))
        start_at = self.quarter(self.now + timedelta(hours=self.rng.uniform(3, 480)))
        return self.play(attendees, kind, booked_at, start_at, answer=answer)

    def over(self, attendees: Sequence[Attendee], kind: str = "intro", *, answer: Company | None = None) -> Play:
        """A booking whose meeting is over, even after three reschedules."""
        booked_at = self.now - LONG_AGO - (PAST - LONG_AGO) * self.rng.random()
        start_at = self.quarter(booked_at + timedelta(hours=self.rng.uniform(12, 60)))
        return self.play(attendees, kind, booked_at, start_at, answer=answer)

    def play(
        self,
        attendees: Sequence[Attendee],
        kind: str,
        booked_at: datetime,
        start_at: datetime,
        *,
        answer: Company | None = None,
        like: Play | None = None,
    ) -> Play:
        """A booking that begins its life at `booked_at`, at the same organizer as `like`.

        `answer` is the company that the booker may name.
        """
        account = self.rng.randrange(ACCOUNTS) if like is None else like.booking.account
        organizer = self.rng.choice(self.cast.organizers[account]) if like is None else like.booking.organizer
        event_type = EVENT_TYPES[kind]
        uid, number = self.identity()
        booked_at = booked_at.replace(microsecond=self.rng.randint(1, 999) * 1000)
        whom = "the group" if event_type.seats else attendees[0].name
        booking = Booking(
            account=account,
            uid=uid,
            number=number,
            ical_uid=f"{uid}@Cal.com",
            sequence=0,
            title=f"{event_type.title} between {organizer.name} and {whom}",
            event_type=event_type,
            organizer=organizer,
            attendees=tuple(attendees),
            start_at=start_at,
            end_at=start_at + timedelta(minutes=event_type.lasts_for),
            created_at=booked_at,
            meeting_url=f"https://app.cal.com/video/{uid}",
            company_answer=answer.name if answer is not None and self.rng.random() < 0.6 else None,
            notes=self.rng.choice(NOTES),
        )
        return Play(self.rng, booking, booked_at, self.now, self.identity, self.news)

    def identity(self) -> tuple[str, int]:
        """A uid of 22 letters and a number, as a new booking or a new time gets them."""
        self._numbers += self.rng.randint(1, 9)
        return self.tag + "".join(self.rng.choices(_LETTERS, k=22 - len(self.tag))), self._numbers

    def someone(self, company: Company, number: int = 0) -> Attendee:
        return self.cast.typed(company.people[number % len(company.people)])

    def guest(self, attendee: Attendee) -> Attendee:
        """The same attendee when another one brings them along: Cal.com knows their address only."""
        return replace(self.cast.typed(attendee), name="", phone=None)

    def later_slot(self, play: Play, low: float = 0.2, high: float = 0.5) -> datetime:
        """A start some days (`low` to `high`) after the one that the booking has."""
        return self.quarter(play.booking.start_at + timedelta(days=self.rng.uniform(low, high)))

    def slot_ahead(self) -> datetime:
        return self.quarter(self.now + timedelta(days=self.rng.uniform(0.5, 10)))

    @staticmethod
    def quarter(at: datetime) -> datetime:
        """The next quarter of an hour after `at`."""
        whole = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
        return whole + QUARTER
