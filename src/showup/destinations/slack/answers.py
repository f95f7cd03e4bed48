"""What Slack answers, as outcomes: nearly all of its refusals are HTTP 200 with `ok: false` and a word for why."""

from typing import Any, Final

import httpx2

from showup.clock import Clock
from showup.destinations.contract import GaveUp, TryAgain
from showup.destinations.retry_after import not_before
from showup.destinations.wire import parsed, plain

_KEY: Final = frozenset(
    {
        *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "no_permission"),
        *("not_allowed_token_type", "org_login_required", "ekm_access_denied", "team_access_not_granted"),
        *("access_denied", "two_factor_setup_required"),
    }
)
_BROKEN: Final = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "accesslimited"}
)
MISSING_SCOPE: Final = "missing_scope"
_LIMITED: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_TODO: Final = {
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


class NotDone(Exception):
    """A call that brought nothing: Slack's word for it, and what that makes of the delivery."""

    def __init__(self, error: str, outcome: TryAgain | GaveUp) -> None:
        super().__init__(error)
        self.error = error
        self.outcome = outcome


class Answers:
    """Reads answers; `secret` is never repeated."""

    def __init__(self, clock: Clock, secret: str) -> None:
        self._clock = clock
        self._secret = secret

    def read(self, answer: httpx2.Response, channel: str) -> dict[str, Any]:
        """What a call brought. Raises NotDone."""
        said = parsed(answer)
        if answer.status_code == 200 and said.get("ok") is True:
            return said
        error = plain(str(said.get("error") or ""), f"HTTP {answer.status_code}", secret=self._secret)
        raise NotDone(error, self._outcome(answer, said, error, channel))

    def _outcome(self, answer: httpx2.Response, said: dict[str, Any], error: str, channel: str) -> TryAgain | GaveUp:
        later = not_before(answer.headers, self._clock(), said)
        if answer.status_code == 429 or error in _LIMITED:
            return TryAgain(because=f"Slack takes no more for now: {error}", not_before=later, fault="limit")
        if answer.status_code >= 500 or answer.status_code == 408 or error in _BROKEN:
            return TryAgain(because=f"Slack is out of order: {error}", not_before=later, fault="destination")
        if said.get("ok") is not False or "error" not in said:
            because = f"what answered does not speak like Slack: {error}. Look at SLACK_API_URL"
            return TryAgain(because=because, fault="destination")
        if error == MISSING_SCOPE:
            because = "Slack refuses us: the app lacks a scope. Give it chat:write, and install it again"
            return TryAgain(because=because, fault="destination")
        if error in _KEY:
            return TryAgain(because=f"Slack refuses us: {error}. Put SLACK_BOT_TOKEN right", fault="destination")
        todo = _TODO.get(error)
        if todo is not None:
            return GaveUp(because=f"Slack refuses this message ({error}): {todo.format(channel=channel)}")
        return GaveUp(because=f"Slack refuses this message: {error}{self._more(said)}")

    def _more(self, said: dict[str, Any]) -> str:
        """What it says of blocks that it does not take."""
        metadata = said.get("response_metadata")
        messages = metadata.get("messages") if isinstance(metadata, dict) else None
        if not isinstance(messages, list) or not messages:
            return ""
        return f" ({plain(str(messages[0]), 'no more', secret=self._secret)})"
