"""A fake Twilio: accepts and stores text messages.

In a test: `with FakeTwilio() as fake: … fake.sent`.
"""

from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, ClassVar, Unpack
from uuid import uuid4

from tests.vendors.openapi import vendor_document
from tests.vendors.rate_limit import SECOND, SlidingLimit
from tests.vendors.server import ReceivedRequest, Refusal, VendorOptions, VendorResponse, VendorServer

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TOKEN = "far_auth_token"
NUMBER = "+15005550006"
_ACCOUNTS = f"/2010-04-01/Accounts/{ACCOUNT}"
_ERRORS = "https://www.twilio.com/docs/errors/"


class TwilioRefusal(Refusal):
    def __init__(self, status: int, code: int, message: str) -> None:
        body = {"code": code, "message": message, "more_info": f"{_ERRORS}{code}", "status": status}
        super().__init__(status, body, {"Retry-After": "1"} if status == 429 else {})


@dataclass(frozen=True, slots=True)
class SentText:
    """A sent message, with the values of its request."""

    sid: str
    asked: dict[str, str]
    at: datetime


class FakeTwilio(VendorServer):
    """`landlines` can't be reached; `unsubscribed` sent STOP; other `refused_numbers` have an error code each.

    `per_second` limits calls; None sets no limit.
    """

    default_key = TOKEN
    refusals: ClassVar = {
        "401": TwilioRefusal(401, 20003, "Authenticate"),
        "403": TwilioRefusal(403, 20005, "Account is not active"),
        "404": TwilioRefusal(404, 20404, "The requested resource was not found"),
        "409": TwilioRefusal(409, 20409, "Conflict"),
        "422": TwilioRefusal(400, 21602, "Message body is required."),
        "429": TwilioRefusal(429, 20429, "Too Many Requests"),
        "500": TwilioRefusal(500, 20500, "Internal Server Error"),
        "503": TwilioRefusal(503, 20503, "Service unavailable"),
        "sender": TwilioRefusal(400, 21606, "The 'From' phone number provided is not a valid message-capable number."),
    }

    def __init__(self, *, per_second: int | None = None, **options: Unpack[VendorOptions]) -> None:
        super().__init__(document=vendor_document("twilio"), **options)
        self.account = ACCOUNT
        self.status = "active"
        self.numbers = {NUMBER}
        self.landlines: set[str] = set()
        self.unsubscribed: set[str] = set()
        self.refused_numbers: dict[str, int] = {}
        self.sent: list[SentText] = []
        self.limit = SlidingLimit(per_second, SECOND, self.clock)
        self.add_routes(
            {
                f"POST {_ACCOUNTS}/Messages.json": self._accept,
                f"GET {_ACCOUNTS}/Messages.json": self._list,
                f"GET {_ACCOUNTS}/IncomingPhoneNumbers.json": self._list_numbers,
                f"GET {_ACCOUNTS}.json": lambda _: {"sid": ACCOUNT, "status": self.status, "friendly_name": "Far"},
            }
        )

    @property
    def effects(self) -> Counter[str]:
        """Returns how often each number received each text."""
        return Counter(f"{one.asked['To']}: {one.asked['Body']}" for one in self.sent)

    def state(self) -> dict[str, Any]:
        return {"account": ACCOUNT, "sent": [self._shown(one) for one in self.sent]}

    def authorize(self, request: ReceivedRequest) -> None:
        pair = b64encode(f"{ACCOUNT}:{self.key}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            raise self.refusals["401"]

    def invalid(self, complaint: str, request: ReceivedRequest) -> Refusal:  # noqa: ARG002 - the complaint names it
        return TwilioRefusal(400, 20001, complaint)

    def _accept(self, request: ReceivedRequest) -> VendorResponse:
        asked = request.form
        if asked["To"] in self.unsubscribed:
            raise TwilioRefusal(400, 21610, "Attempt to send to unsubscribed recipient")
        if asked["To"] in self.landlines:
            raise TwilioRefusal(400, 21614, f"'To' number is not a valid mobile number: {asked['To']}")
        if (code := self.refused_numbers.get(asked["To"])) is not None:
            raise TwilioRefusal(400, code, f"{asked['To']} is refused")
        if "MessagingServiceSid" not in asked and asked.get("From") not in self.numbers:
            raise self.refusals["sender"]
        sent = SentText(f"SM{uuid4().hex}", asked, self.clock())
        self.sent.append(sent)
        return VendorResponse(201, self._shown(sent))

    def _list(self, request: ReceivedRequest) -> dict[str, Any]:
        """Returns messages, newest first; a queued message has no `date_sent`, so a search by day does not find it."""
        query = request.query
        found = [one for one in reversed(self.sent) if query.get("To", one.asked["To"]) == one.asked["To"]]
        if query.keys() & {"DateSent", "DateSent<", "DateSent>"}:
            found = []
        page = [self._shown(one) for one in found[: int(query.get("PageSize", 50))]]
        return {"messages": page, "next_page_uri": None}

    def _list_numbers(self, request: ReceivedRequest) -> dict[str, Any]:
        own = [one for one in self.numbers if request.query.get("PhoneNumber", one) == one]
        return {"incoming_phone_numbers": [{"phone_number": one} for one in own]}

    def _shown(self, one: SentText) -> dict[str, Any]:
        return {
            "sid": one.sid,
            "account_sid": ACCOUNT,
            "to": one.asked["To"],
            "from": one.asked.get("From"),
            "body": one.asked["Body"],
            "status": "queued",
            "direction": "outbound-api",
            "date_created": format_datetime(one.at),
            "date_sent": None,
        }
