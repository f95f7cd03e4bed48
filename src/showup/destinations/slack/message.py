"""What one notice becomes: its blocks, and the text for where blocks can't be shown."""

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec import Struct

from showup.destinations.contract import Notice
from showup.destinations.slack.blocks import Block, escaped

_NAMES: Final = {
    "clickup": "ClickUp",
    "notion": "Notion",
    "slack": "Slack",
    "twilio": "Twilio (SMS)",
    "email": "email",
    "outbox": "the outbox",
}


class Message(Struct, frozen=True, kw_only=True):
    """`text` and the texts of `blocks` are escaped already."""

    text: str
    blocks: list[Block]


Writer: TypeAlias = Callable[[Notice], Message]


def named(destination: str) -> str:
    """A destination as people know it."""
    if destination.startswith("webhook:"):
        return f"the outgoing webhook {escaped(destination.removeprefix('webhook:'))}"
    return _NAMES.get(destination, escaped(destination))
