"""A fake Slack: channels with messages that can be posted, changed and read, and their buttons.

In a test: `with FakeSlack() as fake: … fake.messages()`.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, ClassVar, Unpack

from tests.destinations.fake_vendors.slack_blocks import complaints
from tests.vendors.openapi import vendor_document
from tests.vendors.rate_limit import SECOND, SlidingLimit
from tests.vendors.server import ReceivedRequest, Refusal, VendorOptions, VendorServer

TOKEN = "xoxb-far-token"
SIGNING_SECRET = "far-signing-secret"
CHANNEL = "C0123456789"
SCOPES = ("chat:write", "channels:history", "channels:read")


class SlackRefusal(Refusal):
    """Usually with HTTP 200."""

    def __init__(self, error: str, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, {"ok": False, "error": error}, headers)


@dataclass
class Message:
    """A message in a channel; `changes` counts how often it was changed."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    metadata: dict[str, Any] | None
    changes: int = 0

    @property
    def buttons(self) -> dict[str, str]:
        """Returns the values of its buttons, by action; those that open an address have none."""
        parts = [one for block in self.blocks for one in (*block.get("elements", ()), block.get("accessory", {}))]
        return {one["action_id"]: one["value"] for one in parts if one.get("type") == "button" and "value" in one}

    @property
    def words(self) -> str:
        """Returns all its texts, one per line."""
        texts = [
            text["text"]
            for block in self.blocks
            for text in (block.get("text"), *block.get("fields", ()), *block.get("elements", ()))
            if isinstance(text, dict) and isinstance(text.get("text"), str)
        ]
        return "\n".join(texts)


@dataclass
class Channel:
    """`is_member`: whether the bot is in it."""

    id: str
    is_member: bool = True
    is_archived: bool = False
    messages: list[Message] = field(default_factory=list)


