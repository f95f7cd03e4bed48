"""A fake Resend: accepts and stores mail, and remembers its idempotency keys.

In a test: `with FakeResend() as fake: … fake.sent`.
"""

import re
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Unpack
from uuid import uuid4

from tests.vendors.openapi import vendor_document
from tests.vendors.rate_limit import SECOND, SlidingLimit
from tests.vendors.server import ReceivedRequest, Refusal, VendorOptions, VendorServer

KEY = "re_far_key"
REMEMBERED_FOR = timedelta(hours=24)
_PER_SECOND = 5
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_PLAIN = r"[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+"
_ADDRESS = re.compile(rf'{_PLAIN}|(?:"(?:[^"\\\r\n]|\\.)*"|[^"<>@\r\n]*)\s*<{_PLAIN}>')


class ResendRefusal(Refusal):
    def __init__(self, status: int, name: str, message: str) -> None:
        headers = {"retry-after": "1"} if status == 429 else {}
        super().__init__(status, {"statusCode": status, "name": name, "message": message}, headers)


@dataclass(frozen=True, slots=True)
class SentMail:
    """A sent mail, with the values of its request."""

    id: str
    key: str | None
    asked: dict[str, Any]
    at: datetime


@dataclass(slots=True)
class _UsedKey:
    """An idempotency key; `mail` is None while its request is in progress."""

    asked: dict[str, Any]
    at: datetime
    mail: SentMail | None = None


class FakeResend(VendorServer):
    """Its own fault is `hold`: the mail is in progress until `release`, and `in_progress` is released once it is.

    `verified`: the domains that may send, None for all. `per_second` limits calls; None sets no limit. `absorbed` has
    the idempotency keys of all repeats without effect.
    """

    own_faults = frozenset({"hold"})
    default_key = KEY
    refusals: ClassVar = {
        "429": ResendRefusal(429, "rate_limit_exceeded", "Too many requests. You can only make 5 requests per second."),
        "daily": ResendRefusal(429, "daily_quota_exceeded", "You have reached your daily email sending quota."),
        "monthly": ResendRefusal(429, "monthly_quota_exceeded", "You have reached your monthly email sending quota."),
        "500": ResendRefusal(500, "application_error", "An unexpected error occurred."),
        "503": ResendRefusal(503, "service_unavailable", "The service is unavailable."),
        "restricted": ResendRefusal(401, "restricted_api_key", "This API key is restricted to only send emails."),
        "400": ResendRefusal(400, "validation_error", "We found an error with one or more fields in the request."),
        "409": ResendRefusal(
            409, "concurrent_idempotent_requests", "Another request with the same key is in progress."
        ),
        "422": ResendRefusal(422, "invalid_attachment", "Attachment must have either a `content` or `path`."),
        "404": ResendRefusal(404, "not_found", "The requested endpoint does not exist."),
    }

    def __init__(
        self, *, per_second: int | None = None, verified: set[str] | None = None, **options: Unpack[VendorOptions]
    ) -> None:
        super().__init__(document=vendor_document("resend"), **options)
        self.limit = SlidingLimit(per_second, SECOND, self.clock)
        self.verified = verified
        self.sent: list[SentMail] = []
        self.absorbed: list[str] = []
        self.in_progress = threading.Semaphore(0)
        self._keys: dict[str, _UsedKey] = {}
        self.add_routes({"POST /emails": self._accept, "GET /domains": self._list_domains})

    def state(self) -> dict[str, Any]:
        sent = [{"id": one.id, "key": one.key, "asked": one.asked, "at": one.at.isoformat()} for one in self.sent]
        return {"sent": sent, "absorbed": self.absorbed}

    def authorize(self, request: ReceivedRequest) -> None:
        if not request.headers.get("user-agent"):
            raise ResendRefusal(403, "1010", "error code: 1010")
        authorization = request.headers.get("authorization", "")
        if not authorization.startswith("Bearer "):
            raise ResendRefusal(401, "missing_api_key", "Missing API key in the authorization header")
        if authorization != f"Bearer {self.key}":
            raise ResendRefusal(403, "invalid_api_key", "API key is invalid")

    def find_violation(self, request: ReceivedRequest) -> str | None:
        violation = super().find_violation(request)
        return violation or (_broken_rule(request.json) if request.method == "POST" else None)

    def invalid(self, complaint: str, request: ReceivedRequest) -> Refusal:  # noqa: ARG002 - the complaint names it
        return ResendRefusal(422, "validation_error", complaint)

    def response_headers(self, status: int) -> dict[str, str]:
        return {
            "ratelimit-limit": str(self.limit.calls or _PER_SECOND),
            "ratelimit-remaining": "0" if status == 429 else "1",
            "ratelimit-reset": "1",
        }

    def _list_domains(self, _request: ReceivedRequest) -> dict[str, Any]:
        domains = [{"id": str(uuid4()), "name": name, "status": "verified"} for name in sorted(self.verified or ())]
        return {"object": "list", "has_more": False, "data": domains}

    def _accept(self, request: ReceivedRequest) -> dict[str, str]:
        asked, key = request.json, request.headers.get("idempotency-key")
        self._check_addresses(asked)
        with self.lock:
            if key and (earlier := self._earlier_mail(key, asked)):
                self.absorbed.append(key)
                return {"id": earlier.id}
        if request.fault == "hold":
            self.in_progress.release()
            self.released.wait()
        with self.lock:
            mail = SentMail(str(uuid4()), key, asked, self.clock())
            self.sent.append(mail)
            if key:
                self._keys[key].mail = mail
            return {"id": mail.id}

    def _check_addresses(self, asked: dict[str, Any]) -> None:
        to = asked["to"] if isinstance(asked["to"], list) else [asked["to"]]
        if bad := [one for one in [asked["from"], *to] if not _ADDRESS.fullmatch(one)]:
            raise ResendRefusal(422, "validation_error", f"invalid `from` or `to` field: {bad}")
        domain = asked["from"].rpartition("@")[2].rstrip(">")
        if self.verified is not None and domain not in self.verified:
            words = (
                f"The {domain} domain is not verified. Please, add and verify your domain on https://resend.com/domains"
            )
            raise ResendRefusal(403, "validation_error", words)

    def _earlier_mail(self, key: str, asked: dict[str, Any]) -> SentMail | None:
        """Returns the mail that was sent with this key. A new key is in use from now on."""
        used = self._keys.get(key)
        if used is None or self.clock() - used.at > REMEMBERED_FOR:
            self._keys[key] = _UsedKey(asked, self.clock())
            return None
        if used.asked != asked:
            words = "This idempotency key has been used on a request with a different payload"
            raise ResendRefusal(409, "invalid_idempotent_request", words)
        if used.mail is None:
            words = "Another request with the same idempotency key is in progress"
            raise ResendRefusal(409, "concurrent_idempotent_requests", words)
        return used.mail


def _broken_rule(asked: dict[str, Any]) -> str | None:
    """Returns the rule of Resend's documentation that a mail breaks, though its OpenAPI document allows it."""
    if not (asked.get("html") or asked.get("text")):
        return "missing `html` or `text` field"
    words = [word for tag in asked.get("tags", []) for word in (tag["name"], tag["value"])]
    return next((f"tags should only contain ASCII: {word}" for word in words if not _TAG.fullmatch(word)), None)
