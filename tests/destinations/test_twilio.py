"""TE12: text messages through Twilio over real HTTP: their words, their numbers, and what each answer comes to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.destinations.contract import (
    Attempt,
    CannotRender,
    Delivered,
    Destination,
    GaveUp,
    Guest,
    Outcome,
    TryAgain,
)
from showup.destinations.twilio.connect import KIND
from showup.destinations.twilio.phone import e164
from tests.destinations.conformance.case import DELIVERY, MEETING, notice, plain_json
from tests.destinations.far.twilio import ACCOUNT, NUMBER, TOKEN, FarTwilio
from tests.destinations.wired import Freely, Wired, outfit
from tests.stories.webhooks import attendee, body, payload

PHONE = "+4915112345678"
DUE = MEETING.start_time - timedelta(hours=2)


@pytest.fixture
def far() -> Iterator[FarTwilio]:
    with FarTwilio(clock=lambda: DUE) as far:
        yield far
    assert far.wrong == []


class Ours:
    """Twilio as it is connected; settings may be changed before it is built."""

    def __init__(self, client: httpx2.AsyncClient, far: FarTwilio) -> None:
        self.client = client
        self.meter = Freely()
        self.token = TOKEN
        self.settings: dict[str, Any] = {"api_url": far.url, "account_sid": ACCOUNT, "sender": NUMBER}
        self.meeting = MEETING

    def built(self) -> Destination:
        read = KIND.read(self.settings)
        return KIND.build(read, {"auth_token": self.token}, outfit(self.client, lambda: DUE, self.meter))

    async def reminded(self, *, number: int = 1, before: timedelta = timedelta(hours=2)) -> Outcome:
        built = self.built()
        return await built.send(Attempt(delivery_id=DELIVERY, content=self.content(built, before), number=number))

    def content(self, built: Destination, before: timedelta = timedelta(hours=2)) -> dict[str, Any]:
        news = replace(notice("remind", before_seconds=round(before.total_seconds())), meeting=self.meeting)
        return plain_json(built.render(news))

    def says(self) -> str:
        text: str = self.content(self.built())["body"]
        return text

    async def examined(self) -> list[str]:
        read = KIND.read(self.settings)
        return await KIND.examine(read, {"auth_token": self.token}, outfit(self.client, lambda: DUE))


@pytest.fixture
def ours(client: httpx2.AsyncClient, far: FarTwilio) -> Ours:
    return Ours(client, far)


async def test_a_reminder_arrives_in_the_attendees_time(ours: Ours, far: FarTwilio) -> None:
    outcome = await ours.reminded()

    [sent] = far.sent
    assert outcome == Delivered(provider="twilio", reference=sent.sid)
    assert sent.asked == {
        "To": PHONE,
        "From": NUMBER,
        "Body": "Reminder: Intro call with Ben Host, Sat 2026-09-12, 11:00 (Europe/Berlin).",
        "ValidityPeriod": "7200",
    }


async def test_a_messaging_service_chooses_the_sender(ours: Ours, far: FarTwilio) -> None:
    ours.settings["sender"] = "MG" + "0" * 32
    await ours.reminded()
    assert far.sent[0].asked["MessagingServiceSid"] == ours.settings["sender"]
    assert "From" not in far.sent[0].asked


class TestWords:
    def test_whoever_knows_the_uid_can_call_the_meeting_off(self, ours: Ours) -> None:
        """A meeting at Cal.com's own rooms has it in its address."""
        assert MEETING.uid is not None
        assert MEETING.uid in str(MEETING.meeting_url)
        assert "http" not in ours.says()

    def test_another_link_is_told(self, ours: Ours) -> None:
        ours.meeting = replace(MEETING, uid="f3b1c2", meeting_url="https://meet.example/abc-defg-hij")
        assert ours.says().endswith("(Europe/Berlin). https://meet.example/abc-defg-hij")

    def test_it_stays_short(self, ours: Ours) -> None:
        ours.meeting = replace(
            MEETING,
            title="A very long title " * 20,
            organizer_name="Benjamin " * 20,
            meeting_url="https://a.example/" + "x" * 300,
        )
        assert len(ours.says()) <= 2 * 153

    def test_words_of_ones_own(self, ours: Ours) -> None:
        ours.settings["text"] = "Hi {{ guest_name }}, see you {{ day }}\nat {{ time }}"
        assert ours.says() == "Hi Ann Acme, see you Sat 2026-09-12 at 11:00"

    @pytest.mark.parametrize(
        ("text", "says"),
        [("{{ nobody }}", "'nobody' is undefined"), ("{{ ''.__class__.mro() }}", "unsafe"), (" ", "is empty")],
    )
    def test_words_that_can_not_be_filled_in(self, ours: Ours, text: str, says: str) -> None:
        ours.settings["text"] = text
        with pytest.raises(CannotRender, match=says):
            ours.says()

    def test_words_with_a_fault(self, ours: Ours) -> None:
        ours.settings["text"] = "{{ title"
        with pytest.raises(ValueError, match="text is no template"):
            ours.built()


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
    def test_who_can_not_be_reached_is_not_tried(self, ours: Ours, phone: str | None, says: str) -> None:
        ours.meeting = replace(MEETING, guest=Guest(email="ann@acme.example", phone=phone))
        with pytest.raises(CannotRender, match=says):
            ours.says()


