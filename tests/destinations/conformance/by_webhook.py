"""Outgoing webhooks in the suite. Whoever gets one knows it by its id, so the same id with the same body is one."""

from collections import Counter

from showup.destinations.contract import Destination
from showup.destinations.kind import Outfit
from showup.destinations.webhook.destination import WebhookDestination
from tests.destinations.conformance.case import Case, notice
from tests.destinations.far.webhook import FarWebhook

_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_ENDPOINT = "webhook:9b7b1c1e-6a0e-4d39-9a3e-5f1f8f1f0001"


def _by_webhook(_: FarWebhook, url: str, outfit: Outfit) -> Destination:
    return WebhookDestination(outfit.client, url=url, secrets=(_SECRET,), clock=outfit.clock)


WEBHOOK = Case(
    name="webhook",
    kind="webhook",
    destination=_ENDPOINT,
    start=lambda _: FarWebhook(_SECRET, now=False),
    build=_by_webhook,
    effects=lambda far: Counter({f"{one.id} {one.body.decode()}" for one in far.heard}),
    secrets=lambda _: (_SECRET, _SECRET.removeprefix("whsec_")),
    notice=notice("booking.created"),
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
