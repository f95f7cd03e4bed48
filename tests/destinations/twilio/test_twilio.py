"""TE12: text messages through Twilio over real HTTP: their texts, their numbers, and the outcome of each response."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2
import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import connections_store, workspaces_store
from showup.connections.setup import ConnectionSpec, amend
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import (
    Attempt,
    CannotRender,
    Delivered,
    Destination,
    GaveUp,
    Guest,
    NothingToSend,
    Outcome,
    TryAgain,
)
from showup.destinations.public_addresses import AddressPolicy
from showup.destinations.twilio.health import KIND
from showup.destinations.twilio.short_text import gsm_length
from showup.dispatch.destination_context import Clients
from showup.dispatch.destination_resolver import DestinationResolver, MailAccess
from showup.dispatch.preparation import NotConnected
from showup.outbox import suppressions
from showup.outbox.delivery import DestinationQueue
from showup.outbox.suppressions import Suppression
from showup.values.phone_number import e164
from tests.deliveries.scenario import SEAL
from tests.destinations.conformance.case import DELIVERY, MEETING, notification, plain_json
from tests.destinations.connected_scenario import ConnectedScenario, UnlimitedMeter, destination_context
from tests.destinations.email.rendered_mail import renderer
from tests.destinations.fake_vendors.twilio import ACCOUNT, NUMBER, TOKEN, FakeTwilio
from tests.histories.webhooks import attendee, body, payload

PHONE = "+4915112345678"
DUE = MEETING.start_time - timedelta(hours=2)


@pytest.fixture
def fake() -> Iterator[FakeTwilio]:
    with FakeTwilio(clock=lambda: DUE) as fake:
        yield fake


class TwilioConnection:
    """A Twilio connection; a test may change the settings before the destination is built."""

    def __init__(self, client: httpx2.AsyncClient, fake: FakeTwilio) -> None:
        self.client = client
        self.meter = UnlimitedMeter()
        self.token = TOKEN
        self.settings: dict[str, Any] = {"api_url": fake.url, "account_sid": ACCOUNT, "sender": NUMBER}
        self.meeting = MEETING

    def build(self) -> Destination:
        parsed = KIND.parse_settings(self.settings)
        return KIND.build(parsed, {"auth_token": self.token}, destination_context(self.client, lambda: DUE, self.meter))

    async def send_reminder(self, *, number: int = 1, before: timedelta = timedelta(hours=2)) -> Outcome:
        destination = self.build()
        return await destination.send(
            Attempt(delivery_id=DELIVERY, content=self.content(destination, before), number=number)
        )

    def content(self, destination: Destination, before: timedelta = timedelta(hours=2)) -> dict[str, Any]:
        reminder = replace(notification("reminder", before_seconds=round(before.total_seconds())), meeting=self.meeting)
        return plain_json(destination.render(reminder))

    def text(self) -> str:
        body: str = self.content(self.build())["body"]
        return body

    async def check_health(self) -> list[str]:
        parsed = KIND.parse_settings(self.settings)
        return await KIND.check_health(
            parsed, {"auth_token": self.token}, destination_context(self.client, lambda: DUE)
        )


@pytest.fixture
def connection(client: httpx2.AsyncClient, fake: FakeTwilio) -> TwilioConnection:
    return TwilioConnection(client, fake)


async def test_a_reminder_arrives_in_the_attendees_time(connection: TwilioConnection, fake: FakeTwilio) -> None:
    outcome = await connection.send_reminder()

    [sent] = fake.sent
    assert outcome == Delivered(provider="twilio", reference=sent.sid)
    assert sent.asked == {
        "To": PHONE,
        "From": NUMBER,
        "Body": "Ben Host, today 11:00 Berlin time.",
        "ValidityPeriod": "7200",
    }


async def test_a_messaging_service_chooses_the_sender(connection: TwilioConnection, fake: FakeTwilio) -> None:
    connection.settings["sender"] = "MG" + "0" * 32
    await connection.send_reminder()
    assert fake.sent[0].asked["MessagingServiceSid"] == connection.settings["sender"]
    assert "From" not in fake.sent[0].asked


class TestWords:
    def test_a_link_with_the_uid_is_not_sent(self, connection: TwilioConnection) -> None:
        """The URL of Cal.com's own video rooms contains the uid."""
        assert MEETING.uid is not None
        assert MEETING.uid in str(MEETING.meeting_url)
        assert "http" not in connection.text()

    def test_another_link_is_shown(self, connection: TwilioConnection) -> None:
        connection.meeting = replace(MEETING, uid="f3b1c2", meeting_url="https://meet.example/abc-defg-hij")
        assert connection.text() == "Ben Host, today 11:00 Berlin time. Join: https://meet.example/abc-defg-hij"

    def test_it_stays_short(self, connection: TwilioConnection) -> None:
        connection.meeting = replace(
            MEETING,
            title="A very long title " * 20,
            organizer_name="Benjamin " * 20,
            meeting_url="https://a.example/" + "x" * 300,
        )
        assert len(connection.text()) <= 160

    @pytest.mark.parametrize(
        "text",
        ["Hi {guest_name}, see you {day}\nat {time}", "Hi {{ guest_name }}, see you {{day}} at {{ time }}"],
        ids=["placeholders", "variables of an older version"],
    )
    def test_words_of_ones_own(self, connection: TwilioConnection, text: str) -> None:
        connection.settings["text"] = text
        assert connection.text() == "Hi Ann Acme, see you Sat, 12 Sept at 11:00"

    def test_an_unknown_value_leaves_its_place_empty(self, connection: TwilioConnection) -> None:
        connection.settings["text"] = "See you {day}. {link}"
        assert connection.text() == "See you Sat, 12 Sept."

    def test_a_value_is_never_a_text(self, connection: TwilioConnection) -> None:
        """S04: the attendee chooses the title."""
        connection.settings["text"] = "{title}"
        connection.meeting = replace(MEETING, title="{guest_name} {{ zone }} {% for x in y %}")
        assert connection.text() == "{guest_name} {{ zone }} {% for x in y %}"

    def test_an_empty_text_can_not_be_sent(self, connection: TwilioConnection) -> None:
        connection.settings["text"] = " "
        with pytest.raises(CannotRender, match="is empty"):
            connection.text()

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("{nobody}", "there is no placeholder {nobody}: use {title}, {day}, "),
            ("{{ nobody }}", "there is no placeholder {nobody}"),
            ("{{ title", "the brace at character 1"),
            ("{{ ''.__class__.mro() }}", "the brace at character 1"),
            ("{{ title * 10000000 }}", "the brace at character 1"),
            ("Hi {% for a in range(99999) %}{% endfor %}", "the brace at character 4 belongs to no placeholder"),
            ("{title!r:>1000000000}", "the brace at character 1"),
            ("x" * 1001, "it has 1001 characters: use at most 1000"),
        ],
    )
    def test_s04_a_text_is_no_program(self, connection: TwilioConnection, text: str, says: str) -> None:
        """S04: each of these was accepted, and some of them stopped every workspace's deliveries."""
        connection.settings["text"] = text
        with pytest.raises(ValueError, match=re.escape(says)):
            connection.build()


