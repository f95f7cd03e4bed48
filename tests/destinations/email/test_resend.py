"""TE1: mail by Resend over real HTTP, and every response as an outcome (reference: Resend)."""

import asyncio
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
from icalendar import Calendar
from msgspec.structs import replace

from showup.destinations.contract import Delivered, GaveUp, TryAgain
from showup.destinations.email.client import Resend
from tests.destinations.email.sample_mail import DELIVERY, MAIL, NOW, now
from tests.destinations.fake_vendors.resend import FakeResend, ResendRefusal

HOUR = timedelta(hours=1)


@pytest.fixture
def resend(client: httpx2.AsyncClient, fake_resend: FakeResend) -> Resend:
    return Resend(client, url=fake_resend.url, key=fake_resend.key, clock=now)


async def test_a_mail_arrives_whole(resend: Resend, fake_resend: FakeResend) -> None:
    outcome = await resend.send(DELIVERY, MAIL)

    [sent] = fake_resend.sent
    assert outcome == Delivered(provider="resend", reference=sent.id)
    assert sent.key == str(DELIVERY)
    body = sent.asked
    [attached] = body.pop("attachments")
    assert body == {
        "from": MAIL.sender,
        "to": [MAIL.to],
        "subject": MAIL.subject,
        "html": MAIL.html,
        "text": MAIL.text,
        "reply_to": MAIL.reply_to,
        "headers": MAIL.headers,
        "tags": [{"name": "delivery", "value": str(DELIVERY)}],
    }
    assert attached["filename"] == "invite.ics"
    assert attached["content_type"] == "text/calendar; charset=utf-8; method=REQUEST"
    [meeting] = Calendar.from_ical(b64decode(attached["content"])).events
    assert (meeting.start.isoformat(), meeting.end.isoformat()) == (
        "2026-03-04T15:00:00+00:00",
        "2026-03-04T15:30:00+00:00",
    )


async def test_a_minimal_mail_sends_only_its_own_fields(resend: Resend, fake_resend: FakeResend) -> None:
    bare = replace(MAIL, reply_to=None, calendar=None, calendar_method=None, headers={})
    assert isinstance(await resend.send(DELIVERY, bare), Delivered)
    assert fake_resend.sent[0].asked.keys() == {"from", "to", "subject", "html", "text", "tags"}


REFUSED = [
    pytest.param("429", "limit", "You can only make 5 requests per second", 1, id="429 rate_limit_exceeded"),
    pytest.param("500", "destination", "An unexpected error occurred", None, id="500 application_error"),
    pytest.param("503", "destination", "The service is unavailable", None, id="503"),
    pytest.param("restricted", "destination", "Correct RESEND_API_KEY", None, id="401 restricted_api_key"),
    pytest.param("404", "destination", "Check RESEND_API_URL", None, id="404: it is not Resend that answers"),
    pytest.param("html", "destination", "Check RESEND_API_URL", None, id="200 with a web page"),
    pytest.param("garbled", "destination", "Showup can't read", None, id="200 with a body that is none"),
    pytest.param("reset", "destination", "closed the connection", None, id="reset before it was taken"),
    pytest.param("lost", "destination", "closed the connection", None, id="reset after it was taken"),
]


@pytest.mark.parametrize(("fault", "whose", "because", "wait"), REFUSED)
async def test_what_passes_is_tried_again(
    resend: Resend, fake_resend: FakeResend, fault: str, whose: str, because: str, wait: int | None
) -> None:
    fake_resend.faults.queue(fault)

    outcome = await resend.send(DELIVERY, MAIL)

    assert isinstance(outcome, TryAgain)
    assert outcome.fault == whose
    assert because in outcome.because
    assert outcome.not_before == (None if wait is None else NOW + timedelta(seconds=wait))
    assert isinstance(await resend.send(DELIVERY, MAIL), Delivered)
    assert len(fake_resend.sent) == 1


