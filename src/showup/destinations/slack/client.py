"""The calls of Slack's Web API that Showup uses: post, update, find a posted message, and identify the bot."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import httpx2
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.contract import Content
from showup.destinations.slack.errors import ResponseReader, SlackError
from showup.destinations.vendor_api import no_response

URL: Final = "https://slack.com/api"
EVENT_TYPE: Final = "showup_notice"
_PAGE: Final = 100
_MAX_PAGES: Final = 5


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
    """One bot in one Slack workspace. Each call raises SlackError."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, token: str, clock: Clock) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._token = token.strip()
        self._reader = ResponseReader(clock, self._token)

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
        payload = await self._post_json("chat.postMessage", content["channel"], body)
        return PostedMessage(channel=str(payload.get("channel") or content["channel"]), ts=str(payload["ts"]))

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
        await self._post_json("chat.update", posted.channel, body)

    async def find(self, delivery_id: UUID, channel: str, since: int | None) -> PostedMessage | None:
        """Returns a delivery's message among those since a time, newest first; None if there is none."""
        cursor = ""
        for _ in range(_MAX_PAGES):
            params = {"channel": channel, "limit": str(_PAGE), "include_all_metadata": "true"}
            params |= {} if since is None else {"oldest": str(since)}
            params |= {"cursor": cursor} if cursor else {}
            payload = await self._get_json("conversations.history", channel, params)
            for message in _objects(payload.get("messages")):
                if _id_of(message) == str(delivery_id):
                    return PostedMessage(channel=channel, ts=str(message["ts"]))
            cursor = _text(_object(payload.get("response_metadata")).get("next_cursor"))
            if not cursor:
                return None
        return None

    async def scopes(self) -> frozenset[str]:
        """Returns the bot's scopes."""
        response = await self._request("GET", "auth.test")
        self._reader.read(response, "")
        return frozenset(one.strip() for one in response.headers.get("x-oauth-scopes", "").split(",") if one.strip())

    async def channel(self, channel: str) -> dict[str, Any]:
        """Returns Slack's data about a channel."""
        payload = await self._get_json("conversations.info", channel, {"channel": channel})
        return _object(payload.get("channel"))

    async def _post_json(self, method: str, channel: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._reader.read(await self._request("POST", method, json=body), channel)

    async def _get_json(self, method: str, channel: str, params: Mapping[str, str]) -> dict[str, Any]:
        return self._reader.read(await self._request("GET", method, params=params), channel)

    async def _request(self, verb: str, method: str, **options: Any) -> httpx2.Response:
        # As bytes: Slack must reject a token with a non-ASCII character; it must not cause an error here.
        headers = {b"Authorization": f"Bearer {self._token}".encode()}
        try:
            return await self._client.request(verb, f"{self._url}/{method}", headers=headers, **options)
        except httpx2.RequestError as error:
            raise SlackError("no response", no_response("Slack", error)) from error


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
