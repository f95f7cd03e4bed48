"""R2, PI9: whatever the order, repetition and batches in which webhooks are worked off, the tables are the same."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.stories.tables import standing, tell
from tests.stories.webhooks import ANN, MONDAY, body, payload, row

Arrival = tuple[bytes, datetime]

_SARAH, _SAM, _GUS = "sarah@acme.example", "Sam@Mail.Acme.example", "gus@gmail.com"


class Calendar:
    """What a few people do at Cal.com in a week; `sent` is what Cal.com sends of it, in the order of its doing."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self._now = MONDAY
        self._numbers = itertools.count(100)

    def tick(self) -> datetime:
        self._now += timedelta(minutes=7)
        return self._now

    def arrivals(self) -> list[Arrival]:
        """Each body is heard of a few seconds after everything was over, one second apart."""
        return [(one, self._now + timedelta(seconds=5 + place)) for place, one in enumerate(self.sent)]


class Meeting:
    """One booking at Cal.com, through its life."""

    def __init__(self, calendar: Calendar, uid: str, emails: list[str], days_ahead: int) -> None:
        self.calendar, self.emails, self.name = calendar, emails, uid
        self.uid, self.number = uid, next(calendar._numbers)
        self.start = MONDAY + timedelta(days=days_ahead, hours=3)
        self.moves = 0
        self.booked_at = MONDAY

    def _send(self, trigger: str, **more: object) -> None:
        at = self.calendar.tick()
        self.calendar.sent.append(body(trigger, at, payload(self.uid, self.number, self.start, self.emails, **more)))

    def _renew(self) -> dict[str, object]:
        old = {"rescheduleUid": self.uid, "rescheduleId": self.number}
        self.moves += 1
        self.uid, self.number = f"{self.name}-{self.moves}", next(self.calendar._numbers)
        self.start += timedelta(days=1, hours=1)
        return old

    def make(self) -> None:
        self._send("BOOKING_CREATED", responses={"company": {"label": "company", "value": f"Firm {self.name}"}})

    def ask(self) -> None:
        self._send("BOOKING_REQUESTED")

    def decline(self) -> None:
        self._send("BOOKING_REJECTED", rejectionReason="No time")

    def move(self) -> None:
        self._send("BOOKING_RESCHEDULED", **self._renew(), cancellationReason="Busy", rescheduledBy=self.emails[0])

    def ask_to_move(self) -> None:
        self._send("BOOKING_REQUESTED", **self._renew())

    def cancel(self) -> None:
        self._send("BOOKING_CANCELLED", cancellationReason="Off", cancelledBy=self.emails[0])

    def ask_to_rebook(self) -> None:
        self._send("BOOKING_CANCELLED", requestReschedule=True, cancelledBy="ben@outbound.example")

    def relocate(self) -> None:
        self._send("BOOKING_LOCATION_UPDATED", metadata={"videoCallUrl": f"https://meet.example/{self.name}"})

    def reassign(self) -> None:
        self._send("BOOKING_REASSIGNED", organizer=ANN)

    def mark(self) -> None:
        self._mark(no_show=True)

    def unmark(self) -> None:
        self._mark(no_show=False)

    def _mark(self, *, no_show: bool) -> None:
        at = max(self.calendar.tick(), self.start + timedelta(hours=2))
        marks = {"bookingUid": self.uid, "attendees": [{"email": self.emails[0].lower(), "noShow": no_show}]}
        self.calendar.sent.append(body("BOOKING_NO_SHOW_UPDATED", at, marks))

    def end(self) -> None:
        self.calendar.tick()
        self.calendar.sent.append(row("MEETING_ENDED", self.uid, self.number, self.start, self.emails, self.booked_at))

    def end_by_number(self) -> None:
        """Seed 002's dialect: nothing but the booking's number."""
        at = self.start + timedelta(minutes=30)
        marks = {"bookingId": self.number, "attendees": [{"email": self.emails[0], "attended": True}]}
        self.calendar.sent.append(body("meeting.ended", at, marks))


_DEEDS: tuple[Callable[[Meeting], None], ...] = (
    Meeting.make,
    Meeting.ask,
    Meeting.decline,
    Meeting.move,
    Meeting.move,
    Meeting.ask_to_move,
    Meeting.cancel,
    Meeting.ask_to_rebook,
    Meeting.relocate,
    Meeting.reassign,
    Meeting.mark,
    Meeting.unmark,
    Meeting.end,
    Meeting.end_by_number,
)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Up to three bookings of two companies and a private person, up to six webhooks in all."""
    calendar = Calendar()
    meetings = [
        Meeting(calendar, "alpha", [_SARAH, "guest@globex.example"], 1),
        Meeting(calendar, "beta", [_SAM], 2),
        Meeting(calendar, "gamma", [draw(st.sampled_from([_GUS, _SARAH, "Lee@Globex.example"]))], 3),
    ]
    for meeting in meetings[: draw(st.integers(1, 3))]:
        draw(st.sampled_from([Meeting.make, Meeting.make, Meeting.ask]))(meeting)
    while len(calendar.sent) < 6 and draw(st.booleans()):
        draw(st.sampled_from(_DEEDS))(draw(st.sampled_from(meetings)))
    return calendar


@given(calendar=calendars(), data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
async def test_any_order_any_repetition_any_batches(
    engine: AsyncEngine, calendar: Calendar, data: st.DataObject
) -> None:
    in_order = calendar.arrivals()
    repeats = data.draw(st.lists(st.sampled_from(in_order), max_size=3))
    mixed = data.draw(st.permutations([*in_order, *repeats]))
    batches = data.draw(st.lists(st.integers(1, 4), max_size=4))
    expected = await standing(engine, await tell(engine, in_order))
    found = await standing(engine, await tell(engine, mixed, batches))
    assert found.keys() == expected.keys()
    for table, rows in expected.items():
        assert found[table] == rows, table


async def test_news_by_number_joins_its_booking_in_the_same_batch(engine: AsyncEngine) -> None:
    calendar = Calendar()
    meeting = Meeting(calendar, "beta", [_SAM], 2)
    meeting.end_by_number()
    meeting.make()
    one_by_one = await standing(engine, await tell(engine, calendar.arrivals()))
    together = await standing(engine, await tell(engine, calendar.arrivals(), [2]))
    assert together == one_by_one
    assert [row[5] for row in together["bookings"]] == [True]


def _chain(calendar: Calendar) -> None:
    first = Meeting(calendar, "alpha", [_SARAH], 1)
    second = Meeting(calendar, "beta", [_SAM], 2)
    for deed in (Meeting.make, Meeting.move, Meeting.move):
        deed(first)
    second.make()
    first.cancel()
    second.end()


def _asked(calendar: Calendar) -> None:
    meeting = Meeting(calendar, "alpha", [_SARAH], 1)
    for deed in (Meeting.ask, Meeting.make, Meeting.ask_to_move, Meeting.make, Meeting.end, Meeting.mark):
        deed(meeting)


@pytest.mark.parametrize("story", [_chain, _asked])
async def test_every_permutation_of_six_webhooks(engine: AsyncEngine, story: Callable[[Calendar], None]) -> None:
    calendar = Calendar()
    story(calendar)
    in_order = calendar.arrivals()
    expected = await standing(engine, await tell(engine, in_order))
    assert len(expected["bookings"]) == (2 if story is _chain else 1)
    for mixed in itertools.permutations(in_order):
        found = await standing(engine, await tell(engine, mixed))
        assert found == expected, [one for one, _ in mixed]
