"""F01: no calendar keeps an entry that no longer holds, whatever the history of its meeting."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Event
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.destinations.contract import Delivered
from showup.destinations.email.destination import EmailDestination, Mail, MailPreview
from showup.destinations.email.render import TemplateMailRenderer
from showup.destinations.email.settings import SenderRule
from showup.destinations.email.templates import Templates
from showup.dispatch.preparation import ConnectedQueue
from showup.outbox.delivery import DestinationQueue
from showup.pipeline.rules import Rules
from tests.deliveries.scenario import PACE, DeliveryScenario
from tests.histories.hypothesis_settings import history_settings
from tests.histories.table_contents import new_account
from tests.histories.webhooks import ANN, BEN, MONDAY, body, payload

TUESDAY = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
PETRA, OTHER, GUEST = "petra@north-mill.example", "petra@other.example", "guest@north-mill.example"
_TEMPLATES = Templates()


class Mailbox(MailPreview):
    """A transport whose recipients open each mail, and take over its calendar file as RFC 5546 asks of them.

    `calendars` has the start of each entry, by recipient and uid.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Mail] = []
        self.calendars: dict[tuple[str, str], datetime] = {}
        self._known: dict[tuple[str, str], Event] = {}

    async def send(self, delivery_id: UUID, mail: Mail) -> Delivered:
        self.mails.append(mail)
        for calendar in (mail.calendar, *mail.more_calendars):
            if calendar is not None:
                self._open(calendar, mail.to)
        return Delivered(provider="mailbox", reference=str(delivery_id))

    def _open(self, text: str, to: str) -> None:
        calendar = Calendar.from_ical(text)
        (entry,) = calendar.walk("VEVENT")
        assert isinstance(entry, Event)
        recipient = entry["ATTENDEE"].removeprefix("mailto:")
        assert recipient in to, "one recipient for each file"
        key = (recipient, str(entry["UID"]))
        known = self._known.get(key)
        if calendar["METHOD"] == "CANCEL":
            assert known is not None, "an entry that never was is not cancelled"
        if known is not None:
            assert entry["SEQUENCE"] > known["SEQUENCE"], "RFC 5546, 2.1.5: a smaller or equal sequence is ignored"
            assert entry["ORGANIZER"] == known["ORGANIZER"], "RFC 5546, 2.1.4: only its organizer changes an entry"
            assert entry.decoded("DTSTAMP") >= known.decoded("DTSTAMP")
        self._known[key] = entry
        if calendar["METHOD"] == "REQUEST":
            assert entry["STATUS"] == "CONFIRMED"
            self.calendars[key] = entry.decoded("DTSTART")
        else:
            self.calendars.pop(key, None)


class MailScenario(DeliveryScenario):
    """A workspace whose mail is rendered as in production."""

    def __init__(self, engine: AsyncEngine, workspace: UUID, account: UUID) -> None:
        super().__init__(engine, workspace, account)
        self.mailbox = Mailbox()
        renderer = TemplateMailRenderer(
            templates=_TEMPLATES, senders=[SenderRule(address="team@seller.example")], clock=lambda: self.now
        )
        self._destination = EmailDestination(renderer, self.mailbox, pace=PACE)

    async def resolve(self, queue: DestinationQueue) -> ConnectedQueue:
        return ConnectedQueue(queue=queue, workspace="default", destination=self._destination)


