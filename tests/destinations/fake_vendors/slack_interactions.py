"""The request that Slack sends when a person presses a button, with Slack's signature."""

import hmac
import json
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from tests.destinations.fake_vendors.slack import SIGNING_SECRET, Message

ANN = {"id": "U0ANN", "username": "ann", "name": "ann", "team_id": "T0FAR"}
BEN = {"id": "W0BEN", "username": "ben", "name": "ben", "team_id": "T0FAR"}


def press(message: Message, action_id: str, at: datetime, user: dict[str, Any] | None = None) -> bytes:
    """Returns the body of the request, as in Slack's documentation of interactions."""
    who = user or ANN
    action = {
        "type": "button",
        "action_id": action_id,
        "block_id": "b1",
        "text": {"type": "plain_text", "text": "This one", "emoji": True},
        "value": message.buttons[action_id],
        "action_ts": f"{at.timestamp():.6f}",
    }
    return interaction(type="block_actions", user=who, message=message, actions=[action])


def interaction(*, message: Message | None = None, **fields: Any) -> bytes:
    """Returns the body of any interaction."""
    about = {} if message is None else {"container": {"message_ts": message.ts, "channel_id": message.channel}}
    always = {"api_app_id": "A0FAR", "team": {"id": "T0FAR"}, "trigger_id": "1.2.3", "token": "old"}
    payload = always | about | fields | {"response_url": "https://hooks.slack.example/actions/1"}
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(body: bytes, at: datetime, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """Returns the headers of Slack's request."""
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
    }
