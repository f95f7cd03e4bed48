"""How Resend accepts a mail: its rejections, its idempotency keys, and the sent mails."""

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.destinations.fake_vendors.vendor_document import VendorDocument

KEY = "re_far_key"
REMEMBERED_FOR = timedelta(hours=24)
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_PLAIN = r"[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+"
_ADDRESS = re.compile(rf'{_PLAIN}|(?:"(?:[^"\\\r\n]|\\.)*"|[^"<>@\r\n]*)\s*<{_PLAIN}>')


@dataclass(frozen=True, slots=True)
class Sent:
    """A sent mail, with the values of its request."""

    id: str
    key: str | None
    asked: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class VendorResponse:
    status: int
    body: dict[str, Any]

    @classmethod
    def refusal(cls, status: int, name: str, message: str) -> "VendorResponse":
        return cls(status, {"statusCode": status, "name": name, "message": message})


@dataclass
class Account:
    """`wrong` lists faults in requests; a test should fail if it is not empty.

    `verified`: the domains that may send, None for all. `clock` decides when a key expires.
    """

    key: str = KEY
    verified: set[str] | None = None
    clock: Any = lambda: datetime.now(UTC)
    sent: list[Sent] = field(default_factory=list)
    absorbed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._document = VendorDocument("resend")
        self._keys: dict[str, tuple[dict[str, Any], datetime, Sent | None]] = {}
        self._lock = threading.Lock()

    def begin(self, headers: dict[str, str], body: bytes) -> VendorResponse | dict[str, Any]:
        """Returns a rejection or a repeated response; else the request, whose key is in use until `finish`."""
        if refusal := self._authentication_error(headers):
            return refusal
        complaint = self._document.complaint("POST", "/emails", headers, body)
        asked = {} if complaint else json.loads(body)
        if complaint := complaint or self._validation_error(asked):
            self.wrong.append(complaint)
            return VendorResponse.refusal(422, "validation_error", complaint)
        domain = asked["from"].rpartition("@")[2].rstrip(">")
        if self.verified is not None and domain not in self.verified:
            words = (
                f"The {domain} domain is not verified. Please, add and verify your domain on https://resend.com/domains"
            )
            return VendorResponse.refusal(403, "validation_error", words)
        with self._lock:
            return self._earlier_response(headers.get("Idempotency-Key"), asked) or asked

    def finish(self, key: str | None, asked: dict[str, Any]) -> VendorResponse:
        """Sends the mail."""
        with self._lock:
            mail = Sent(str(uuid4()), key, asked, self.clock())
            self.sent.append(mail)
            if key:
                self._keys[key] = (asked, mail.at, mail)
            return VendorResponse(200, {"id": mail.id})

    def drop(self, key: str | None) -> None:
        """Does not send the mail, and frees the key."""
        with self._lock:
            self._keys.pop(key or "", None)

    def _authentication_error(self, headers: dict[str, str]) -> VendorResponse | None:
        if not headers.get("User-Agent"):
            self.wrong.append("a request without User-Agent")
            return VendorResponse.refusal(403, "1010", "error code: 1010")
        authorization = headers.get("Authorization", "")
        if not authorization.startswith("Bearer "):
            return VendorResponse.refusal(401, "missing_api_key", "Missing API key in the authorization header")
        if authorization != f"Bearer {self.key}":
            return VendorResponse.refusal(403, "invalid_api_key", "API key is invalid")
        return None

    def _validation_error(self, asked: dict[str, Any]) -> str | None:
        if unknown := self._document.unknown_fields("SendEmailRequest", asked):
            return f"unknown fields: {sorted(unknown)}"
        to = asked["to"] if isinstance(asked["to"], list) else [asked["to"]]
        if bad := [one for one in [asked["from"], *to] if not _ADDRESS.fullmatch(one)]:
            return f"invalid `from` or `to` field: {bad}"
        if not (asked.get("html") or asked.get("text")):
            return "missing `html` or `text` field"
        words = [word for tag in asked.get("tags", []) for word in (tag["name"], tag["value"])]
        return next((f"tags should only contain ASCII: {word}" for word in words if not _TAG.fullmatch(word)), None)

    def _earlier_response(self, key: str | None, asked: dict[str, Any]) -> VendorResponse | None:
        if key is None:
            return None
        before = self._keys.get(key)
        if before is None or self.clock() - before[1] > REMEMBERED_FOR:
            self._keys[key] = (asked, self.clock(), None)
            return None
        if before[0] != asked:
            words = "This idempotency key has been used on a request with a different payload"
            return VendorResponse.refusal(409, "invalid_idempotent_request", words)
        if before[2] is None:
            words = "Another request with the same idempotency key is in progress"
            return VendorResponse.refusal(409, "concurrent_idempotent_requests", words)
        self.absorbed.append(key)
        return VendorResponse(200, {"id": before[2].id})