class CalcomBooking:
    """A booking at Cal.com. Its sequence is as unreliable as Cal.com's own: it may stay, or fall."""

    def __init__(self) -> None:
        self.at = MONDAY
        self.uid, self.number, self.ical_uid = "one-1", 1, "one@Cal.com"
        self.start, self.host, self.place = TUESDAY, BEN, "https://meet.example/one"
        self.emails = [PETRA]
        self.status = "ACCEPTED"

    def webhook(self, trigger: str, **more: Any) -> bytes:
        self.at += timedelta(seconds=10)
        # No calendar that is connected to Cal.com invites the attendee itself.
        fields = {"iCalUID": self.ical_uid, "status": self.status, "appsStatus": [], "destinationCalendar": None}
        fields |= {"metadata": {"videoCallUrl": self.place}}
        content = payload(self.uid, self.number, self.start, self.emails, organizer=self.host, **(fields | more))
        return body(trigger, self.at, content)

    def new_ical_uid(self) -> str:
        return f"{self.at:%M%S}@Cal.com"

    def reschedule(
        self, *, booker: str | None = None, ical_uid: str | None = None, sequence: int | None = None
    ) -> bytes:
        old_uid, self.number = self.uid, self.number + 1
        self.uid, self.start = f"one-{self.number}", self.start + timedelta(days=1)
        self.ical_uid, self.status = ical_uid or self.ical_uid, "ACCEPTED"
        self.emails = [booker or self.emails[0], *self.emails[1:]]
        return self.webhook("BOOKING_RESCHEDULED", rescheduleUid=old_uid, iCalSequence=sequence)

    def reassign(self, *, ical_uid: str | None = None) -> bytes:
        self.host = ANN if self.host == BEN else BEN
        self.ical_uid = ical_uid or self.ical_uid
        return self.webhook("BOOKING_REASSIGNED")

    def relocate(self, *, with_guest: bool | None = None) -> bytes:
        if with_guest is not None:
            self.emails = [self.emails[0], GUEST] if with_guest else [self.emails[0]]
        self.place = f"https://meet.example/{self.at:%H%M%S}"
        return self.webhook("BOOKING_LOCATION_UPDATED")

    def cancel(self, *, asks_for_another_time: bool = False) -> bytes:
        self.status = "CANCELLED"
        return self.webhook("BOOKING_CANCELLED", iCalSequence=0, requestReschedule=asks_for_another_time)


@pytest.fixture
def scenario(engine: AsyncEngine, workspace: UUID, account: UUID) -> MailScenario:
    return MailScenario(engine, workspace, account)


async def send(scenario: MailScenario, *bodies: bytes) -> None:
    """Receives the webhooks one after another, and sends the mails of each."""
    for one in bodies:
        await scenario.receive(one)
        await scenario.deliver_due(seconds=1)


def sequences(scenario: MailScenario) -> list[int]:
    return [entry.sequence for one in scenario.mailbox.mails for entry in one.calendar_entries]


async def test_the_sequence_only_grows(scenario: MailScenario) -> None:
    """F01: Cal.com's own number stays, and falls to 0 when the host asks for another time."""
    booking = CalcomBooking()
    await send(
        scenario,
        booking.webhook("BOOKING_CREATED", iCalSequence=0),
        booking.reschedule(sequence=1),
        booking.reschedule(sequence=1),
        booking.cancel(asks_for_another_time=True),
    )
    assert sequences(scenario) == [0, 1, 2, 3]
    assert scenario.mailbox.calendars == {}


async def test_calcoms_own_number_counts_if_it_is_higher(scenario: MailScenario) -> None:
    """F01."""
    booking = CalcomBooking()
    await send(scenario, booking.webhook("BOOKING_CREATED", iCalSequence=4), booking.reschedule(sequence=9))
    assert sequences(scenario) == [4, 9]


async def test_a_new_uid_leaves_no_old_entry(scenario: MailScenario) -> None:
    """F01: the uid changes with the organizer."""
    booking = CalcomBooking()
    await send(scenario, booking.webhook("BOOKING_CREATED"), booking.reassign(ical_uid="two@Cal.com"))
    kinds = {row["kind"] for row in await scenario.rows(state="delivered")}
    assert kinds == {"confirmation", "new_host", "calendar_cleanup"}
    assert scenario.mailbox.calendars == {(PETRA, "two@Cal.com"): TUESDAY}


async def test_a_new_address_leaves_no_entry_at_the_old_one(scenario: MailScenario) -> None:
    """F01: the booker moves the meeting and types another address."""
    booking = CalcomBooking()
    created = booking.webhook("BOOKING_CREATED")
    await send(scenario, created, booking.reschedule(booker=OTHER))
    assert scenario.mailbox.calendars == {(OTHER, "one@Cal.com"): TUESDAY + timedelta(days=1)}
    (cleanup,) = [one for one in scenario.mailbox.mails if PETRA in one.to and one.calendar_method == "CANCEL"]
    assert OTHER not in msgspec.json.encode(cleanup).decode(), "the old address learns nothing of the new one"


