"""The rendered form of a notification: its blocks, and the text for clients that can't show blocks."""

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec import Struct

from showup.destinations.contract import Notification
from showup.destinations.slack.blocks import Block, escaped

_NAMES: Final = {
    "clickup": "ClickUp",
    "notion": "Notion",
    "slack": "Slack",
    "twilio": "Twilio (SMS)",
    "email": "email",
    "mail_preview": "the mail preview",
}


class Message(Struct, frozen=True, kw_only=True):
    """A message; `text` and the texts of `blocks` are escaped already."""

    text: str
    blocks: list[Block]


Writer: TypeAlias = Callable[[Notification], Message]


def destination_name(destination: str) -> str:
    """Returns a destination's display name."""
    if destination.startswith("webhook:"):
        return f"the outgoing webhook {escaped(destination.removeprefix('webhook:'))}"
    return _NAMES.get(destination, escaped(destination))
