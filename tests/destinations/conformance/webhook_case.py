"""Outgoing webhooks in the suite. A receiver identifies a webhook by its id: the same id with the same body is one."""

from collections import Counter

from showup.destinations.contract import Destination
from showup.destinations.destination_kind import DestinationContext
from showup.destinations.webhook.destination import WebhookDestination
from tests.destinations.conformance.case import Case, notification
from tests.destinations.fake_vendors.webhook import FakeWebhookReceiver

_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_ENDPOINT = "webhook:9b7b1c1e-6a0e-4d39-9a3e-5f1f8f1f0001"


def build_webhook(_: FakeWebhookReceiver, url: str, context: DestinationContext) -> Destination:
    return WebhookDestination(context.client, url=url, secrets=(_SECRET,), clock=context.clock)


WEBHOOK = Case(
    name="webhook",
    kind="webhook",
    destination=_ENDPOINT,
    start=lambda _: FakeWebhookReceiver(_SECRET, now=False),
    build=build_webhook,
    effects=lambda fake: Counter({f"{one.id} {one.body.decode()}" for one in fake.accepted}),
    secrets=lambda _: (_SECRET, _SECRET.removeprefix("whsec_")),
    notification=notification("booking.created"),
    # A repaired endpoint receives the missed webhooks: no delivery fails within a day.
    means={"404": "destination", "409": "delivery", "422": "delivery"},
    exceptions={
        "openapi": "Showup defines the request; the fake receiver verifies it by Standard Webhooks",
        "any 2xx": "any 2xx of a receiver accepts the message",
        "html": "any 2xx of a receiver accepts the message",
        "own patience": "its own timeout is 15 seconds, shorter than its client's",
        "limit without a word": "a 429 without a time fails like any other response, and pauses grow",
    },
)
