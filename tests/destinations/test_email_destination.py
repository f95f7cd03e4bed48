"""Mail as a destination: rendered once, stored as JSON, sent from there (TE1, TE3)."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from showup.destinations.contract import Attempt, Delivered, Destination, GaveUp, Guest, Meeting, Notice
from showup.destinations.email.destination import EmailDestination
from showup.destinations.email.mail import Mail
from showup.destinations.email.outbox import Outbox
from tests.destinations.mails import DELIVERY, MAIL

PAUSES = (timedelta(seconds=30), timedelta(minutes=2))
NOTICE = Notice(
    delivery_id=DELIVERY,
    workspace="default",
    kind="confirm",
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


class Written:
    """A renderer that has its mail ready."""

    def render(self, notice: Notice) -> Mail:
        assert notice is NOTICE
        return MAIL


class Kept:
    """A carrier that shows what it was given."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.pace = Outbox().pace

    async def send(self, delivery_id: object, mail: Mail) -> Delivered:
        assert delivery_id == DELIVERY
        self.mails.append(mail)
        return Delivered(provider="kept")


async def test_what_was_rendered_comes_back_from_storage_word_by_word() -> None:
    carrier = Kept()
    destination: Destination = EmailDestination(Written(), carrier, pace=carrier.pace(PAUSES))
    stored = json.loads(json.dumps(destination.render(NOTICE)))
    assert await destination.send(Attempt(delivery_id=DELIVERY, content=stored)) == Delivered(provider="kept")
    assert carrier.mails == [MAIL]


async def test_the_outbox_takes_everything_and_keeps_the_users_pauses() -> None:
    outbox = Outbox()
    destination = EmailDestination(Written(), outbox, pace=outbox.pace(PAUSES))
    assert await destination.send(Attempt(delivery_id=DELIVERY, content=destination.render(NOTICE))) == Delivered(
        provider="outbox"
    )
    assert destination.pace.retry_after == PAUSES


async def test_content_that_is_no_mail_is_given_up() -> None:
    outbox = Outbox()
    destination = EmailDestination(Written(), outbox, pace=outbox.pace(PAUSES))
    outcome = await destination.send(Attempt(delivery_id=DELIVERY, content={"to": 1}))
    assert isinstance(outcome, GaveUp)
    assert "stored mail" in outcome.because
