"""Maps Notion's error responses to delivery outcomes."""

from datetime import datetime
from typing import Any

import httpx2

from showup.destinations.contract import GaveUp, TryAgain
from showup.destinations.retry_after import not_before
from showup.destinations.vendor_api import json_body, short_message

_CAPABILITIES = "give the integration the capabilities to read and update content"
_SHARE = "share it with the integration (in Notion: ••• > Connections), or set another database"


class NotionError(Exception):
    """A call failed; `outcome` is the result for the delivery, `status` the HTTP status (0: none)."""

    def __init__(self, outcome: TryAgain | GaveUp, status: int = 0) -> None:
        super().__init__(outcome.because)
        self.outcome = outcome
        self.status = status


def error_from(response: httpx2.Response, what: str, token: str, now: datetime) -> NotionError:
    """Returns the error of a failed response. `what` was requested, such as "the contact database"."""
    payload = json_body(response)
    words = short_message(str(payload.get("message") or ""), f"HTTP {response.status_code}", secret=token)
    return NotionError(_outcome(response, payload, what, words, now), response.status_code)


def _outcome(
    response: httpx2.Response, payload: dict[str, Any], what: str, words: str, now: datetime
) -> TryAgain | GaveUp:
    later = not_before(response.headers, now, payload)
    match response.status_code:
        case 401:
            because = f"Notion rejected the token: {words}. Correct NOTION_TOKEN, or the connection's token"
            return TryAgain(because=because, fault="destination")
        case 403:
            return TryAgain(because=f"Notion denied access: {words}. In Notion, {_CAPABILITIES}", fault="destination")
        case 429:
            return TryAgain(because=f"Notion rate limit reached: {words}", not_before=later, fault="limit")
        case 409:
            return TryAgain(because=f"another change to {what} is in progress in Notion: {words}", not_before=later)
        case status if status >= 500 or status == 408:
            because = f"Notion is unavailable: {words}"
            return TryAgain(because=because, not_before=later, fault="destination")
        case _ if payload.get("object") != "error":
            return unexpected_response(words)
        case 404:
            return GaveUp(because=f"Notion did not find {what}: {_SHARE}")
        case _:
            return GaveUp(because=f"Notion rejected the request for {what}: {words}")


def unexpected_response(words: str) -> TryAgain:
    """Raised when the response does not come from Notion."""
    because = f"unexpected response (not Notion's API): {words}. Check NOTION_API_URL, or api_url"
    return TryAgain(because=because, fault="destination")
