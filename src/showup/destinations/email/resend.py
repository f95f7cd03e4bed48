"""Sends mail through Resend's API. The delivery's id is the idempotency key: a repeat within 24 hours has no effect."""

from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2

from showup.clock import Clock
from showup.destinations.contract import Delivered, GaveUp, Outcome, Pace, TryAgain
from showup.destinations.email.mail import Mail
from showup.destinations.retry_after import not_before
from showup.destinations.vendor_api import json_body, no_response, short_message

_QUOTAS = {"daily_quota_exceeded": "day", "monthly_quota_exceeded": "month"}
# Resend's headers then describe the per-second limit. One hour: soon enough to use a bigger plan or the next day.
_QUOTA_PAUSE = timedelta(hours=1)


class Resend:
    """One Resend account. `client` is the process's shared client, `url` has no slash at the end."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, key: str, clock: Clock) -> None:
        self._client = client
        self._url = f"{url}/emails"
        self._key = key.strip()
        self._clock = clock

    def pace(self, retry_after: tuple[timedelta, ...]) -> Pace:
        # Resend allows a team five calls a second, for all of its keys together.
        return Pace(rate_per_second=5, at_once=8, timeout=timedelta(seconds=20), retry_after=retry_after)

    async def send(self, delivery_id: UUID, mail: Mail) -> Outcome:
        # As bytes: Resend must reject a key with a non-ASCII character; it must not cause an error here.
        headers = {b"Authorization": f"Bearer {self._key}".encode(), b"Idempotency-Key": str(delivery_id).encode()}
        try:
            response = await self._client.post(self._url, json=_request_body(delivery_id, mail), headers=headers)
        except httpx2.RequestError as error:
            return no_response("Resend", error)
        return self._outcome(response)

    def _outcome(self, response: httpx2.Response) -> Outcome:
        payload = json_body(response)
        name = payload.get("name")
        words = short_message(str(payload.get("message") or ""), f"HTTP {response.status_code}", secret=self._key)
        match response.status_code:
            case 200:
                return _accepted(payload)
            case 429:
                return self._limited(response, payload, words)
            case 401:
                return _unauthorized(words)
            case 403:
                return _forbidden(name, words)
            case 409:
                return _conflict(name, words)
            case 400 | 413 | 422 | 451:
                return GaveUp(because=f"Resend rejected this mail: {words}")
            case status if status >= 500 or status == 408:
                later = not_before(response.headers, self._clock(), payload)
                return TryAgain(because=f"Resend is unavailable: {words}", not_before=later, fault="destination")
            case _:
                return _unexpected_response(words)

    def _limited(self, response: httpx2.Response, payload: dict[str, Any], words: str) -> TryAgain:
        now = self._clock()
        later = not_before(response.headers, now, payload)
        quota = _QUOTAS.get(str(payload.get("name")))
        if quota is None:
            return TryAgain(because=f"Resend rate limit reached: {words}", not_before=later, fault="limit")
        return TryAgain(
            because=f"Resend plan limit for this {quota} reached: {words}",
            not_before=max(now + _QUOTA_PAUSE, later or now),
            fault="limit",
        )


def _request_body(delivery_id: UUID, mail: Mail) -> dict[str, Any]:
    body: dict[str, Any] = {
        "from": mail.sender,
        "to": [mail.to],
        "subject": mail.subject,
        "html": mail.html,
        "text": mail.text,
        "tags": [{"name": "delivery", "value": str(delivery_id)}],
    }
    if mail.reply_to:
        body["reply_to"] = mail.reply_to
    if mail.headers:
        body["headers"] = mail.headers
    if mail.calendar:
        body["attachments"] = [_attachment(mail.calendar, mail.calendar_method)]
    return body


def _attachment(calendar: str, method: str | None) -> dict[str, str]:
    # The method must match the file's, or calendars show a file instead of an invitation.
    method_parameter = f"; method={method}" if method else ""
    content = b64encode(calendar.encode()).decode()
    return {
        "filename": "invite.ics",
        "content": content,
        "content_type": f"text/calendar; charset=utf-8{method_parameter}",
    }


def _accepted(payload: dict[str, Any]) -> Outcome:
    reference = payload.get("id")
    if not isinstance(reference, str) or not reference:
        return _unexpected_response("HTTP 200 without a mail id")
    return Delivered(provider="resend", reference=short_message(reference, "?"))


def _forbidden(name: object, words: str) -> Outcome:
    """Returns the outcome for an unverified sender: only this mail fails, because other senders may be verified.

    Once the domain is verified, the same mail can be sent again manually.
    """
    if name == "validation_error":
        return GaveUp(because=f"Resend rejected this sender: {words}")
    return _unauthorized(words)


def _conflict(name: object, words: str) -> Outcome:
    if name == "invalid_idempotent_request":
        return GaveUp(because=f"Resend already accepted a different mail with this delivery's id: {words}")
    return TryAgain(because=f"Resend is still processing this mail: {words}")


def _unauthorized(words: str) -> TryAgain:
    return TryAgain(because=f"Resend rejected the API key: {words}. Correct RESEND_API_KEY", fault="destination")


def _unexpected_response(words: str) -> TryAgain:
    because = f"unexpected response (not Resend's API): {words}. Check RESEND_API_URL"
    return TryAgain(because=because, fault="destination")
