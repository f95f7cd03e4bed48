"""The calls of Twilio's API that we make, and what each answer makes of a delivery."""

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
from showup.destinations.wire import parsed, plain, unanswered

URL: Final = "https://api.twilio.com"
_VERSION: Final = "2010-04-01"
_LOOKED_THROUGH: Final = 100
# Their clock and ours differ, and theirs shows whole seconds.
_CLOCKS_DIFFER_BY: Final = timedelta(minutes=1)
# Of a message that could not be handed on, Twilio drops it when it would come after the meeting has begun.
_SHORTEST_VALIDITY, _LONGEST_VALIDITY = 60, 14_400

_UNSUBSCRIBED: Final = 21610
_NO_SUCH_RECIPIENT: Final = frozenset({21211, 21214, 21217, 21265, 21408, 21612, 21614, 21635})
_NO_SUCH_SENDER: Final = frozenset({21212, 21603, 21606, 21607, 21659, 21660, 21701, 21703, 21705})


class TwilioApi:
    """One account's messages. `url` without a slash at the end."""

    def __init__(
        self, client: httpx2.AsyncClient, *, url: str, settings: TwilioSettings, token: str, clock: Clock
    ) -> None:
        self._client = client
        self._account = f"{url}/{_VERSION}/Accounts/{settings.account_sid}"
        self._settings = settings
        self._token = token.strip()
        self._clock = clock

    async def send(self, message: TextMessage) -> Outcome:
        """Sends it, whether or not it was before: Twilio knows of no repeats."""
        answer = await self._call("POST", "/Messages.json", data=self._asked(message))
        if not isinstance(answer, httpx2.Response):
            return answer
        if answer.status_code == 201 and (sid := parsed(answer).get("sid")):
            return Delivered(provider="twilio", reference=plain(str(sid), "?"))
        return self.refusal(answer, hidden=message.to)

    async def find(self, message: TextMessage) -> Outcome | None:
        """The same message, if Twilio has taken it already: by recipient and words, and no older than it was due.

        Not by the day it was sent: one that waits in Twilio's queue has none yet.
        """
        wanted = {"To": message.to, "PageSize": str(_LOOKED_THROUGH)}
        answer = await self._call("GET", "/Messages.json", params=wanted)
        if not isinstance(answer, httpx2.Response):
            return answer
        listed = parsed(answer).get("messages")
        if answer.status_code != 200 or not isinstance(listed, list):
            return self.refusal(answer, hidden=message.to)
        ours = next((one for one in listed if _is(one, message)), None)
        return None if ours is None else Delivered(provider="twilio", reference=plain(str(ours.get("sid")), "?"))

    async def account(self) -> httpx2.Response | TryAgain:
        """What Twilio says of the account."""
        return await self._call("GET", ".json")

    async def numbers(self, number: str) -> httpx2.Response | TryAgain:
        """The account's own numbers that are this one."""
        return await self._call("GET", "/IncomingPhoneNumbers.json", params={"PhoneNumber": number})

    def refusal(self, answer: httpx2.Response, *, hidden: str = "") -> TryAgain | GaveUp:
        """What an answer that is no success means; `hidden`, as our secrets, is not repeated."""
        said = parsed(answer)
        words = plain(self._without_secrets(str(said.get("message") or ""), hidden), f"HTTP {answer.status_code}")
        later = not_before(answer.headers, self._clock(), said)
        match answer.status_code:
            case 401 | 403 if "code" in said or answer.status_code == 401:
                because = (
                    f"Twilio refuses us: {words}. Put TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or the connection's"
                )
                return TryAgain(because=f"{because} account_sid and auth_token, right", fault="destination")
            case 429:
                return TryAgain(because=f"Twilio takes no more for now: {words}", not_before=later, fault="limit")
            case status if status >= 500 or status == 408:
                return TryAgain(because=f"Twilio is out of order: {words}", not_before=later, fault="destination")
            case 409:
                return TryAgain(because=f"Twilio is busy with this: {words}", not_before=later)
            case 400 | 422 if "code" in said:
                return _of_this_message(said["code"], words)
            case 404 if "code" in said:
                because = f"Twilio has no such account: {words}. Put account_sid right"
                return TryAgain(because=because, fault="destination")
            case _:
                because = f"what answered does not speak like Twilio: {words}. Look at TWILIO_API_URL, or api_url"
                return TryAgain(because=because, fault="destination")

    def _asked(self, message: TextMessage) -> dict[str, str]:
        left = (message.expires_at - self._clock()).total_seconds()
        validity = min(max(int(left), _SHORTEST_VALIDITY), _LONGEST_VALIDITY)
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

    async def _call(self, method: str, path: str, **asked: Any) -> httpx2.Response | TryAgain:
        try:
            auth = (self._settings.account_sid, self._token)
            return await self._client.request(method, f"{self._account}{path}", auth=auth, **asked)
        except httpx2.RequestError as error:
            return unanswered("Twilio", error)


def _of_this_message(code: object, words: str) -> GaveUp:
    if code == _UNSUBSCRIBED:
        return GaveUp(because="they have unsubscribed: they answered STOP to a message, and START lets them get others")
    if code in _NO_SUCH_RECIPIENT:
        return GaveUp(because=f"Twilio can't send to the attendee's number: {words}")
    if code in _NO_SUCH_SENDER:
        return GaveUp(because=f"Twilio does not let this sender write: {words}. Set sender to one of the account's")
    return GaveUp(because=f"Twilio refuses this message: {words}")


def _is(listed: Any, message: TextMessage) -> bool:
    if not isinstance(listed, dict) or listed.get("body") != message.body or listed.get("to") != message.to:
        return False
    made_at = _moment(str(listed.get("date_created") or ""))
    return made_at is None or made_at > message.due_at - _CLOCKS_DIFFER_BY


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None