class TestOneSms:
    """A text message is one SMS: 160 letters of the GSM alphabet."""

    @pytest.mark.parametrize("locale", [None, "de", "fr", "es", "pt-BR", "nl", "it"])
    @pytest.mark.parametrize(
        "place",
        [
            {"meeting_url": "https://meet.example.com/kes-trel-42"},
            {"meeting_url": None, "location": PHONE},
            {"meeting_url": None, "location": "1420 Example Street, 2nd floor, Chicago, IL 60601"},
            {"meeting_url": None, "location": None},
        ],
        ids=["video", "phone", "in person", "unknown"],
    )
    @pytest.mark.parametrize("hours", [24, 2])
    def test_in_each_language(
        self, connection: TwilioConnection, locale: str | None, place: dict[str, Any], hours: int
    ) -> None:
        guest = replace(MEETING.guest, locale=locale)
        connection.meeting = replace(MEETING, guest=guest, organizer_name="Maximilian Featherstone", **place)
        body = connection.content(connection.build(), timedelta(hours=hours))["body"]
        assert (gsm_length(body) or 999) <= 160, body
        assert ("STOP" in body) == (hours == 24)
        assert "2026-09" not in body

    def test_a_name_outside_the_alphabet_is_left_out(self, connection: TwilioConnection) -> None:
        connection.meeting = replace(MEETING, organizer_name="Dana Tomášková")
        assert connection.text() == "Dana, today 11:00 Berlin time."
        connection.meeting = replace(MEETING, organizer_name="Łukasz Tomášek", title="Intro call")
        assert connection.text() == "Intro call, today 11:00 Berlin time."

    def test_who_calls(self, connection: TwilioConnection) -> None:
        connection.meeting = replace(MEETING, meeting_url=None, location="+49 1511 2345678")
        assert connection.text() == "Ben Host calls you today 11:00 Berlin time."

    def test_three_days_ahead_the_mail_is_enough(self, connection: TwilioConnection) -> None:
        with pytest.raises(NothingToSend, match="3 days ahead"):
            connection.content(connection.build(), timedelta(hours=72))

    @pytest.mark.parametrize(("hour", "is_sent"), [(7, False), (8, True), (20, True), (21, False), (3, False)])
    def test_it_wakes_nobody(self, connection: TwilioConnection, hour: int, is_sent: bool) -> None:
        start = datetime(2026, 9, 12, hour, 30, tzinfo=ZoneInfo("Europe/Berlin")) + timedelta(hours=2)
        connection.meeting = replace(MEETING, start_time=start.astimezone(UTC))
        if is_sent:
            assert connection.text()
        else:
            with pytest.raises(NothingToSend, match="8 to 21"):
                connection.text()


