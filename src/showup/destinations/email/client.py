"""Sends mail through Resend's API. The delivery's id is the idempotency key: a repeat within 24 hours has no effect."""

from base64 import b64encode
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import httpx2
from msgspec.structs import replace

from showup.clock import Clock
from showup.destinations.contract import Delivered, Outcome, Pace, TryAgain
from showup.destinations.email.destination import Mail, invite_name
from showup.destinations.vendor_api import ErrorReading, Json, Vendor, VendorApi, VendorError, bearer, short_message

_QUOTA: Final = "Resend plan limit for this {} reached: {{words}}"
_QUOTAS: Final = {"daily_quota_exceeded": _QUOTA.format("day"), "monthly_quota_exceeded": _QUOTA.format("month")}
# Resend's headers then describe the per-second limit. One hour: soon enough to use a bigger plan or the next day.
_QUOTA_PAUSE: Final = timedelta(hours=1)
_SENDING_ONLY: Final = "restricted_api_key"
_SENDER: Final = "Resend rejected this sender: {words}"
_OTHER_MAIL: Final = "Resend already accepted a different mail with this delivery's id: {words}"


def _read_error(status: int, payload: Json) -> ErrorReading | None:
    code, words = payload.get("name"), str(payload.get("message") or "")
    # Resend has the paths that Showup calls.
    if not isinstance(code, str) or status == 404:
        return None
    match status, code:
        case 403, "validation_error":
            # Only this mail fails, because other senders may be verified. Once the domain is verified, the same mail
            # can be sent again manually.
            return ErrorReading(status=422, code=code, words=words, because=_SENDER)
        case 403, _:
            return ErrorReading(status=401, code=code, words=words)
        case 409, "invalid_idempotent_request":
            return ErrorReading(status=422, code=code, words=words, because=_OTHER_MAIL)
        case 451, _:
            # Resend documents it for one mail, with a security problem.
            return ErrorReading(status=422, code=code, words=words)
        case _:
            return ErrorReading(status=status, code=code, words=words, because=_QUOTAS.get(code, ""))


RESEND: Final = Vendor(
    name="Resend",
    read_error=_read_error,
    credentials="the API key",
    fix_credentials="Correct RESEND_API_KEY",
    fix_url="Check RESEND_API_URL",
)


class Resend:
    """One Resend account. `client` is the process's shared client."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, key: str, clock: Clock) -> None:
        self._api = VendorApi(client, RESEND, url=url, authorization=bearer(key), clock=clock)
        self._clock = clock

    def __str__(self) -> str:
        return "Resend"

    def pace(self, retry_after: tuple[timedelta, ...]) -> Pace:
        # Resend allows a team five calls a second, for all of its keys together.
        return Pace(rate_per_second=5, at_once=8, timeout=timedelta(seconds=20), retry_after=retry_after)

    async def send(self, delivery_id: UUID, mail: Mail) -> Outcome:
        try:
            sent = await self._api.call(
                "POST",
                "/emails",
                what="this mail",
                expect=_has_id,
                headers={b"Idempotency-Key": str(delivery_id).encode()},
                json=_request_body(delivery_id, mail),
            )
        except VendorError as error:
            return self._outcome(error)
        return Delivered(provider="resend", reference=short_message(sent["id"], "?"))

    async def check_health(self) -> list[str]:
        """Lists the account's domains: the smallest call that needs a valid key."""
        try:
            await self._api.call("GET", "/domains", what="the list of domains", expect=_has_data)
        except VendorError as error:
            # A key that may only send is valid, and the best choice.
            return [] if error.code == _SENDING_ONLY else [error.outcome.because]
        return []

    def _outcome(self, error: VendorError) -> Outcome:
        outcome = error.outcome
        if error.code in _QUOTAS and isinstance(outcome, TryAgain):
            now = self._clock()
            return replace(outcome, not_before=max(now + _QUOTA_PAUSE, outcome.not_before or now))
        return outcome


def _has_data(payload: Json) -> bool:
    return isinstance(payload.get("data"), list)


def _has_id(payload: Json) -> bool:
    return isinstance(payload.get("id"), str) and bool(payload["id"])


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
        calendars = enumerate((mail.calendar, *mail.more_calendars))
        body["attachments"] = [_attachment(one, mail.calendar_method, invite_name(index)) for index, one in calendars]
    return body


def _attachment(calendar: str, method: str | None, name: str) -> dict[str, str]:
    # The method must match the file's, or calendars show a file instead of an invitation.
    method_parameter = f"; method={method}" if method else ""
    content = b64encode(calendar.encode()).decode()
    return {
        "filename": name,
        "content": content,
        "content_type": f"text/calendar; charset=utf-8{method_parameter}",
    }
