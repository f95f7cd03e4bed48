"""Slack's Web API, as far as it is called: post, change, look for what was posted, and who we are there."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import httpx2
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.contract import Content
from showup.destinations.slack.answers import Answers, NotDone
from showup.destinations.wire import unanswered

URL: Final = "https://slack.com/api"
EVENT_TYPE: Final = "showup_notice"
_PAGE: Final = 100
_MOST_PAGES: Final = 5


class Posted(Struct, frozen=True, kw_only=True):
    """A message: its channel, as Slack calls it, and its `ts`, which is its id there."""

    channel: str
    ts: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.ts}"

    @classmethod
    def of(cls, record: str) -> "Posted":
        """The message that a delivery was recorded with."""
        channel, _, ts = record.partition(":")
        return cls(channel=channel, ts=ts)


class SlackApi:
    """One bot of one Slack. Each call raises NotDone."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, token: str, clock: Clock) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._token = token.strip()
        self._answers = Answers(clock, self._token)

    async def post(self, delivery_id: UUID, content: Content) -> Posted:
        """A new message; it carries the delivery's id, by which it is found again."""
        asked = {
            "channel": content["channel"],
            "text": content["text"],
            "blocks": content["blocks"],
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"id": str(delivery_id)}},
        }
        said = await self._called("chat.postMessage", content["channel"], asked)
        return Posted(channel=str(said.get("channel") or content["channel"]), ts=str(said["ts"]))

    async def update(self, posted: Posted, content: Content) -> None:
        """Another text and other blocks for a message of ours."""
        asked = {
            "channel": posted.channel,
            "ts": posted.ts,
            "text": content["text"],
            "blocks": content["blocks"],
            # Else it looks for names of channels and people in the words of others.
            "parse": "none",
        }
        await self._called("chat.update", posted.channel, asked)

    async def find(self, delivery_id: UUID, channel: str, since: int | None) -> Posted | None:
        """The message of a delivery among those since then, newest first; None where there is none of late."""
        cursor = ""
        for _ in range(_MOST_PAGES):
            asked = {"channel": channel, "limit": str(_PAGE), "include_all_metadata": "true"}
            asked |= {} if since is None else {"oldest": str(since)}
            asked |= {"cursor": cursor} if cursor else {}
            said = await self._asked("conversations.history", channel, asked)
            for message in _objects(said.get("messages")):
                if _id_of(message) == str(delivery_id):
                    return Posted(channel=channel, ts=str(message["ts"]))
            cursor = _text(_object(said.get("response_metadata")).get("next_cursor"))
            if not cursor:
                return None
        return None

    async def scopes(self) -> frozenset[str]:
        """What the bot may do there."""
        answer = await self._answer("GET", "auth.test")
        self._answers.read(answer, "")
        return frozenset(one.strip() for one in answer.headers.get("x-oauth-scopes", "").split(",") if one.strip())

    async def channel(self, channel: str) -> dict[str, Any]:
        """What Slack says of a channel."""
        said = await self._asked("conversations.info", channel, {"channel": channel})
        return _object(said.get("channel"))

    async def _called(self, method: str, channel: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        return self._answers.read(await self._answer("POST", method, json=asked), channel)

    async def _asked(self, method: str, channel: str, asked: Mapping[str, str]) -> dict[str, Any]:
        return self._answers.read(await self._answer("GET", method, params=asked), channel)

    async def _answer(self, verb: str, method: str, **asked: Any) -> httpx2.Response:
        # As bytes: a token with a letter beyond ASCII is for Slack to refuse, not for us to stumble over.
        headers = {b"Authorization": f"Bearer {self._token}".encode()}
        try:
            return await self._client.request(verb, f"{self._url}/{method}", headers=headers, **asked)
        except httpx2.RequestError as error:
            raise NotDone("no answer", unanswered("Slack", error)) from error


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
