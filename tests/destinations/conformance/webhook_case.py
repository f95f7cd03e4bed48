"""Outgoing webhooks in the suite. Whoever gets one knows it by its id, so the same id with the same body is one."""

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
    effects=lambda fake: Counter({f"{one.id} {one.body.decode()}" for one in fake.received}),
    secrets=lambda _: (_SECRET, _SECRET.removeprefix("whsec_")),
    notification=notification("booking.created"),
    # Somebody mends their endpoint, and it is told what it missed: nothing is given up before its day is over.
    means={"404": "destination", "409": "delivery", "422": "delivery"},
    exceptions={
        "openapi": "it is ours: the far side verifies it by Standard Webhooks, as its reader would",
        "any 2xx": "whatever a reader answers with a 2xx, it has taken the message",
        "html": "whatever a reader answers with a 2xx, it has taken the message",
        "own patience": "it waits no longer than its 15 seconds, whatever its client would do",
        "limit without a word": "a 429 that names no time fails like any other answer, and pauses grow",
    },
)