class TestNumbers:
    @pytest.mark.parametrize(
        ("typed", "number"),
        [
            ("+49 151 12345678", PHONE),
            ("0049-151-1234/5678", PHONE),
            ("+49 (0)151 12345678", PHONE),
            ("tel:+4915112345678", PHONE),
            ("+1 (415) 555-0100", "+14155550100"),
            ("0151 12345678", None),
            ("call me", None),
            ("+49", None),
            ("", None),
            (None, None),
        ],
    )
    def test_as_people_type_them(self, typed: str | None, number: str | None) -> None:
        assert e164(typed) == number

    @pytest.mark.parametrize(("phone", "says"), [(None, "left no phone number"), ("0151 1234", "no country code")])
    def test_who_can_not_be_reached_is_not_tried(
        self, connection: TwilioConnection, phone: str | None, says: str
    ) -> None:
        connection.meeting = replace(MEETING, guest=Guest(email="ann@acme.example", phone=phone))
        with pytest.raises(CannotRender, match=says):
            connection.text()


OVER = [
    pytest.param(21610, "unsubscribed with STOP", "unsubscribed", id="21610 unsubscribed"),
    *(
        pytest.param(code, "can't send to the attendee's number", "unreachable", id=f"{code} for ever")
        for code in (21211, 21217, 21265, 21614, 21635)
    ),
    *(
        pytest.param(code, "can't send to the attendee's number", None, id=f"{code} by the account or sender")
        for code in (21214, 21408, 21612)
    ),
]


@pytest.mark.parametrize(("code", "because", "reason"), OVER)
async def test_an_unreachable_recipient_fails_permanently(
    connection: TwilioConnection, fake: FakeTwilio, code: int, because: str, reason: str | None
) -> None:
    """M10: only what is true of the number itself stops later messages to it."""
    fake.refused_numbers[PHONE] = code
    outcome = await connection.send_reminder()
    assert isinstance(outcome, GaveUp)
    assert because in outcome.because
    assert PHONE not in outcome.because
    assert reason == (outcome.blocked and outcome.blocked.reason)
    assert outcome.blocked is None or (outcome.blocked.number, PHONE in outcome.blocked.because) == (PHONE, False)


async def test_a_sender_that_is_not_ours(connection: TwilioConnection) -> None:
    connection.settings["sender"] = "+15005550007"
    outcome = await connection.send_reminder()
    assert isinstance(outcome, GaveUp)
    assert "Set sender to one of the account's" in outcome.because


PASSING = [
    pytest.param("401", "destination", "TWILIO_AUTH_TOKEN", None, id="20003"),
    pytest.param("403", "destination", "Account is not active", None, id="20005"),
    pytest.param("404", "destination", "Correct account_sid", None, id="20404"),
    pytest.param("409", "delivery", "still processing another request", None, id="409"),
    pytest.param("429", "limit", "rate limit reached", 1, id="20429"),
    pytest.param("503", "destination", "unavailable", None, id="503"),
    pytest.param("html", "destination", "not Twilio's API", None, id="200 with a web page"),
    pytest.param("lost", "destination", "closed the connection", None, id="reset after it was taken"),
]


