"""Maps Slack's error responses to outcomes: most are HTTP 200 with `ok: false` and an error code."""

from typing import Any, Final

import httpx2

from showup.clock import Clock
from showup.destinations.contract import GaveUp, TryAgain
from showup.destinations.retry_after import not_before
from showup.destinations.vendor_api import json_body, short_message

_TOKEN_ERRORS: Final = frozenset(
    {
        *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "no_permission"),
        *("not_allowed_token_type", "org_login_required", "ekm_access_denied", "team_access_not_granted"),
        *("access_denied", "two_factor_setup_required"),
    }
)
_OUTAGE_ERRORS: Final = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "accesslimited"}
)
MISSING_SCOPE: Final = "missing_scope"
_LIMIT_ERRORS: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_RESTRICTED: Final = "the channel {channel} does not allow the app to post: change the channel's settings"
_ADVICE: Final = {
    "channel_not_found": "the app can't see a channel {channel}: correct the id, or invite the app there",
    "not_in_channel": "the app is not in the channel {channel}: use `/invite` with the app's name there",
    "is_archived": "the channel {channel} is archived: set another channel in the connection's settings",
    "restricted_action": _RESTRICTED,
    "restricted_action_read_only_channel": _RESTRICTED,
    "message_not_found": "the message no longer exists",
    "cant_update_message": "another app posted the message, and only that app can change it",
    "edit_window_closed": "the message is too old to be changed",
    "msg_too_long": "the message is too long",
    "msg_blocks_too_long": "the message is too long",
}


class SlackError(Exception):
    """A call failed: Slack's error code, and the outcome for the delivery."""

    def __init__(self, error: str, outcome: TryAgain | GaveUp) -> None:
        super().__init__(error)
        self.error = error
        self.outcome = outcome


class ResponseReader:
    """Reads responses; `secret` is never repeated."""

    def __init__(self, clock: Clock, secret: str) -> None:
        self._clock = clock
        self._secret = secret

    def read(self, response: httpx2.Response, channel: str) -> dict[str, Any]:
        """Returns the response's body. Raises SlackError."""
        payload = json_body(response)
        if response.status_code == 200 and payload.get("ok") is True:
            return payload
        error = short_message(str(payload.get("error") or ""), f"HTTP {response.status_code}", secret=self._secret)
        raise SlackError(error, self._outcome(response, payload, error, channel))

    def _outcome(
        self, response: httpx2.Response, payload: dict[str, Any], error: str, channel: str
    ) -> TryAgain | GaveUp:
        later = not_before(response.headers, self._clock(), payload)
        if response.status_code == 429 or error in _LIMIT_ERRORS:
            return TryAgain(because=f"Slack rate limit reached: {error}", not_before=later, fault="limit")
        if response.status_code >= 500 or response.status_code == 408 or error in _OUTAGE_ERRORS:
            return TryAgain(because=f"Slack is unavailable: {error}", not_before=later, fault="destination")
        if payload.get("ok") is not False or "error" not in payload:
            because = f"unexpected response (not Slack's API): {error}. Check SLACK_API_URL"
            return TryAgain(because=because, fault="destination")
        if error == MISSING_SCOPE:
            because = "Slack rejected the call: the app lacks a scope. Add chat:write, and reinstall the app"
            return TryAgain(because=because, fault="destination")
        if error in _TOKEN_ERRORS:
            return TryAgain(because=f"Slack rejected the token: {error}. Correct SLACK_BOT_TOKEN", fault="destination")
        advice = _ADVICE.get(error)
        if advice is not None:
            return GaveUp(because=f"Slack rejected this message ({error}): {advice.format(channel=channel)}")
        return GaveUp(because=f"Slack rejected this message: {error}{self._block_error(payload)}")

    def _block_error(self, payload: dict[str, Any]) -> str:
        """Returns Slack's message about the blocks that it rejects."""
        metadata = payload.get("response_metadata")
        messages = metadata.get("messages") if isinstance(metadata, dict) else None
        if not isinstance(messages, list) or not messages:
            return ""
        return f" ({short_message(str(messages[0]), 'no more', secret=self._secret)})"