class FakeSlack(VendorServer):
    """`per_second` limits messages in each channel; None sets no limit. `members` are people's ids by their address."""

    prefix = "/api"
    default_key = TOKEN
    refusals: ClassVar = {
        "401": SlackRefusal("invalid_auth"),
        "403": SlackRefusal("missing_scope"),
        "404": SlackRefusal("channel_not_found"),
        "409": SlackRefusal("fatal_error"),
        "422": SlackRefusal("invalid_blocks"),
        "429": SlackRefusal("ratelimited", status=429, headers={"Retry-After": "30"}),
        "500": SlackRefusal("internal_error", status=500),
        "503": SlackRefusal("service_unavailable", status=503),
        "archived": SlackRefusal("is_archived"),
        "revoked": SlackRefusal("token_revoked"),
    }

    def __init__(
        self, *, per_second: int | None = None, scopes: tuple[str, ...] = SCOPES, **options: Unpack[VendorOptions]
    ) -> None:
        super().__init__(document=vendor_document("slack"), **options)
        self.per_second = per_second
        self.scopes = scopes
        self.members: dict[str, str] = {}
        self.channels = {CHANNEL: Channel(CHANNEL)}
        self._limits: dict[str, SlidingLimit] = {}
        self._count = 0
        self.add_routes(
            {
                "POST /api/chat.postMessage": self._post,
                "POST /api/chat.update": self._change,
                "GET /api/conversations.history": self._history,
                "GET /api/conversations.info": self._info,
                "GET /api/users.lookupByEmail": self._find_member,
                "POST /api/conversations.open": self._open,
                "GET /api/auth.test": lambda _: {"ok": True, "user_id": "U0BOT", "team_id": "T0FAR"},
            }
        )

    def messages(self, channel: str = CHANNEL) -> list[Message]:
        """Returns a channel's messages, oldest first."""
        return self.channels[channel].messages

    @property
    def effects(self) -> Counter[str]:
        """Returns how many messages each delivery created, by its id."""
        every = [one for channel in self.channels.values() for one in channel.messages]
        return Counter(str(one.metadata["event_payload"]["id"]) for one in every if one.metadata)

    def state(self) -> dict[str, Any]:
        return {name: [one.words for one in channel.messages] for name, channel in self.channels.items()}

    def add(self, channel: str, **more: Any) -> Channel:
        """Adds a channel."""
        self.channels[channel] = Channel(channel, **more)
        return self.channels[channel]

    def add_message(
        self, channel: str, text: str, blocks: list[dict[str, Any]], metadata: dict[str, Any] | None = None
    ) -> Message:
        with self.lock:
            self._count += 1
            ts = f"{int(self.clock().timestamp())}.{self._count:06d}"
            made = Message(channel, ts, text, blocks, metadata)
            self.channels[channel].messages.append(made)
        return made

    def authorize(self, request: ReceivedRequest) -> None:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise self.refusals["401"]

    def find_violation(self, request: ReceivedRequest) -> str | None:
        if complaint := super().find_violation(request):
            return complaint
        if request.method == "GET" or request.path.endswith("conversations.open"):
            return None
        found = complaints(request.json.get("blocks"))
        if not request.json.get("text"):
            found.append("no text for where blocks can't be shown")
        return "; ".join(found) or None

    def invalid(self, complaint: str, request: ReceivedRequest) -> Refusal:  # noqa: ARG002 - Slack doesn't quote it
        return SlackRefusal("invalid_arguments")

    def response_headers(self, status: int) -> dict[str, str]:  # noqa: ARG002 - the same for all
        return {"X-OAuth-Scopes": ",".join(self.scopes)}

    def _post(self, request: ReceivedRequest) -> dict[str, Any]:
        asked = request.json
        channel = self._channel(asked["channel"], "chat:write")
        limit = self._limits.setdefault(channel.id, SlidingLimit(self.per_second, SECOND, self.clock))
        if not limit.admit():
            raise SlackRefusal("ratelimited", status=429, headers={"Retry-After": "1"})
        made = self.add_message(channel.id, asked["text"], asked["blocks"], asked.get("metadata"))
        return {"ok": True, "channel": channel.id, "ts": made.ts, "message": {"text": made.text}}

    def _change(self, request: ReceivedRequest) -> dict[str, Any]:
        asked = request.json
        channel = self._channel(asked["channel"], "chat:write")
        found = next((one for one in channel.messages if one.ts == asked["ts"]), None)
        if found is None:
            raise SlackRefusal("message_not_found")
        found.text, found.blocks, found.changes = asked["text"], asked["blocks"], found.changes + 1
        return {"ok": True, "channel": channel.id, "ts": found.ts, "text": found.text}

    def _history(self, request: ReceivedRequest) -> dict[str, Any]:
        query = request.query
        channel = self._channel(query["channel"], "channels:history")
        oldest, begin = float(query.get("oldest", 0)), int(query.get("cursor") or 0)
        newest = [one for one in reversed(channel.messages) if float(one.ts) > oldest]
        limit = int(query.get("limit", 100))
        page, more = newest[begin : begin + limit], len(newest) > begin + limit
        with_metadata = query.get("include_all_metadata") == "true"
        shown = [
            {"type": "message", "ts": one.ts, "text": one.text}
            | ({"metadata": one.metadata} if with_metadata and one.metadata else {})
            for one in page
        ]
        cursor = str(begin + limit) if more else ""
        return {"ok": True, "messages": shown, "has_more": more, "response_metadata": {"next_cursor": cursor}}

    def _info(self, request: ReceivedRequest) -> dict[str, Any]:
        channel = self._channel(request.query["channel"], "channels:read")
        shown = {"id": channel.id, "is_member": channel.is_member, "is_archived": channel.is_archived}
        return {"ok": True, "channel": shown}

    def _find_member(self, request: ReceivedRequest) -> dict[str, Any]:
        self._require("users:read.email")
        member = self.members.get(request.query["email"])
        if member is None:
            raise SlackRefusal("users_not_found")
        return {"ok": True, "user": {"id": member}}

    def _open(self, request: ReceivedRequest) -> dict[str, Any]:
        self._require("im:write")
        member = request.json["users"]
        if member not in self.members.values():
            raise SlackRefusal("user_not_found")
        channel = self.channels.setdefault(f"D{member[1:]}", Channel(f"D{member[1:]}"))
        return {"ok": True, "channel": {"id": channel.id}}

    def _require(self, scope: str) -> None:
        if scope not in self.scopes:
            raise self.refusals["403"]

    def _channel(self, channel_id: str, scope: str) -> Channel:
        self._require("im:history" if scope == "channels:history" and channel_id.startswith("D") else scope)
        channel = self.channels.get(channel_id)
        if channel is None:
            raise self.refusals["404"]
        if not channel.is_member and scope != "channels:read":
            raise SlackRefusal("not_in_channel")
        if channel.is_archived and scope == "chat:write":
            raise self.refusals["archived"]
        return channel
