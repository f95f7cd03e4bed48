"""The calls of Twilio's API that Showup uses, and the outcome of each response."""

from base64 import b64encode
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx2

from showup.clock import Clock
from showup.destinations.contract import Delivered, GaveUp, Outcome, TryAgain
from showup.destinations.retry_after import not_before
from showup.destinations.twilio.settings import TwilioSettings
from showup.destinations.twilio.text_message import TextMessage
from showup.destinations.vendor_api import json_body, no_response, short_message

URL: Final = "https://api.twilio.com"
_VERSION: Final = "2010-04-01"
_SEARCH_LIMIT: Final = 100
# Twilio's clock differs from Showup's, and shows whole seconds.
_CLOCK_SKEW: Final = timedelta(minutes=1)
# Twilio drops a message that it could not send on before the meeting begins.
_SHORTEST_VALIDITY, _LONGEST_VALIDITY = 60, 14_400

_UNSUBSCRIBED: Final = 21610
_NO_SUCH_RECIPIENT: Final = frozenset({21211, 21214, 21217, 21265, 21408, 21612, 21614, 21635})
_NO_SUCH_SENDER: Final = frozenset({21212, 21603, 21606, 21607, 21659, 21660, 21701, 21703, 21705})


class TwilioClient:
    """One account's messages. `url` has no slash at the end."""

    def __init__(
        self, client: httpx2.AsyncClient, *, url: str, settings: TwilioSettings, token: str, clock: Clock
    ) -> None:
        self._client = client
        self._account = f"{url}/{_VERSION}/Accounts/{settings.account_sid}"
        self._settings = settings
        self._token = token.strip()
        self._clock = clock

    async def send(self, message: TextMessage) -> Outcome:
        """Sends the message, even if it was sent before: Twilio has no idempotency key."""
        response = await self._call("POST", "/Messages.json", data=self._request_body(message))
        if not isinstance(response, httpx2.Response):
            return response
        if response.status_code == 201 and (sid := json_body(response).get("sid")):
            return Delivered(provider="twilio", reference=short_message(str(sid), "?"))
        return self.outcome_of(response, hidden=message.to)

    async def find(self, message: TextMessage) -> Outcome | None:
        """Returns the outcome if Twilio has the message already: same recipient and text, not older than due.

        It does not search by sending day, because a message in Twilio's queue has none yet.
        """
        params = {"To": message.to, "PageSize": str(_SEARCH_LIMIT)}
        response = await self._call("GET", "/Messages.json", params=params)
        if not isinstance(response, httpx2.Response):
            return response
        listed = json_body(response).get("messages")
        if response.status_code != 200 or not isinstance(listed, list):
            return self.outcome_of(response, hidden=message.to)
        match = next((one for one in listed if _matches(one, message)), None)
        return (
            None if match is None else Delivered(provider="twilio", reference=short_message(str(match.get("sid")), "?"))
        )

    async def get_account(self) -> httpx2.Response | TryAgain:
        """Returns Twilio's data about the account."""
        return await self._call("GET", ".json")

    async def find_numbers(self, number: str) -> httpx2.Response | TryAgain:
        """Returns the account's numbers that equal this one."""
        return await self._call("GET", "/IncomingPhoneNumbers.json", params={"PhoneNumber": number})

    def outcome_of(self, response: httpx2.Response, *, hidden: str = "") -> TryAgain | GaveUp:
        """Returns the outcome of a failed response; `hidden`, like the secrets, is not repeated."""
        payload = json_body(response)
        words = short_message(
            self._without_secrets(str(payload.get("message") or ""), hidden), f"HTTP {response.status_code}"
        )
        later = not_before(response.headers, self._clock(), payload)
        match response.status_code:
            case 401 | 403 if "code" in payload or response.status_code == 401:
                because = (
                    f"Twilio rejected the credentials: {words}. Correct TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, "
                    "or the connection's account_sid and auth_token"
                )
                return TryAgain(because=because, fault="destination")
            case 429:
                return TryAgain(because=f"Twilio rate limit reached: {words}", not_before=later, fault="limit")
            case status if status >= 500 or status == 408:
                return TryAgain(because=f"Twilio is unavailable: {words}", not_before=later, fault="destination")
            case 409:
                return TryAgain(because=f"Twilio is still processing an earlier request: {words}", not_before=later)
            case 400 | 422 if "code" in payload:
                return _message_failure(payload["code"], words)
            case 404 if "code" in payload:
                because = f"Twilio has no such account: {words}. Correct account_sid"
                return TryAgain(because=because, fault="destination")
            case _:
                because = f"unexpected response (not Twilio's API): {words}. Check TWILIO_API_URL, or api_url"
                return TryAgain(because=because, fault="destination")

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

    def _without_secrets(self, text: str, hidden: str) -> str:
        pair = b64encode(f"{self._settings.account_sid}:{self._token}".encode()).decode()
        for secret in filter(None, (pair, self._token, hidden)):
            text = text.replace(secret, "…")
        return text

    async def _call(self, method: str, path: str, **options: Any) -> httpx2.Response | TryAgain:
        try:
            auth = (self._settings.account_sid, self._token)
            return await self._client.request(method, f"{self._account}{path}", auth=auth, **options)
        except httpx2.RequestError as error:
            return no_response("Twilio", error)


def _message_failure(code: object, words: str) -> GaveUp:
    if code == _UNSUBSCRIBED:
        return GaveUp(because="the attendee unsubscribed with STOP, and can subscribe again with START")
    if code in _NO_SUCH_RECIPIENT:
        return GaveUp(because=f"Twilio can't send to the attendee's number: {words}")
    if code in _NO_SUCH_SENDER:
        return GaveUp(because=f"Twilio rejected the sender: {words}. Set sender to one of the account's senders")
    return GaveUp(because=f"Twilio rejected this message: {words}")


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