@pytest.mark.parametrize(("fault", "whose", "because", "wait"), PASSING)
async def test_what_passes_is_tried_again_and_sent_once(
    connection: TwilioConnection, fake: FakeTwilio, fault: str, whose: str, because: str, wait: int | None
) -> None:
    fake.faults.queue(fault)
    outcome = await connection.send_reminder()
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == whose
    assert because in outcome.because
    assert outcome.not_before == (None if wait is None else DUE + timedelta(seconds=wait))
    again = await connection.send_reminder(number=2)
    assert isinstance(again, Delivered)
    assert [one.sid for one in fake.sent] == [again.reference]


async def test_an_accepted_message_is_found_by_its_text_and_day(connection: TwilioConnection, fake: FakeTwilio) -> None:
    """Twilio has no idempotency keys: another reminder of the same meeting is not mistaken for this message."""
    day_before = DUE - timedelta(hours=22)
    fake.clock = lambda: day_before
    await connection.send_reminder(before=timedelta(hours=24))
    fake.clock = lambda: DUE
    outcome = await connection.send_reminder(number=2)
    assert len(fake.sent) == 2
    assert outcome == await connection.send_reminder(number=3)
    assert len(fake.sent) == 2
    assert connection.meter.taken == 1, "the dispatcher counts the search, and the meter the message"


async def test_a_search_that_fails_sends_nothing(connection: TwilioConnection, fake: FakeTwilio) -> None:
    fake.faults.queue("500")
    assert isinstance(await connection.send_reminder(number=2), TryAgain)
    assert fake.sent == []


async def test_a_wrong_token_is_redacted(connection: TwilioConnection) -> None:
    connection.token = "wrong token"
    outcome = await connection.send_reminder()
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == "destination"
    assert connection.token not in outcome.because


class TestHealthCheck:
    async def test_all_is_well(self, connection: TwilioConnection, fake: FakeTwilio) -> None:
        assert await connection.check_health() == []
        assert fake.sent == []

    async def test_an_account_that_is_suspended(self, connection: TwilioConnection, fake: FakeTwilio) -> None:
        fake.status = "suspended"
        assert await connection.check_health() == [
            "the Twilio account is suspended: it sends nothing until it is active again"
        ]

    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"sender": "+15005550007"}, "is not a number of this Twilio account"),
            ({"sender": ""}, "sender is invalid"),
            ({"sender": "12"}, "sender is invalid"),
            ({"account_sid": "AC1"}, "account_sid is not"),
            ({"account_sid": "AC" + "1" * 32}, "TWILIO_ACCOUNT_SID"),
        ],
    )
    async def test_a_fault(self, connection: TwilioConnection, settings: dict[str, Any], says: str) -> None:
        connection.settings |= settings
        [faults] = await connection.check_health()
        assert says in faults

    @pytest.mark.parametrize("sender", ["Acme Inc", "12345", "MG" + "a" * 32])
    async def test_other_senders_are_not_asked_about(
        self, connection: TwilioConnection, fake: FakeTwilio, sender: str
    ) -> None:
        connection.settings["sender"] = sender
        assert await connection.check_health() == []
        assert not [one for one in fake.calls if "IncomingPhoneNumbers" in one]


