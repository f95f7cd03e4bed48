"""Slack's messages and blocks, cut and escaped, so that no name can break one or mention a whole channel."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, TypeAlias

from msgspec import Struct

from showup.destinations.contract import Notification
from showup.values.time_zone import zone_of

Block: TypeAlias = dict[str, Any]
LONGEST_VALUE: Final = 2_000
_LONGEST_TEXT: Final = 2_900
_LONGEST_FIELD: Final = 1_900
_MOST_FIELDS: Final = 10
_LONGEST_PLAIN: Final = 3_900
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NAMES: Final = {
    "clickup": "ClickUp",
    "emailbison": "EmailBison",
    "notion": "Notion",
    "prefect": "Prefect",
    "slack": "Slack",
    "twilio": "Twilio (SMS)",
    "email": "email",
    "mail_preview": "the mail preview",
}


def escaped(text: str) -> str:
    """Escapes the three characters that Slack reserves."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def truncate(text: str, longest: int) -> str:
    """Returns at most `longest` characters, with a mark where text was cut."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def safe_text(text: str, longest: int = 300) -> str:
    """Returns a person's text on one line, cut and escaped."""
    return escaped(truncate(" ".join(text.split()), longest))


def link(url: str | None, name: str) -> str:
    """Returns the name as a link to the address, if the address is usable."""
    if url is None or not url.startswith(("https://", "http://")) or any(c in url for c in "<>| \n"):
        return safe_text(name)
    # A bar or a bracket in the name would end the link.
    return f"<{escaped(url)}|{safe_text(name).replace('|', '/')}>"


def moment(at: datetime, zone: str) -> str:
    """Formats a time in each reader's own time zone, and in the workspace's where Slack can't convert it."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{escaped(plain_moment(at, zone))}>"


def plain_moment(at: datetime, zone: str) -> str:
    """Formats a time in the zone, such as `Thu 2026-03-12 15:00 (Europe/Berlin)`."""
    resolved = zone_of(zone)
    local = at.astimezone(resolved)
    return f"{_WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M} ({resolved.key})"


def section(text: str, fields: Iterable[tuple[str, str]] = (), *, button: Block | None = None) -> Block:
    """Returns a section: text (already in Slack's markup), named values side by side, and an optional button."""
    block: Block = {"type": "section", "text": _mrkdwn(truncate_markup(text, _LONGEST_TEXT))}
    shown = [_mrkdwn(truncate_markup(f"*{name}*\n{value}", _LONGEST_FIELD)) for name, value in fields][:_MOST_FIELDS]
    if shown:
        block["fields"] = shown
    if button is not None:
        block["accessory"] = button
    return block


def context(text: str) -> Block:
    """Returns a remark below the other blocks."""
    return {"type": "context", "elements": [_mrkdwn(truncate_markup(text, _LONGEST_TEXT))]}


def buttons(*elements: Block) -> Block:
    """Returns a row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def button(label: str, *, action: str, value: str, style: str | None = None) -> Block:
    """Returns a button that sends `value` when pressed; `action` is unique within its message."""
    block: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": truncate(label, 75)},
        "action_id": action,
        "value": value,
    }
    return block if style is None else block | {"style": style}


def link_button(label: str, *, url: str, action: str, style: str | None = None) -> Block:
    """Returns a button that opens an address; Slack reports the press too, and Showup ignores it."""
    block: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": truncate(label, 75)},
        "action_id": action,
        "url": url,
    }
    return block if style is None else block | {"style": style}


def fallback(text: str) -> str:
    """Returns the text that is read aloud, and shown where blocks can't be."""
    return truncate_markup(text, _LONGEST_PLAIN)


def truncate_markup(text: str, longest: int) -> str:
    """Cuts markup without splitting an escaped character or a link."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    for opens, closes in (("<", ">"), ("&", ";")):
        if head.rfind(opens) > head.rfind(closes):
            head = head[: head.rfind(opens)]
    return f"{head}…"


def _mrkdwn(text: str) -> Block:
    # Otherwise Slack turns addresses, channels and "@channel" in other people's text into links and mentions.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


class Message(Struct, frozen=True, kw_only=True):
    """A message; `text` and the texts of `blocks` are escaped already.

    `to`: the address of the person who gets it as a direct message; `shared_blocks` are for the channel, where that
    person can't be found. `channel`: where it is posted instead of the kind's channel.
    """

    text: str
    blocks: list[Block]
    to: str | None = None
    shared_blocks: list[Block] = []
    channel: str | None = None


Writer: TypeAlias = Callable[[Notification], Message]


def destination_name(destination: str) -> str:
    """Returns a destination's display name."""
    if destination.startswith("webhook:"):
        return f"the outgoing webhook {escaped(destination.removeprefix('webhook:'))}"
    return _NAMES.get(destination, escaped(destination))
