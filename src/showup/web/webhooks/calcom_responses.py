"""Response formats of the webhook paths: the canonical path has our own format, the older ones their promised formats.

All paths store and process events alike; only the response bodies differ.
"""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.events.booking import BookingMade
from showup.events.translation import Translated, Unreadable
from showup.inbox.inbox_event import Stored
from showup.sources.calcom.translate import translate
from showup.web.http import problems

_METHOD_NOT_ALLOWED: Final = 405


class WebhookResponse(Struct, frozen=True, kw_only=True):
    """A status and a JSON body; `retry_after` in seconds, for temporary problems."""

    status: int
    body: dict[str, Any]
    is_problem: bool = False
    retry_after: int | None = None


class ResponseFormat(Struct, frozen=True, kw_only=True):
    """The response format of one path; `signature_headers` in the order in which they are checked."""

    format_stored: Callable[[Stored, bytes], WebhookResponse]
    format_refusal: Callable[[WebhookResponse], WebhookResponse]
    signature_headers: tuple[bytes, ...] = (b"x-cal-signature-256",)


def refusal_response(kind: str, detail: str | None = None, *, retry_after: int | None = None) -> WebhookResponse:
    """Return the response for a problem type from PROBLEMS."""
    body = problems.problem_body(kind, detail)
    return WebhookResponse(status=body["status"], body=body, is_problem=True, retry_after=retry_after)


def problem_type_of(response: WebhookResponse) -> str:
    """Return the problem type of a refusal."""
    return str(response.body["type"]).rpartition(":")[2]


def encode_response(response: WebhookResponse) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the headers, and the body as bytes."""
    body = msgspec.json.encode(response.body)
    kind = b"application/problem+json" if response.is_problem else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    if response.retry_after is not None:
        headers.append((b"retry-after", b"%d" % response.retry_after))
    if response.status == _METHOD_NOT_ALLOWED:
        headers.append((b"allow", b"POST"))
    return headers, body


def _canonical_stored(stored: Stored, _body: bytes) -> WebhookResponse:
    status = "duplicate" if stored.duplicate_of is not None else "accepted"
    return WebhookResponse(status=200, body={"status": status, "id": str(stored.duplicate_of or stored.id)})


def _plain_stored(stored: Stored, body: bytes) -> WebhookResponse:
    translation = translate(body)
    if isinstance(translation, Unreadable):
        return refusal_response("not-understood", f"{translation.because}; stored as event {_original_id(stored)}")
    return _canonical_stored(stored, body)


def _success_stored(stored: Stored, body: bytes) -> WebhookResponse:
    translation = translate(body)
    if isinstance(translation, Unreadable):
        return WebhookResponse(
            status=400, body={"error": f"Invalid payload: {translation.because}", "id": str(_original_id(stored))}
        )
    return WebhookResponse(status=200, body={"success": True})


def _success_refused(response: WebhookResponse) -> WebhookResponse:
    error = "Invalid signature" if response.status == 401 else response.body["detail"]
    return WebhookResponse(status=response.status, body={"error": error}, retry_after=response.retry_after)


def _preparation_stored(stored: Stored, body: bytes) -> WebhookResponse:
    """Return 202 for a new booking, 200 for an event that prepares nothing, 400 if the event names no attendee."""
    translation = translate(body)
    event_id = str(_original_id(stored))
    if isinstance(translation, Unreadable) and translation.trigger in (None, "BOOKING_CREATED"):
        return refusal_response("not-understood", f"{translation.because}; stored as event {event_id}")
    if not isinstance(translation, Translated) or translation.trigger != "BOOKING_CREATED":
        reason = f"{translation.trigger} does not start a preparation; Showup stored the event and will process it"
        return WebhookResponse(status=200, body={"status": "ignored", "reason": reason, "event_id": event_id})
    assert isinstance(translation.event, BookingMade), "BOOKING_CREATED translates to BookingMade"
    booker = next((attendee for attendee in translation.event.booking.attendees if attendee.email is not None), None)
    if booker is None:
        return refusal_response("no-attendees", f"Showup stored the event as {event_id} and will process it.")
    start = translation.event.booking.start_time
    return WebhookResponse(
        status=202,
        body={
            "status": "accepted",
            "email": booker.email,
            "name": booker.name,
            "meeting_time": f"{start:%Y-%m-%dT%H:%M:%SZ}" if start is not None else None,
            "event_id": event_id,
        },
    )


def _original_id(stored: Stored) -> UUID:
    return stored.duplicate_of or stored.id


def _unchanged(response: WebhookResponse) -> WebhookResponse:
    return response


CANONICAL: Final = ResponseFormat(format_stored=_canonical_stored, format_refusal=_unchanged)

# Older paths that remain supported, each for the default account.
LEGACY_PATHS: Final[dict[str, ResponseFormat]] = {
    "/api/webhooks/calcom": ResponseFormat(format_stored=_plain_stored, format_refusal=_unchanged),
    "/api/webhooks/cal": ResponseFormat(
        format_stored=_success_stored,
        format_refusal=_success_refused,
        signature_headers=(b"x-cal-signature-256", b"x-cal-signature"),
    ),
    "/webhook/calcom-booking": ResponseFormat(format_stored=_preparation_stored, format_refusal=_unchanged),
}
