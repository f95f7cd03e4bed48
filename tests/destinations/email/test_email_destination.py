"""TE1, TE3: a mail is rendered once, stored as JSON, and sent from there."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from showup.destinations.contract import Attempt, Delivered, Destination, GaveUp, Guest, Meeting, Notification
from showup.destinations.email.destination import EmailDestination, Mail, MailPreview
from tests.destinations.email.sample_mail import DELIVERY, MAIL

PAUSES = (timedelta(seconds=30), timedelta(minutes=2))
NOTIFICATION = Notification(
    delivery_id=DELIVERY,
    workspace="default",
    kind="confirmation",
    details={},
    meeting=Meeting(
        booking_id=uuid4(),
        version=1,
        status="accepted",
        title="Intro",
        start_time=datetime(2026, 3, 4, 15, tzinfo=UTC),
        end_time=None,
        guest=Guest(email="juergen@client.example"),
    ),
)


class ReadyRenderer:
    """A renderer that returns a prepared mail."""

    def render(self, notification: Notification) -> Mail:
        assert notification is NOTIFICATION
        return MAIL


class RecordingTransport:
    """A transport that records its mails."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.pace = MailPreview().pace

    async def send(self, delivery_id: object, mail: Mail) -> Delivered:
        assert delivery_id == DELIVERY
        self.mails.append(mail)
        return Delivered(provider="kept")


async def test_what_was_rendered_comes_back_from_storage_word_by_word() -> None:
    transport = RecordingTransport()
    destination: Destination = EmailDestination(ReadyRenderer(), transport, pace=transport.pace(PAUSES))
    stored = json.loads(json.dumps(destination.render(NOTIFICATION)))
    assert await destination.send(Attempt(delivery_id=DELIVERY, content=stored)) == Delivered(provider="kept")
    assert transport.mails == [MAIL]


async def test_the_mail_preview_accepts_everything_and_uses_the_users_pauses() -> None:
    preview = MailPreview()
    destination = EmailDestination(ReadyRenderer(), preview, pace=preview.pace(PAUSES))
    assert await destination.send(Attempt(delivery_id=DELIVERY, content=destination.render(NOTIFICATION))) == Delivered(
        provider="mail_preview"
    )
    assert destination.pace.retry_after == PAUSES


async def test_content_that_is_not_a_mail_fails_permanently() -> None:
    preview = MailPreview()
    destination = EmailDestination(ReadyRenderer(), preview, pace=preview.pace(PAUSES))
    outcome = await destination.send(Attempt(delivery_id=DELIVERY, content={"to": 1}))
    assert isinstance(outcome, GaveUp)
    assert "stored mail" in outcome.because
