"""TE8: outgoing webhooks over real HTTP, verified as receivers do, and every response as an outcome."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from showup.destinations.contract import Attempt, CannotRender, Delivered, Guest, Meeting, Notification, TryAgain
from showup.destinations.webhook.destination import WebhookDestination, sign_headers
from showup.destinations.webhook.render import content
from showup.destinations.webhook.settings import KINDS, PING, expand, make_secret
from tests.destinations.fake_vendors.webhook import FakeWebhookReceiver

DELIVERY = UUID("0d5fbb0e-7a0c-4e0e-9a55-6a3b6f1f6a01")
BOOKING = UUID("5d2c9b1e-7a84-5e3f-b6c0-d1e2f3a4b5c6")
AT = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
SECRET = make_secret()
MEETING = Meeting(
    booking_id=BOOKING,
    version=1,
    status="ACCEPTED",
    title="Kennenlernen mit Jürgen",
    start_time=AT + timedelta(days=5),
    end_time=AT + timedelta(days=5, minutes=30),
    guest=Guest(email="ann@acme.example", name="Ann", time_zone="Europe/Berlin", phone="+4915112345678"),
    uid="a-uid-that-cancels",
    seat_uid="a-seat-that-cancels",
    organizer_email="ben@outbound.example",
    booker_url="https://cal.example/a-uid-that-cancels",
    company_name="Acme",
    company_domain="acme.example",
    answers={"budget": "10k"},
)
NOTIFICATION = Notification(
    delivery_id=DELIVERY,
    workspace="default",
    kind="booking.rescheduled",
    details={"old_start_time": "2026-09-10T09:00:00Z"},
    meeting=MEETING,
    decided_at=AT,
)


@pytest.mark.parametrize("hidden", [True, False])
def test_f03_a_hidden_organizers_address_is_sent_to_operators_with_a_warning(hidden: bool) -> None:
    """F03: an endpoint is the operator's; what it does with the address is theirs to decide, so they must know."""
    meeting = replace(MEETING, organizer_email_hidden=hidden)
    booking = content(replace(NOTIFICATION, meeting=meeting))["data"]["booking"]
    assert booking["organizer"]["email"] == "ben@outbound.example"
    assert booking["organizer_email_hidden"] is hidden


@pytest.fixture
def fake() -> Any:
    with FakeWebhookReceiver(SECRET) as fake:
        yield fake


@pytest.fixture
def webhook(client: httpx2.AsyncClient, fake: FakeWebhookReceiver) -> WebhookDestination:
    return WebhookDestination(client, url=fake.url, secrets=[SECRET], clock=lambda: datetime.now(UTC))


def attempt(webhook: WebhookDestination, notification: Notification = NOTIFICATION) -> Attempt:
    # As the database returns it.
    return Attempt(delivery_id=DELIVERY, content=json.loads(json.dumps(webhook.render(notification))))


async def test_a_reader_verifies_it_and_reads_the_booking(
    webhook: WebhookDestination, fake: FakeWebhookReceiver
) -> None:
    assert await webhook.send(attempt(webhook)) == Delivered(provider="webhook")
    [received] = fake.accepted
    assert received.id == str(DELIVERY)
    payload = received.payload
    assert (payload["type"], payload["timestamp"]) == ("booking.rescheduled", "2026-09-07T09:00:00Z")
    assert payload["data"]["workspace"] == "default"
    assert payload["data"]["old_start_time"] == "2026-09-10T09:00:00Z"
    booking = payload["data"]["booking"]
    assert (booking["id"], booking["title"]) == (str(BOOKING), "Kennenlernen mit Jürgen")
    assert booking["start_time"] == "2026-09-12T09:00:00Z"
    assert booking["attendee"] == {
        "email": "ann@acme.example",
        "name": "Ann",
        "time_zone": "Europe/Berlin",
        "phone": "+4915112345678",
        "confirmed_at": None,
    }
    assert booking["company"] == {"name": "Acme", "domain": "acme.example"}
    assert booking["attendance"] == {"state": "unreported", "evidence": None}
    assert booking["answers"] == {"budget": "10k"}


def test_nothing_that_could_cancel_the_meeting_is_in_it(webhook: WebhookDestination) -> None:
    room = "https://app.cal.com/video/a-uid-that-cancels"
    rendered = webhook.render(replace(NOTIFICATION, meeting=replace(MEETING, meeting_url=room, location=room)))
    assert "that-cancels" not in json.dumps(rendered)
    elsewhere = "https://zoom.example/j/1"
    rendered = webhook.render(replace(NOTIFICATION, meeting=replace(MEETING, meeting_url=elsewhere)))
    assert rendered["data"]["booking"]["meeting_url"] == elsewhere


@pytest.mark.parametrize(
    ("attended", "host_absent", "state"),
    [(True, False, "showed"), (False, False, "no_show"), (None, True, "host_absent"), (None, False, "unreported")],
)
def test_attendance_uses_the_words_of_the_api(
    webhook: WebhookDestination, attended: bool | None, host_absent: bool, state: str
) -> None:
    meeting = replace(MEETING, attended=attended, host_absent=host_absent, company_name=None, company_domain=None)
    booking = webhook.render(replace(NOTIFICATION, meeting=meeting))["data"]["booking"]
    assert (booking["attendance"]["state"], booking["company"]) == (state, None)