class TestDispatch:
    """From the webhook to the phone, with real deliveries."""

    @pytest.fixture
    async def scenario(
        self, connection: TwilioConnection, engine: AsyncEngine, workspace: Any, account: Any
    ) -> ConnectedScenario:
        scenario = ConnectedScenario(engine, workspace, account, connection.client)
        await scenario.connect(KIND, connection.settings, {"auth_token": connection.token})
        return scenario

    async def test_reminders_go_out_by_mail_and_by_phone(self, scenario: ConnectedScenario, fake: FakeTwilio) -> None:
        fake.clock = scenario.clock
        await scenario.receive(_booked(scenario.now + timedelta(days=2), PHONE))
        await scenario.deliver_due()
        assert fake.sent == [], "a confirmation is sent by mail only"
        await scenario.deliver_due(hours=24)
        await scenario.deliver_due(hours=22)
        assert [one.at for one in fake.sent] == [
            datetime(2026, 9, 8, 9, 0, tzinfo=UTC),
            datetime(2026, 9, 9, 7, 0, tzinfo=UTC),
        ]
        assert scenario.fake_destination.kinds == ["confirmation", "reminder", "reminder"]

    async def test_a_cancelled_meeting_is_texted_once_and_sends_no_reminder(
        self, scenario: ConnectedScenario, fake: FakeTwilio
    ) -> None:
        start = scenario.now + timedelta(days=2)
        await scenario.receive(_booked(start, PHONE))
        await scenario.receive(body("BOOKING_CANCELLED", scenario.now, _payload(start, PHONE)))
        await scenario.deliver_due()
        await scenario.deliver_due(hours=48)
        (sent,) = fake.sent
        assert " is off: " in sent.asked["Body"]
        rows = await scenario.rows(destination="twilio", kind="reminder")
        assert {row["state"] for row in rows} == {"withdrawn"}

    async def test_a_number_that_answered_stop_is_tried_once(
        self, scenario: ConnectedScenario, fake: FakeTwilio
    ) -> None:
        """M10: the reminders after the first one aren't tried, and go on once a person removes the suppression."""
        fake.clock = scenario.clock
        fake.unsubscribed.add(PHONE)
        await scenario.receive(_booked(scenario.now + timedelta(days=2), "0049 151 1234-5678"))
        await scenario.receive(_booked(scenario.now + timedelta(days=3), PHONE, "two", 2))
        await scenario.deliver_due()
        await scenario.deliver_due(hours=24)
        tried = len(fake.calls)
        await scenario.deliver_due(hours=22)
        await scenario.deliver_due(hours=2)
        first, second, third, _ = await scenario.rows(destination="twilio")
        assert (first["state"], "unsubscribed with STOP" in first["because"]) == ("failed", True)
        for later in (second, third):
            assert (later["state"], later["because"]) == (
                "skipped",
                "the attendee answered STOP to an earlier text message",
            )
        assert (len(fake.calls), fake.sent) == (tried, [])
        async with transaction(scenario.engine) as tx:
            connection = await driver_connection(tx)
            [stored] = await connection.fetch("SELECT * FROM suppressions")
            assert (stored["phone"], stored["email"], stored["reason"], stored["scope"], stored["delivery_id"]) == (
                *(PHONE, None, "unsubscribed", "all"),
                first["id"],
            )
            await suppressions.remove(connection, stored["id"])
        fake.unsubscribed.clear()
        await scenario.deliver_due(hours=22)
        assert [one.asked["To"] for one in fake.sent] == [PHONE]

    async def test_a_suppressed_number_is_one_workspaces_own(
        self, scenario: ConnectedScenario, fake: FakeTwilio
    ) -> None:
        """M10: STOP to one brand's sender says nothing about another's."""
        fake.clock = scenario.clock
        async with transaction(scenario.engine) as tx:
            stopped = Suppression(scope="all", reason="unsubscribed", because="STOP")
            other = await workspaces_store.add(tx, slug="other", name="Other")
            await suppressions.add_number(await driver_connection(tx), other.id, PHONE, stopped, at=scenario.now)
        await scenario.receive(_booked(scenario.now + timedelta(days=2), PHONE))
        await scenario.deliver_due()
        await scenario.deliver_due(hours=24)
        assert len(fake.sent) == 1

    async def test_a_meeting_too_soon_has_none(self, scenario: ConnectedScenario) -> None:
        await scenario.receive(_booked(scenario.now + timedelta(hours=1), PHONE))
        await scenario.deliver_due(hours=1)
        assert await scenario.rows(destination="twilio") == []

    async def test_s04_a_stored_loop_is_never_run(
        self, connection: TwilioConnection, engine: AsyncEngine, workspace: UUID
    ) -> None:
        """S04: an earlier version accepted it. The queue waits and says why; nothing else does."""
        loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
        async with transaction(engine) as tx:
            await connections_store.upsert(
                tx,
                SEAL,
                workspace_id=workspace,
                kind="twilio",
                name="main",
                settings=connection.settings | {"text": loop},
                credentials={"auth_token": TOKEN},
            )
        resolver = DestinationResolver(
            engine,
            SEAL,
            lambda: DUE,
            clients=Clients(
                trusted=connection.client,
                untrusted=connection.client,
                address_policy=AddressPolicy(allow_private=True),
            ),
            environment=MailAccess(resend_url="http://127.0.0.1:1"),
            renderer=lambda _: renderer(),
            retry_after=(),
        )
        queue = DestinationQueue(workspace_id=workspace, destination="twilio")
        with pytest.raises(NotConnected, match="`text`: the brace at character 1 belongs to no placeholder"):
            await resolver.resolve(queue)
        spec = ConnectionSpec(
            workspace_id=workspace, kind="twilio", name="main", settings={"text": None, "paused": True}
        )
        async with transaction(engine) as tx:
            await amend(tx, SEAL, spec, DUE, actor="ann")
        with pytest.raises(NotConnected, match="a person paused twilio: resume it on the page Connections"):
            await resolver.resolve(queue)
        async with transaction(engine) as tx:
            await amend(tx, SEAL, replace(spec, settings={"paused": None}), DUE, actor="ann")
        assert (await resolver.resolve(queue)).queue == queue

    async def test_one_that_is_away_holds_up_no_mail(self, scenario: ConnectedScenario, fake: FakeTwilio) -> None:
        fake.stop()
        await scenario.receive(_booked(scenario.now + timedelta(days=2), PHONE))
        await scenario.deliver_due()
        await scenario.deliver_due(hours=24)
        fake.start()
        [first, _] = await scenario.rows(destination="twilio")
        assert (first["state"], scenario.fake_destination.kinds) == ("scheduled", ["confirmation", "reminder"])
        assert "can't be reached" in first["because"]


