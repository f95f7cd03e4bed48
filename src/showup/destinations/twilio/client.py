"""The calls of Twilio's API that Showup uses, and the meaning of its error codes."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from showup.clock import Clock
from showup.destinations.contract import BlockedNumber, Delivered
from showup.destinations.twilio.render import TextMessage
from showup.destinations.twilio.settings import TwilioSettings
from showup.destinations.vendor_api import ErrorReading, Json, Vendor, VendorApi, VendorError, short_message

URL: Final = "https://api.twilio.com"
VERSION: Final = "2010-04-01"
_SEARCH_LIMIT: Final = 100
# Twilio's clock differs from Showup's, and shows whole seconds.
_CLOCK_SKEW: Final = timedelta(minutes=1)
# Twilio drops a message that it could not send on before the meeting begins.
_SHORTEST_VALIDITY, _LONGEST_VALIDITY = 60, 14_400

_NO_SUCH_ACCOUNT: Final = "Twilio has no such account: {words}. Correct account_sid"
_NO_SUCH_RECIPIENT: Final = "Twilio can't send to the attendee's number: {words}"
_NO_SUCH_SENDER: Final = "Twilio rejected the sender: {words}. Set sender to one of the account's senders"
_UNSUBSCRIBED: Final = "the attendee unsubscribed with STOP, and can subscribe again with START"
_OPTED_OUT: Final = 21610
# No number, a short code, no mobile number, a landline: true of the number, whatever the account and the sender are.
# 21214, 21408 and 21612 also depend on these (https://www.twilio.com/docs/api/errors).
_NEVER: Final = (21211, 21217, 21265, 21614, 21635)
_SENTENCES: Final = {
    _OPTED_OUT: _UNSUBSCRIBED,
    **dict.fromkeys((*_NEVER, 21214, 21408, 21612), _NO_SUCH_RECIPIENT),
    **dict.fromkeys((21212, 21603, 21606, 21607, 21659, 21660, 21701, 21703, 21705), _NO_SUCH_SENDER),
}
_CREDENTIALS: Final = "Correct TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or the connection's account_sid and auth_token"


def _read_error(status: int, payload: Json) -> ErrorReading | None:
    if "code" not in payload:
        return None
    code, words = payload["code"], str(payload.get("message") or "")
    if status == 404:
        # The account is part of each path, and nothing else in it can be missing.
        return ErrorReading(status=401, code=str(code), words=words, because=_NO_SUCH_ACCOUNT)
    sentence = _SENTENCES.get(code, "") if status in (400, 422) and isinstance(code, int) else ""
    return ErrorReading(status=status, code=str(code), words=words, because=sentence)


TWILIO: Final = Vendor(
    name="Twilio",
    read_error=_read_error,
    credentials="the credentials",
    fix_credentials=_CREDENTIALS,
    fix_access=_CREDENTIALS,
    fix_url="Check TWILIO_API_URL, or api_url",
)


class TwilioClient:
    """One account's messages, for one delivery or one health check. Each call raises VendorError."""

    def __init__(self, api: VendorApi, settings: TwilioSettings, clock: Clock) -> None:
        """The URL of `api` ends with the account."""
        self._api = api
        self._settings = settings
        self._clock = clock

    async def send(self, message: TextMessage) -> Delivered:
        """Sends the message, even if it was sent before: Twilio has no idempotency key."""
        sent = await self._api.call(
            "POST",
            "/Messages.json",
            what="this message",
            expect=lambda payload: bool(payload.get("sid")),
            hidden=message.to,
            data=self._request_body(message),
        )
        return _delivered(sent)

    async def find(self, message: TextMessage) -> Delivered | None:
        """Returns the outcome if Twilio has the message already: same recipient and text, not older than due.

        It does not search by sending day, because a message in Twilio's queue has none yet.
        """
        found = await self._api.call(
            "GET",
            "/Messages.json",
            what="the messages to the attendee",
            expect=lambda payload: isinstance(payload.get("messages"), list),
            hidden=message.to,
            params={"To": message.to, "PageSize": str(_SEARCH_LIMIT)},
        )
        match = next((one for one in found["messages"] if _matches(one, message)), None)
        return None if match is None else _delivered(match)

    async def get_account(self) -> Json:
        """Returns Twilio's data about the account."""
        return await self._api.call("GET", ".json", what="the account")

    async def find_numbers(self, number: str) -> Json:
        """Returns the account's numbers that equal this one."""
        params = {"PhoneNumber": number}
        return await self._api.call("GET", "/IncomingPhoneNumbers.json", what="the account's numbers", params=params)

    def _request_body(self, message: TextMessage) -> dict[str, str]:
        seconds_left = (message.expires_at - self._clock()).total_seconds()
        validity = min(max(int(seconds_left), _SHORTEST_VALIDITY), _LONGEST_VALIDITY)
        sender = "MessagingServiceSid" if self._settings.is_service else "From"
        return {
            "To": message.to,
            sender: self._settings.sender,
            "Body": message.body,
            "ValidityPeriod": str(validity),
        }


def blocked_number(error: VendorError, number: str) -> BlockedNumber | None:
    """Returns the number if the error says that it can receive no later message either."""
    if error.code == str(_OPTED_OUT):
        because = "the attendee answered STOP to an earlier text message"
        return BlockedNumber(number=number, reason="unsubscribed", because=because)
    if error.code in map(str, _NEVER):
        because = f"the attendee's number can't receive text messages: Twilio refused an earlier one ({error.code})"
        return BlockedNumber(number=number, reason="unreachable", because=because)
    return None


def _delivered(message: Json) -> Delivered:
    return Delivered(provider="twilio", reference=short_message(str(message.get("sid")), "?"))


def _matches(listed: Any, message: TextMessage) -> bool:
    if not isinstance(listed, dict) or listed.get("body") != message.body or listed.get("to") != message.to:
        return False
    created_at = _moment(str(listed.get("date_created") or ""))
    return created_at is None or created_at > message.due_at - _CLOCK_SKEW


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None
