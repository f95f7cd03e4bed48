"""The calls of Slack's Web API that Showup uses: post, update, find a posted message, and identify the bot."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import httpx2
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.contract import Content
from showup.destinations.vendor_api import ErrorReading, Json, Vendor, VendorApi, bearer, meaning_of

URL: Final = "https://slack.com/api"
EVENT_TYPE: Final = "showup_notice"
_PAGE: Final = 100
_MAX_PAGES: Final = 5

MISSING_SCOPE: Final = "missing_scope"
MESSAGE_NOT_FOUND: Final = "message_not_found"
# Slack sends most errors with HTTP 200: the HTTP status whose meaning each code has; other codes reject the message.
_STATUSES: Final = {
    MISSING_SCOPE: 403,
    **dict.fromkeys(("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"), 401),
    **dict.fromkeys(("no_permission", "not_allowed_token_type", "org_login_required", "ekm_access_denied"), 401),
    **dict.fromkeys(("team_access_not_granted", "access_denied", "two_factor_setup_required"), 401),
    **dict.fromkeys(("ratelimited", "rate_limited", "message_limit_exceeded"), 429),
    **dict.fromkeys(("internal_error", "fatal_error", "service_unavailable", "request_timeout"), 503),
    **dict.fromkeys(("team_added_to_org", "accesslimited"), 503),
}
_RESTRICTED: Final = "{what} does not allow the app to post: change the channel's settings"
_ADVICE: Final = {
    "channel_not_found": "the app can't see {what}: correct the id, or invite the app there",
    "not_in_channel": "the app is not in {what}: use `/invite` with the app's name there",
    "is_archived": "{what} is archived: set another channel in the connection's settings",
    "restricted_action": _RESTRICTED,
    "restricted_action_read_only_channel": _RESTRICTED,
    MESSAGE_NOT_FOUND: "the message no longer exists",
    "cant_update_message": "another app posted the message, and only that app can change it",
    "edit_window_closed": "the message is too old to be changed",
    "msg_too_long": "the message is too long",
    "msg_blocks_too_long": "the message is too long",
}


def _read_error(status: int, payload: Json) -> ErrorReading | None:
    if payload.get("ok") is not False or not payload.get("error"):
        return None
    code = str(payload["error"])
    advice = f" ({{words}}): {_ADVICE[code]}" if code in _ADVICE else ": {words}"
    meant = status if meaning_of(status) in ("limit", "unavailable") else _STATUSES.get(code, 400)
    because = f"Slack rejected this message{advice}" if meant == 400 else ""
    return ErrorReading(status=meant, code=code, words=f"{code}{_block_error(payload)}", because=because)


def _block_error(payload: Json) -> str:
    """Returns Slack's message about the blocks that it rejects."""
    messages = _object(payload.get("response_metadata")).get("messages")
    return f" ({messages[0]})" if isinstance(messages, list) and messages else ""


SLACK: Final = Vendor(
    name="Slack",
    read_error=_read_error,
    fix_credentials="Correct SLACK_BOT_TOKEN, or the connection's bot_token",
    fix_access="Add chat:write, and reinstall the app",
    fix_url="Check SLACK_API_URL",
)


class PostedMessage(Struct, frozen=True, kw_only=True):
    """A message: its channel, as Slack names it, and its `ts`, which is its id there."""

    channel: str
    ts: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.ts}"

    @classmethod
    def from_record(cls, record: str) -> "PostedMessage":
        """Returns the message that a delivery was recorded with."""
        channel, _, ts = record.partition(":")
        return cls(channel=channel, ts=ts)


class SlackClient:
    """One bot in one Slack workspace. Each call raises VendorError."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, token: str, clock: Clock) -> None:
        self._api = VendorApi(client, SLACK, url=url, authorization=bearer(token), clock=clock)

    async def post(self, delivery_id: UUID, content: Content) -> PostedMessage:
        """Posts a new message; it carries the delivery's id, by which it can be found again."""
        body = {
            "channel": content["channel"],
            "text": content["text"],
            "blocks": content["blocks"],
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"id": str(delivery_id)}},
        }
        posted = await self._call("POST", "chat.postMessage", content["channel"], json=body)
        return PostedMessage(channel=str(posted.get("channel") or content["channel"]), ts=str(posted["ts"]))

    async def update(self, posted: PostedMessage, content: Content) -> None:
        """Replaces the text and blocks of a message that the bot posted."""
        body = {
            "channel": posted.channel,
            "ts": posted.ts,
            "text": content["text"],
            "blocks": content["blocks"],
            # Otherwise Slack turns names of channels and people in other people's text into mentions.
            "parse": "none",
        }
        await self._call("POST", "chat.update", posted.channel, json=body)

    async def find(self, delivery_id: UUID, channel: str, since: int | None) -> PostedMessage | None:
        """Returns a delivery's message among those since a time, newest first; None if there is none."""
        cursor = ""
        for _ in range(_MAX_PAGES):
            params = {"channel": channel, "limit": str(_PAGE), "include_all_metadata": "true"}
            params |= {} if since is None else {"oldest": str(since)}
            params |= {"cursor": cursor} if cursor else {}
            page = await self._call("GET", "conversations.history", channel, params=params)
            for message in _objects(page.get("messages")):
                if _id_of(message) == str(delivery_id):
                    return PostedMessage(channel=channel, ts=str(message["ts"]))
            cursor = _text(_object(page.get("response_metadata")).get("next_cursor"))
            if not cursor:
                return None
        return None

    async def direct_channel(self, email: str) -> str:
        """Returns the channel of the direct messages to the person with this address."""
        found = await self._call("GET", "users.lookupByEmail", "of direct messages", params={"email": email})
        member = _text(_object(found.get("user")).get("id"))
        opened = await self._call("POST", "conversations.open", "of direct messages", json={"users": member})
        return _text(_object(opened.get("channel")).get("id"))

    async def scopes(self) -> frozenset[str]:
        """Returns the bot's scopes."""
        response = await self._api.send("GET", "/auth.test")
        self._api.read(response, "the bot", _is_ok)
        return frozenset(one.strip() for one in response.headers.get("x-oauth-scopes", "").split(",") if one.strip())

    async def channel(self, channel: str) -> dict[str, Any]:
        """Returns Slack's data about a channel."""
        found = await self._call("GET", "conversations.info", channel, params={"channel": channel})
        return _object(found.get("channel"))

    async def _call(self, verb: str, method: str, channel: str, **options: Any) -> Json:
        return await self._api.call(verb, f"/{method}", what=f"the channel {channel}", expect=_is_ok, **options)


def _is_ok(payload: Json) -> bool:
    return payload.get("ok") is True


def _id_of(message: Mapping[str, Any]) -> str | None:
    metadata = _object(message.get("metadata"))
    found = _object(metadata.get("event_payload")).get("id")
    return found if metadata.get("event_type") == EVENT_TYPE and isinstance(found, str) else None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