def _payload(start: datetime, phone: str, uid: str = "one", number: int = 1) -> dict[str, Any]:
    return payload(uid, number, start, [attendee("ann@acme.example", "Ann", phone=phone)])


def _booked(start: datetime, phone: str, uid: str = "one", number: int = 1) -> bytes:
    return body("BOOKING_CREATED", datetime(2026, 9, 7, 9, 0, tzinfo=UTC), _payload(start, phone, uid, number))


@pytest.mark.parametrize(
    ("kind", "changes", "text"),
    [
        ("rescheduled", {}, "Your meeting with Ben Host is now {when}. Reply STOP to opt out"),
        ("rescheduled", {"organizer_name": "b@host.example"}, "{title} is now {when}. Reply STOP to opt out"),
        ("cancelled", {}, "Your meeting with Ben Host is off: {when}. Reply STOP to opt out"),
        (
            "reschedule_request",
            {},
            "Ben Host can't make {when}. Our mail has the link to another time. Reply STOP to opt out",
        ),
    ],
)
def test_a_change_is_texted(connection: TwilioConnection, kind: str, changes: dict[str, Any], text: str) -> None:
    meeting = replace(MEETING, meeting_url=None, location=None, **changes)
    sent = plain_json(connection.build().render(replace(notification(kind), meeting=meeting, decided_at=DUE)))
    title = meeting.event_type_title or meeting.title
    assert sent["body"] == text.format(when=re.search(r"\w+, \d.*? time", sent["body"])[0], title=title)  # type: ignore[index]
    assert (gsm_length(sent["body"]) or 999) <= 160
    assert (sent["to"], sent["due_at"]) == (PHONE, DUE.isoformat().replace("+00:00", "Z"))


def test_no_text_about_an_own_change_or_at_night(connection: TwilioConnection) -> None:
    destination = connection.build()
    own = replace(MEETING, cancelled_by=MEETING.guest.email.upper())
    with pytest.raises(NothingToSend, match="the attendee made this change"):
        destination.render(replace(notification("cancelled"), meeting=own, decided_at=DUE))
    night = DUE.replace(hour=1)
    with pytest.raises(NothingToSend, match="text messages go from 8 to 21"):
        destination.render(replace(notification("rescheduled"), meeting=MEETING, decided_at=night))


def test_changes_can_be_left_out() -> None:
    settings: dict[str, Any] = {"account_sid": ACCOUNT, "sender": NUMBER}
    assert KIND.subscribed_events(KIND.parse_settings(settings)) >= {"reminder", "rescheduled", "cancelled"}
    assert KIND.subscribed_events(KIND.parse_settings(settings | {"changes": False})) == {"reminder"}
