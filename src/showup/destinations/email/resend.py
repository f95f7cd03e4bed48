"""Mail by Resend's API. A repeat within 24 hours has no effect there: the delivery's id is the idempotency key."""

from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2

from showup.clock import Clock
from showup.destinations.contract import Delivered, GaveUp, Outcome, Pace, TryAgain
from showup.destinations.email.mail import Mail
from showup.destinations.retry_after import not_before
from showup.destinations.wire import parsed, plain, unanswered

_QUOTAS = {"daily_quota_exceeded": "day", "monthly_quota_exceeded": "month"}
# Their headers speak of the limit a second then. An hour: a bigger plan, or the next day, is felt soon enough.
_QUOTA_PAUSE = timedelta(hours=1)


class Resend:
    """One Resend account. `client` is the process's (`wire.client`), `url` without a slash at the end."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, key: str, clock: Clock) -> None:
        self._client = client
        self._url = f"{url}/emails"
        self._key = key.strip()
        self._clock = clock

    def pace(self, retry_after: tuple[timedelta, ...]) -> Pace:
        # Five calls a second are what a team has, all of its keys together.
        return Pace(rate_per_second=5, at_once=8, timeout=timedelta(seconds=20), retry_after=retry_after)

    async def send(self, delivery_id: UUID, mail: Mail) -> Outcome:
        # As bytes: a key with a letter beyond ASCII is for Resend to refuse, not for us to stumble over.
        headers = {b"Authorization": f"Bearer {self._key}".encode(), b"Idempotency-Key": str(delivery_id).encode()}
        try:
            answer = await self._client.post(self._url, json=_asked(delivery_id, mail), headers=headers)
        except httpx2.RequestError as error:
            return unanswered("Resend", error)
        return self._outcome(answer)

    def _outcome(self, answer: httpx2.Response) -> Outcome:
        said = parsed(answer)
        name = said.get("name")
        words = plain(str(said.get("message") or ""), f"HTTP {answer.status_code}", secret=self._key)
        match answer.status_code:
            case 200:
                return _taken(said)
            case 429:
                return self._limited(answer, said, words)
            case 401:
                return _refused_key(words)
            case 403:
                return _forbidden(name, words)
            case 409:
                return _known_id(name, words)
            case 400 | 413 | 422 | 451:
                return GaveUp(because=f"Resend refuses this mail: {words}")
            case status if status >= 500 or status == 408:
                later = not_before(answer.headers, self._clock(), said)
                return TryAgain(because=f"Resend is out of order: {words}", not_before=later, fault="destination")
            case _:
                return _somebody_else(words)

    def _limited(self, answer: httpx2.Response, said: dict[str, Any], words: str) -> TryAgain:
        now = self._clock()
        later = not_before(answer.headers, now, said)
        quota = _QUOTAS.get(str(said.get("name")))
        if quota is None:
            return TryAgain(because=f"Resend takes no more for now: {words}", not_before=later, fault="limit")
        return TryAgain(
            because=f"Resend takes no more this {quota}, on its plan: {words}",
            not_before=max(now + _QUOTA_PAUSE, later or now),
            fault="limit",
        )


def _asked(delivery_id: UUID, mail: Mail) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "from": mail.sender,
        "to": [mail.to],
        "subject": mail.subject,
        "html": mail.html,
        "text": mail.text,
        "tags": [{"name": "delivery", "value": str(delivery_id)}],
    }
    if mail.reply_to:
        asked["reply_to"] = mail.reply_to
    if mail.headers:
        asked["headers"] = mail.headers
    if mail.calendar:
        asked["attachments"] = [_attached(mail.calendar, mail.calendar_method)]
    return asked


def _attached(calendar: str, method: str | None) -> dict[str, str]:
    # The method must be the file's own, or calendars show a file instead of an invitation.
    said = f"; method={method}" if method else ""
    content = b64encode(calendar.encode()).decode()
    return {"filename": "invite.ics", "content": content, "content_type": f"text/calendar; charset=utf-8{said}"}


def _taken(said: dict[str, Any]) -> Outcome:
    reference = said.get("id")
    if not isinstance(reference, str) or not reference:
        return _somebody_else("HTTP 200 without a mail's id")
    return Delivered(provider="resend", reference=plain(reference, "?"))


def _forbidden(name: object, words: str) -> Outcome:
    """A sender that they don't know fails alone and at once: mail from another sender may well pass.

    With the domain verified, the same mail can be sent again by hand.
    """
    if name == "validation_error":
        return GaveUp(because=f"Resend does not let this sender write: {words}")
    return _refused_key(words)


def _known_id(name: object, words: str) -> Outcome:
    if name == "invalid_idempotent_request":
        return GaveUp(because=f"Resend took another mail under this delivery's id before: {words}")
    return TryAgain(because=f"Resend is still busy with this mail: {words}")


def _refused_key(words: str) -> TryAgain:
    return TryAgain(because=f"Resend refuses us: {words}. Put RESEND_API_KEY right", fault="destination")


def _somebody_else(words: str) -> TryAgain:
    because = f"what answered does not speak like Resend: {words}. Look at RESEND_API_URL"
    return TryAgain(because=because, fault="destination")
