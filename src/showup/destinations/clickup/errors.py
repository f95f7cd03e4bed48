"""Maps ClickUp's error responses to delivery outcomes."""

from datetime import datetime
from typing import Final

import httpx2

from showup.destinations.contract import GaveUp, TryAgain
from showup.destinations.retry_after import not_before
from showup.destinations.vendor_api import json_body, short_message

# The token itself is refused; other 401 texts mean a workspace that the token can't open.
_TOKEN_ERRORS: Final = frozenset({"OAUTH_017", "OAUTH_018", "OAUTH_019", "OAUTH_021", "OAUTH_025", "OAUTH_077"})


class ClickUpError(Exception):
    """A call failed: `outcome` is the result for the delivery, `status` the HTTP status, or 0.

    A valid token without access to something is reported as 403 here; ClickUp does not always use that status.
    """

    def __init__(self, outcome: TryAgain | GaveUp, status: int = 0) -> None:
        super().__init__(outcome.because)
        self.outcome = outcome
        self.status = status

    @property
    def may_be_stale_layout(self) -> bool:
        """Returns whether an outdated list layout may be the cause."""
        return isinstance(self.outcome, GaveUp) and self.status in (0, 400, 404)


def error_from(response: httpx2.Response, what: str, token: str, now: datetime) -> ClickUpError:
    """Returns the outcome of a failed response; `what` names what was requested, for the person who reads it."""
    payload, status = json_body(response), response.status_code
    words = short_message(str(payload.get("err") or ""), f"HTTP {status}", secret=token)
    code = str(payload.get("ECODE"))
    is_forbidden = status == httpx2.codes.UNAUTHORIZED and not _is_token_error(code)
    outcome = _outcome(response, f"{what}: {words}", code, now)
    return ClickUpError(outcome, httpx2.codes.FORBIDDEN if is_forbidden else status)


def _is_token_error(code: str) -> bool:
    return code in _TOKEN_ERRORS or not code.startswith("OAUTH_")


def unexpected_response(words: str) -> TryAgain:
    """Raised when the response does not come from ClickUp."""
    because = f"unexpected response (not ClickUp's API): {words}. Check CLICKUP_API_URL"
    return TryAgain(because=because, fault="destination")


def _outcome(response: httpx2.Response, words: str, code: str, now: datetime) -> TryAgain | GaveUp:
    match response.status_code:
        case 429:
            # Every ClickUp response says when the limit resets; it matters only here.
            later = not_before(response.headers, now)
            return TryAgain(because=f"ClickUp rate limit reached ({words})", not_before=later, fault="limit")
        case 401 if _is_token_error(code):
            return TryAgain(
                because=f"ClickUp rejected the token ({words}). Correct CLICKUP_API_TOKEN", fault="destination"
            )
        case 401 | 403:
            hint = "Give the token's owner access to that list, or use another token"
            return TryAgain(because=f"ClickUp denied access ({words}). {hint}", fault="destination")
        case 409 | 423 | 425:
            return TryAgain(because=f"ClickUp is busy with that task ({words})")
        case 400 | 404 | 410 | 413 | 422:
            return GaveUp(because=f"ClickUp rejected the request ({words})")
        case status if status >= 500 or status == 408:
            return TryAgain(because=f"ClickUp is unavailable ({words})", fault="destination")
        case _:
            return unexpected_response(words)