OVER = [
    pytest.param("unsubscribed", "they answered STOP", id="21610 unsubscribed"),
    pytest.param("landlines", "can't send to the attendee's number", id="21614 no mobile number"),
]


@pytest.mark.parametrize(("who", "because"), OVER)
async def test_who_can_not_be_written_to_is_given_up(ours: Ours, far: FarTwilio, who: str, because: str) -> None:
    getattr(far, who).add(PHONE)
    outcome = await ours.reminded()
    assert isinstance(outcome, GaveUp)
    assert because in outcome.because
    assert PHONE not in outcome.because


async def test_a_sender_that_is_not_ours(ours: Ours) -> None:
    ours.settings["sender"] = "+15005550007"
    outcome = await ours.reminded()
    assert isinstance(outcome, GaveUp)
    assert "Set sender to one of the account's" in outcome.because


PASSING = [
    pytest.param("401", "destination", "TWILIO_AUTH_TOKEN", None, id="20003"),
    pytest.param("403", "destination", "Account is not active", None, id="20005"),
    pytest.param("404", "destination", "Put account_sid right", None, id="20404"),
    pytest.param("409", "delivery", "busy with this", None, id="409"),
    pytest.param("429", "limit", "takes no more for now", 1, id="20429"),
    pytest.param("503", "destination", "out of order", None, id="503"),
    pytest.param("html", "destination", "does not speak like Twilio", None, id="200 with a web page"),
    pytest.param("lost", "destination", "broke the connection off", None, id="reset after it was taken"),
]


@pytest.mark.parametrize(("fault", "whose", "because", "wait"), PASSING)
async def test_what_passes_is_tried_again_and_sent_once(
    ours: Ours, far: FarTwilio, fault: str, whose: str, because: str, wait: int | None
) -> None:
    far.faults.next(fault)
    outcome = await ours.reminded()
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == whose
    assert because in outcome.because
    assert outcome.not_before == (None if wait is None else DUE + timedelta(seconds=wait))
    again = await ours.reminded(number=2)
    assert isinstance(again, Delivered)
    assert [one.sid for one in far.sent] == [again.reference]


async def test_what_was_taken_is_found_by_its_words_and_its_day(ours: Ours, far: FarTwilio) -> None:
    """Twilio knows of no repeats: the message of another reminder of the same meeting is not taken for this one."""
    day_before = DUE - timedelta(hours=22)
    far.clock = lambda: day_before
    await ours.reminded(before=timedelta(hours=24))
    far.clock = lambda: DUE
    outcome = await ours.reminded(number=2)
    assert len(far.sent) == 2
    assert outcome == await ours.reminded(number=3)
    assert len(far.sent) == 2
    assert ours.meter.taken == 1, "the search was the delivery's own call, the message another"


async def test_a_search_that_fails_sends_nothing(ours: Ours, far: FarTwilio) -> None:
    far.faults.next("500")
    assert isinstance(await ours.reminded(number=2), TryAgain)
    assert far.sent == []