async def test_a_new_host_and_room_are_mailed(scenario: MailScenario) -> None:
    """F06: with the new link, and with the calendar entry under its old organizer."""
    booking = CalcomBooking()
    created = booking.webhook("BOOKING_CREATED")
    booking.place = "https://meet.example/other-room"
    await send(scenario, created, booking.reassign(), booking.reassign(), booking.reassign())
    assert [row["kind"] for row in await scenario.rows(state="delivered")] == ["confirmation", *(["new_host"] * 3)]
    assert "https://meet.example/other-room" in scenario.mailbox.mails[1].text
    assert sequences(scenario) == [0, 1, 2, 3]


async def test_a_request_for_another_time_says_so(scenario: MailScenario) -> None:
    """F02: it is withdrawn if the attendee has chosen a time before it is sent."""
    booking = CalcomBooking()
    await send(scenario, booking.webhook("BOOKING_CREATED"), booking.cancel(asks_for_another_time=True))
    assert [row["kind"] for row in await scenario.rows(state="delivered")] == ["confirmation", "reschedule_request"]
    await scenario.receive(booking.reschedule())
    await scenario.receive(booking.cancel(asks_for_another_time=True), booking.reschedule())
    await scenario.deliver_due(seconds=1)
    (second,) = await scenario.rows(kind="reschedule_request", state="withdrawn")
    assert second["because"] == "the meeting was moved to another time"
    assert scenario.mailbox.calendars == {(PETRA, "one@Cal.com"): TUESDAY + timedelta(days=2)}


_CHANGES: dict[str, Callable[[CalcomBooking, int | None], bytes]] = {
    "rescheduled": lambda booking, sequence: booking.reschedule(sequence=sequence),
    "rescheduled under a new uid": lambda booking, sequence: booking.reschedule(
        ical_uid=booking.new_ical_uid(), sequence=sequence
    ),
    "rescheduled by another address": lambda booking, sequence: booking.reschedule(
        booker=OTHER if booking.emails[0] == PETRA else PETRA, sequence=sequence
    ),
    "a guest comes or goes": lambda booking, _: booking.relocate(with_guest=GUEST not in booking.emails),
    "reassigned": lambda booking, _: booking.reassign(),
    "reassigned under a new uid": lambda booking, _: booking.reassign(ical_uid=booking.new_ical_uid()),
    "relocated": lambda booking, _: booking.relocate(),
    "cancelled": lambda booking, _: booking.cancel(),
    "another time requested": lambda booking, _: booking.cancel(asks_for_another_time=True),
}
# The changes, whether its mails are sent before the next one, and Cal.com's own sequence.
_HISTORIES = st.lists(
    st.tuples(st.sampled_from(sorted(_CHANGES)), st.booleans(), st.none() | st.integers(0, 3)), min_size=1, max_size=7
)


@given(history=_HISTORIES, notify_guests=st.booleans())
@history_settings(batches=20)
async def test_no_calendar_keeps_an_entry_that_no_longer_holds(
    engine: AsyncEngine, history: list[tuple[str, bool, int | None]], notify_guests: bool
) -> None:
    """F01: after any history, each attendee's calendar has the meeting as it is, and nothing else of it."""
    account = await new_account(engine)
    scenario, booking = MailScenario(engine, account.workspace_id, account.account_id), CalcomBooking()
    await scenario.set_rules(Rules(notify_guests=notify_guests))
    await send(scenario, booking.webhook("BOOKING_CREATED"))
    for change, is_sent, sequence in history:
        if booking.status == "ACCEPTED" or change.startswith("rescheduled"):
            await scenario.receive(_CHANGES[change](booking, sequence))
        if is_sent:
            await scenario.deliver_due(seconds=1)
    await scenario.deliver_due(seconds=1)
    current = {(email, booking.ical_uid): booking.start for email in booking.emails if booking.status == "ACCEPTED"}
    assert scenario.mailbox.calendars.items() <= current.items()
    assert scenario.mailbox.calendars.keys() >= {key for key in current if key[0] == booking.emails[0]}