@pytest.mark.parametrize(("fault", "span"), [("daily", "day"), ("monthly", "month")])
async def test_a_quota_is_not_asked_again_by_seconds(
    resend: Resend, fake_resend: FakeResend, fault: str, span: str
) -> None:
    fake_resend.faults.queue(fault)  # its retry-after says one second, as for the limit of calls
    outcome = await resend.send(DELIVERY, MAIL)
    assert isinstance(outcome, TryAgain)
    assert (outcome.fault, outcome.not_before) == ("limit", NOW + HOUR)
    assert f"this {span}" in outcome.because


@pytest.mark.parametrize(
    ("fault", "words"),
    [("400", "one or more fields"), ("422", "Attachment must have")],
)
async def test_a_refused_mail_fails_permanently_with_resends_message(
    resend: Resend, fake_resend: FakeResend, fault: str, words: str
) -> None:
    fake_resend.faults.queue(fault)
    outcome = await resend.send(DELIVERY, MAIL)
    assert isinstance(outcome, GaveUp)
    assert words in outcome.because
    assert fake_resend.sent == []


async def test_an_invalid_address_fails_permanently(client: httpx2.AsyncClient) -> None:
    with FakeResend() as fake:
        outcome = await Resend(client, url=fake.url, key=fake.key, clock=now).send(DELIVERY, replace(MAIL, to="nobody"))
    assert isinstance(outcome, GaveUp)
    assert "invalid `from` or `to` field" in outcome.because


@pytest.mark.parametrize("key", ["re_wrong", "ключ", "re_two\nlines", ""])
async def test_a_wrong_key_is_a_destination_fault_and_is_redacted(
    client: httpx2.AsyncClient, fake_resend: FakeResend, key: str
) -> None:
    """The same mail is sent with the corrected key: a typo loses no mail."""
    outcome = await Resend(client, url=fake_resend.url, key=key, clock=now).send(DELIVERY, MAIL)
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == "destination"
    assert "key" in outcome.because.lower()
    assert not key or key not in outcome.because


async def test_a_sender_without_a_verified_domain_fails_alone(client: httpx2.AsyncClient) -> None:
    """TE2: other rows of the routing table may have verified domains, and their mail is sent."""
    with FakeResend(verified={"acme.example"}) as fake:
        resend = Resend(client, url=fake.url, key=fake.key, clock=now)
        unknown = await resend.send(uuid4(), replace(MAIL, sender="Sales <sales@other.example>"))
        known = await resend.send(uuid4(), MAIL)
    assert isinstance(unknown, GaveUp)
    assert "other.example domain is not verified" in unknown.because
    assert isinstance(known, Delivered)


class TestIdempotency:
    """TE1: the delivery's id is Resend's idempotency key, so Resend does not send the mail again for 24 hours."""

    async def test_a_repeat_is_answered_alike_and_sent_once(self, resend: Resend, fake_resend: FakeResend) -> None:
        first = await resend.send(DELIVERY, MAIL)
        assert await resend.send(DELIVERY, MAIL) == first
        assert len(fake_resend.sent) == 1
        assert fake_resend.absorbed == [str(DELIVERY)]

    async def test_an_answer_that_was_lost_is_no_second_mail(self, resend: Resend, fake_resend: FakeResend) -> None:
        fake_resend.faults.queue("lost")
        assert isinstance(await resend.send(DELIVERY, MAIL), TryAgain)
        [sent] = fake_resend.sent
        assert await resend.send(DELIVERY, MAIL) == Delivered(provider="resend", reference=sent.id)
        assert fake_resend.sent == [sent]

    async def test_another_mail_under_the_same_id_fails_permanently(
        self, resend: Resend, fake_resend: FakeResend
    ) -> None:
        await resend.send(DELIVERY, MAIL)
        outcome = await resend.send(DELIVERY, replace(MAIL, subject="Another"))
        assert isinstance(outcome, GaveUp)
        assert "different payload" in outcome.because
        assert len(fake_resend.sent) == 1

    async def test_a_mail_in_progress_is_retried_later(self, resend: Resend, fake_resend: FakeResend) -> None:
        fake_resend.faults.queue("hold")
        first = asyncio.create_task(resend.send(DELIVERY, MAIL))
        await asyncio.to_thread(fake_resend.in_progress.acquire)
        outcome = await resend.send(DELIVERY, MAIL)
        fake_resend.release()

        assert isinstance(outcome, TryAgain)
        assert outcome.fault == "delivery"
        assert "in progress" in outcome.because
        assert isinstance(await first, Delivered)
        assert len(fake_resend.sent) == 1

    async def test_a_day_later_the_key_is_forgotten(self, client: httpx2.AsyncClient) -> None:
        moment = NOW
        with FakeResend(clock=lambda: moment) as fake:
            resend = Resend(client, url=fake.url, key=fake.key, clock=now)
            await resend.send(DELIVERY, MAIL)
            moment += timedelta(hours=24, minutes=1)
            await resend.send(DELIVERY, MAIL)
        assert len(fake.sent) == 2


