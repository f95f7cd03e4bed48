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
_ADVICE: Final = {
    "channel_not_found": "there is no channel {channel} that the app sees: put its id right, or invite the app there",
    "not_in_channel": "the app is not in the channel {channel}: write `/invite` with its name there",
    "is_archived": "the channel {channel} is archived: name another one in the connection's settings",
    "restricted_action": "the channel {channel} does not let the app write: its settings say who may",
    "restricted_action_read_only_channel": "the channel {channel} does not let the app write: its settings say who may",
    "message_not_found": "the message is not there any more",
    "cant_update_message": "the message was posted by another app, which alone can change it",
    "edit_window_closed": "the message is too old for Slack to let it be changed",
    "msg_too_long": "Slack takes no message as long as this one",
    "msg_blocks_too_long": "Slack takes no message as long as this one",
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
            return TryAgain(because=f"Slack takes no more for now: {error}", not_before=later, fault="limit")
        if response.status_code >= 500 or response.status_code == 408 or error in _OUTAGE_ERRORS:
            return TryAgain(because=f"Slack is out of order: {error}", not_before=later, fault="destination")
        if payload.get("ok") is not False or "error" not in payload:
            because = f"what answered does not speak like Slack: {error}. Look at SLACK_API_URL"
            return TryAgain(because=because, fault="destination")
        if error == MISSING_SCOPE:
            because = "Slack refuses us: the app lacks a scope. Give it chat:write, and install it again"
            return TryAgain(because=because, fault="destination")
        if error in _TOKEN_ERRORS:
            return TryAgain(because=f"Slack refuses us: {error}. Put SLACK_BOT_TOKEN right", fault="destination")
        advice = _ADVICE.get(error)
        if advice is not None:
            return GaveUp(because=f"Slack refuses this message ({error}): {advice.format(channel=channel)}")
        return GaveUp(because=f"Slack refuses this message: {error}{self._block_error(payload)}")

    def _block_error(self, payload: dict[str, Any]) -> str:
        """Returns Slack's message about the blocks that it rejects."""
        metadata = payload.get("response_metadata")
        messages = metadata.get("messages") if isinstance(metadata, dict) else None
        if not isinstance(messages, list) or not messages:
            return ""
        return f" ({short_message(str(messages[0]), 'no more', secret=self._secret)})"