def test_a_deal_is_sent_as_it_was(webhook: WebhookDestination) -> None:
    details = {"deal": {"id": "x"}, "change": {"stage": ["booked", "met"]}}
    payload = webhook.render(replace(NOTIFICATION, kind="deal.stage_changed", meeting=None, details=details))
    assert payload["data"] == {"workspace": "default", **details}


def test_what_is_about_no_booking_and_no_deal_is_for_others(webhook: WebhookDestination) -> None:
    with pytest.raises(CannotRender):
        webhook.render(replace(NOTIFICATION, kind="delivery.failed", meeting=None))


async def test_each_attempt_has_a_new_signature_over_the_same_body_and_id(
    fake: FakeWebhookReceiver, client: httpx2.AsyncClient
) -> None:
    moments = [datetime.now(UTC) - timedelta(minutes=2), datetime.now(UTC)]
    webhook = WebhookDestination(client, url=fake.url, secrets=[SECRET], clock=lambda: moments[0])
    fake.faults.queue("lost")
    assert isinstance(await webhook.send(attempt(webhook)), TryAgain)
    del moments[0]
    assert isinstance(await webhook.send(attempt(webhook)), Delivered)
    first, second = fake.accepted
    assert (first.id, first.body) == (second.id, second.body)
    assert second.timestamp - first.timestamp >= 119
    assert first.signatures != second.signatures


async def test_while_a_secret_is_rotated_both_verify(fake: FakeWebhookReceiver, client: httpx2.AsyncClient) -> None:
    fresh = make_secret()
    webhook = WebhookDestination(client, url=fake.url, secrets=[fresh, SECRET], clock=lambda: datetime.now(UTC))
    await webhook.send(attempt(webhook))
    fake.secret = fresh
    await webhook.send(attempt(webhook))
    assert [len(one.signatures) for one in fake.accepted] == [2, 2]


def test_another_secret_another_body_and_another_time_do_not_verify() -> None:
    body = b'{"type":"ping"}'
    headers = sign_headers([SECRET], str(DELIVERY), datetime.now(UTC), body)
    Webhook(SECRET).verify(body, headers)
    old = sign_headers([SECRET], str(DELIVERY), datetime.now(UTC) - timedelta(minutes=6), body)
    for secret, signed_body, signature in [
        (make_secret(), body, headers),
        (SECRET, b'{"type":"pong"}', headers),
        (SECRET, body, headers | {"webhook-id": "another"}),
        (SECRET, body, old),
    ]:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(signed_body, signature)


ANSWERS = {
    "302": ("destination", "does not follow redirects"),
    "400": ("delivery", 'answered 400 ({"error": "out of order"})'),
    "401": ("destination", "answered 401"),
    "404": ("destination", "answered 404"),
    "409": ("delivery", "answered 409"),
    "410": ("gone", "accepts no more webhooks"),
    "422": ("delivery", "answered 422"),
    "429": ("limit", "rate limit reached"),
    "500": ("destination", "answered 500"),
    "503": ("destination", "answered 503"),
    "reset": ("destination", "closed the connection"),
    "lost": ("destination", "closed the connection"),
}


@pytest.mark.parametrize(("fault", "means"), ANSWERS.items())
async def test_every_other_response_is_a_failure_with_its_reason(
    webhook: WebhookDestination, fake: FakeWebhookReceiver, fault: str, means: tuple[str, str]
) -> None:
    fake.faults.queue(fault)
    outcome = await webhook.send(attempt(webhook))
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == means[0]
    assert means[1] in outcome.because
    assert len(fake.requests) == 1, "a redirection is not followed"


async def test_any_2xx_is_taken(webhook: WebhookDestination, fake: FakeWebhookReceiver) -> None:
    for status in ("html", "200", "201", "202"):
        fake.faults.queue(status)
        assert isinstance(await webhook.send(attempt(webhook)), Delivered)


async def test_an_unreachable_endpoint_is_retried(webhook: WebhookDestination, fake: FakeWebhookReceiver) -> None:
    fake.stop()
    outcome = await webhook.send(attempt(webhook))
    assert isinstance(outcome, TryAgain)
    assert (outcome.fault, "can't be reached" in outcome.because) == ("destination", True)


def test_attempts_are_spread_over_a_day(webhook: WebhookDestination) -> None:
    pauses = webhook.pace.retry_after
    assert list(pauses) == sorted(pauses)
    assert timedelta(hours=12) < sum(pauses, timedelta()) < timedelta(days=1)


def test_groups_of_kinds_are_written_with_a_star() -> None:
    assert set(expand(["*"])) == set(KINDS)
    assert set(expand(["deal.*"])) == {kind for kind in KINDS if kind.startswith("deal.")}
    assert expand(["deal.won", "booking.created", "deal.won"]) == ("booking.created", "deal.won")
    for wrong in ("deal.wun", "booking", "x.*", PING, "", "[a-z]*"):
        with pytest.raises(ValueError, match="not an event type"):
            expand(["deal.won", wrong])