async def test_refused_connections_are_retried(client: httpx2.AsyncClient, fake_resend: FakeResend) -> None:
    """Connections are refused, then accepted again: the same client continues."""
    resend = Resend(client, url=fake_resend.url, key=fake_resend.key, clock=now)
    assert isinstance(await resend.send(uuid4(), MAIL), Delivered)
    fake_resend.stop()
    away = await resend.send(DELIVERY, MAIL)
    fake_resend.start()
    assert isinstance(away, TryAgain)
    assert away.fault == "destination"
    assert isinstance(await resend.send(DELIVERY, MAIL), Delivered)


async def test_silence(fake_resend: FakeResend) -> None:
    fake_resend.faults.queue("hang")
    async with httpx2.AsyncClient(timeout=0.2) as impatient:
        outcome = await Resend(impatient, url=fake_resend.url, key=fake_resend.key, clock=now).send(DELIVERY, MAIL)
    assert isinstance(outcome, TryAgain)
    assert (outcome.fault, outcome.not_before) == ("destination", None)
    assert "did not answer" in outcome.because


async def test_the_user_agent_is_sent(client: httpx2.AsyncClient) -> None:
    """Resend rejects requests without User-Agent; the process's client always sends it."""
    assert client.headers["User-Agent"] == "showup/1.2.3"
    with FakeResend() as fake:
        async with httpx2.AsyncClient(headers={"User-Agent": ""}) as nameless:
            outcome = await Resend(nameless, url=fake.url, key=fake.key, clock=now).send(DELIVERY, MAIL)
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == "destination"


async def test_more_than_five_a_second_are_too_many(client: httpx2.AsyncClient) -> None:
    """The fake vendor's clock does not move, so all calls are in one second."""
    with FakeResend(per_second=5, clock=now) as fake:
        resend = Resend(client, url=fake.url, key=fake.key, clock=now)
        outcomes = await asyncio.gather(*(resend.send(uuid4(), MAIL) for _ in range(8)))
    assert sum(isinstance(one, Delivered) for one in outcomes) == len(fake.sent) == 5
    assert [one.fault for one in outcomes if isinstance(one, TryAgain)] == ["limit"] * 3


def test_the_pace_is_what_a_team_may_have(resend: Resend) -> None:
    pauses = (timedelta(seconds=30), timedelta(minutes=2))
    pace = resend.pace(pauses)
    assert (pace.rate_per_second, pace.retry_after) == (5, pauses)
    assert 5 <= pace.at_once <= 10


STRANGE: list[Callable[[str], str]] = [lambda key: f"{key} is not yours", lambda _: "a\x00b\nc", lambda _: "x" * 10_000]


@pytest.mark.parametrize("words", STRANGE)
async def test_their_words_are_one_short_line_without_our_key(
    client: httpx2.AsyncClient, words: Callable[[str], str]
) -> None:
    with FakeResend() as fake:
        text = words(fake.key)
        fake.faults.queue(ResendRefusal(422, "validation_error", text).response)
        outcome = await Resend(client, url=fake.url, key=fake.key, clock=now).send(DELIVERY, MAIL)
    assert isinstance(outcome, GaveUp)
    assert fake.key not in outcome.because
    assert outcome.because.isprintable()
    assert len(outcome.because) < 400
