"""How each webhook path answers: the canonical one in our own shape, the older ones in the shapes that were promised.

All of them keep and apply alike; only the words differ.
"""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.events import BookingMade
from showup.inbox.raw_event import Kept
from showup.sources.calcom.translate import Translated, Unreadable, translate
from showup.web import problems

_ONLY_POST: Final = 405


class Answer(Struct, frozen=True, kw_only=True):
    """A status and a JSON body; `retry_after` in seconds, for what may work in a moment."""

    status: int
    body: dict[str, Any]
    is_problem: bool = False
    retry_after: int | None = None


class Dialect(Struct, frozen=True, kw_only=True):
    """One path's way to answer. `signature_headers` in the order in which they are looked for."""

    kept: Callable[[Kept, bytes], Answer]
    refused: Callable[[Answer], Answer]
    signature_headers: tuple[bytes, ...] = (b"x-cal-signature-256",)


def refusal(kind: str, detail: str | None = None, *, retry_after: int | None = None) -> Answer:
    """One of PROBLEMS as an answer."""
    body = problems.body(kind, detail)
    return Answer(status=body["status"], body=body, is_problem=True, retry_after=retry_after)


def reason_of(refused: Answer) -> str:
    """Which of PROBLEMS a refusal is."""
    return str(refused.body["type"]).rpartition(":")[2]


def written(answer: Answer) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Its headers, and its body as bytes."""
    body = msgspec.json.encode(answer.body)
    kind = b"application/problem+json" if answer.is_problem else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    if answer.retry_after is not None:
        headers.append((b"retry-after", b"%d" % answer.retry_after))
    if answer.status == _ONLY_POST:
        headers.append((b"allow", b"POST"))
    return headers, body


def _canonical(kept: Kept, _body: bytes) -> Answer:
    status = "duplicate" if kept.duplicate_of is not None else "accepted"
    return Answer(status=200, body={"status": status, "id": str(kept.duplicate_of or kept.id)})


def _plain(kept: Kept, body: bytes) -> Answer:
    said = translate(body)
    if isinstance(said, Unreadable):
        return refusal("not-understood", f"{said.because}; it is kept as event {_first(kept)}")
    return _canonical(kept, body)


def _success(kept: Kept, body: bytes) -> Answer:
    said = translate(body)
    if isinstance(said, Unreadable):
        return Answer(status=400, body={"error": f"Invalid payload: {said.because}", "id": str(_first(kept))})
    return Answer(status=200, body={"success": True})


def _success_refused(refused: Answer) -> Answer:
    error = "Invalid signature" if refused.status == 401 else refused.body["detail"]
    return Answer(status=refused.status, body={"error": error}, retry_after=refused.retry_after)


def _preparing(kept: Kept, body: bytes) -> Answer:
    """202 for a new booking, 200 for news that prepares nothing, 400 for what names nobody to prepare for."""
    said = translate(body)
    event_id = str(_first(kept))
    if isinstance(said, Unreadable) and said.trigger in (None, "BOOKING_CREATED"):
        return refusal("not-understood", f"{said.because}; it is kept as event {event_id}")
    if not isinstance(said, Translated) or said.trigger != "BOOKING_CREATED":
        because = f"{said.trigger} starts no preparation; it is kept and applied all the same"
        return Answer(status=200, body={"status": "ignored", "reason": because, "event_id": event_id})
    assert isinstance(said.event, BookingMade), "BOOKING_CREATED makes a booking"
    booker = next((one for one in said.event.booking.attendees if one.email is not None), None)
    if booker is None:
        return refusal("no-attendees", f"it is kept as event {event_id}, and applied all the same")
    start = said.event.booking.start_time
    return Answer(
        status=202,
        body={
            "status": "accepted",
            "email": booker.email,
            "name": booker.name,
            "meeting_time": f"{start:%Y-%m-%dT%H:%M:%SZ}" if start is not None else None,
            "event_id": event_id,
        },
    )


def _first(kept: Kept) -> UUID:
    return kept.duplicate_of or kept.id


def _as_it_is(refused: Answer) -> Answer:
    return refused


CANONICAL: Final = Dialect(kept=_canonical, refused=_as_it_is)

# The paths that were promised before there was a canonical one, each for the default account.
OLDER_PATHS: Final[dict[str, Dialect]] = {
    "/api/webhooks/calcom": Dialect(kept=_plain, refused=_as_it_is),
    "/api/webhooks/cal": Dialect(
        kept=_success,
        refused=_success_refused,
        signature_headers=(b"x-cal-signature-256", b"x-cal-signature"),
    ),
    "/webhook/calcom-booking": Dialect(kept=_preparing, refused=_as_it_is),
}