async def test_a_wrong_token_is_told_to_nobody(ours: Ours) -> None:
    ours.token = "wrong token"
    outcome = await ours.reminded()
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == "destination"
    assert ours.token not in outcome.because


class TestExamination:
    async def test_all_is_well(self, ours: Ours, far: FarTwilio) -> None:
        assert await ours.examined() == []
        assert far.sent == []

    async def test_an_account_that_is_suspended(self, ours: Ours, far: FarTwilio) -> None:
        far.status = "suspended"
        assert await ours.examined() == ["the Twilio account is suspended: it sends nothing until it is active again"]

    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"sender": "+15005550007"}, "is no number of this Twilio account"),
            ({"sender": ""}, "needs sender"),
            ({"sender": "12"}, "needs sender"),
            ({"account_sid": "AC1"}, "needs account_sid"),
            ({"account_sid": "AC" + "1" * 32}, "TWILIO_ACCOUNT_SID"),
        ],
    )
    async def test_a_fault(self, ours: Ours, settings: dict[str, Any], says: str) -> None:
        ours.settings |= settings
        [said] = await ours.examined()
        assert says in said

    @pytest.mark.parametrize("sender", ["Acme Inc", "12345", "MG" + "a" * 32])
    async def test_other_senders_are_not_asked_about(self, ours: Ours, far: FarTwilio, sender: str) -> None:
        ours.settings["sender"] = sender
        assert await ours.examined() == []
        assert not [one for one in far.calls if "IncomingPhoneNumbers" in one]


class TestOnItsWay:
    """From the webhook to the phone, with real deliveries."""

    @pytest.fixture
    async def post(self, ours: Ours, engine: AsyncEngine, workspace: Any, account: Any) -> Wired:
        post = Wired(engine, workspace, account, ours.client)
        await post.connect(KIND, ours.settings, {"auth_token": ours.token})
        return post

    async def test_reminders_go_out_by_mail_and_by_phone(self, post: Wired, far: FarTwilio) -> None:
        far.clock = post.clock
        await post.hear(_booked(post.now + timedelta(days=2), PHONE))
        await post.tell()
        assert far.sent == [], "a confirmation goes by mail only"
        await post.tell(hours=24)
        await post.tell(hours=22)
        assert [one.at for one in far.sent] == [
            datetime(2026, 9, 8, 9, 0, tzinfo=UTC),
            datetime(2026, 9, 9, 7, 0, tzinfo=UTC),
        ]
        assert post.far.kinds == ["confirm", "remind", "remind"]

    async def test_a_meeting_that_is_called_off_is_reminded_of_to_nobody(self, post: Wired, far: FarTwilio) -> None:
        start = post.now + timedelta(days=2)
        await post.hear(_booked(start, PHONE))
        await post.hear(body("BOOKING_CANCELLED", post.now, _payload(start, PHONE)))
        await post.tell(hours=48)
        assert far.sent == []
        assert {row["state"] for row in await post.rows(destination="twilio")} == {"withdrawn"}

    async def test_a_meeting_too_soon_has_none(self, post: Wired) -> None:
        await post.hear(_booked(post.now + timedelta(hours=1), PHONE))
        await post.tell(hours=1)
        assert await post.rows(destination="twilio") == []

    async def test_one_that_is_away_holds_up_no_mail(self, post: Wired, far: FarTwilio) -> None:
        far.down()
        await post.hear(_booked(post.now + timedelta(days=2), PHONE))
        await post.tell()
        await post.tell(hours=24)
        far.up()
        [first, _] = await post.rows(destination="twilio")
        assert (first["state"], post.far.kinds) == ("scheduled", ["confirm", "remind"])
        assert "can't be reached" in first["because"]


def _payload(start: datetime, phone: str) -> dict[str, Any]:
    ann = attendee("ann@acme.example", "Ann", phoneNumber=phone)
    return payload("one", 1, start, [], attendees=[ann])


def _booked(start: datetime, phone: str) -> bytes:
    return body("BOOKING_CREATED", datetime(2026, 9, 7, 9, 0, tzinfo=UTC), _payload(start, phone))
