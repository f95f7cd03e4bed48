"""Slack's blocks: their limits and their escaping, so that no name can break a message or call a whole channel."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Block: TypeAlias = dict[str, Any]

LONGEST_VALUE: Final = 2_000
_LONGEST_TEXT: Final = 2_900
_LONGEST_FIELD: Final = 1_900
_MOST_FIELDS: Final = 10
_LONGEST_PLAIN: Final = 3_900
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def escaped(text: str) -> str:
    """The text as it is shown: the three characters that are Slack's own are written otherwise."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, longest: int) -> str:
    """At most so many characters, with a sign that some are missing."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def said(text: str, longest: int = 300) -> str:
    """Somebody's own words on one line, cut and escaped."""
    return escaped(cut(" ".join(text.split()), longest))


def link(url: str | None, name: str) -> str:
    """The name (as it is), leading to the address where there is a usable one."""
    if url is None or not url.startswith(("https://", "http://")) or any(c in url for c in "<>| \n"):
        return said(name)
    # A bar or a bracket in the name would end it.
    return f"<{escaped(url)}|{said(name).replace('|', '/')}>"


def moment(at: datetime, zone: str) -> str:
    """A moment that each reader sees in their own zone, and in the workspace's where Slack can't say it."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{escaped(plain_moment(at, zone))}>"


def plain_moment(at: datetime, zone: str) -> str:
    """A moment in the zone, such as `Thu 2026-03-12 15:00 (Europe/Berlin)`."""
    name, local = zone, at
    try:
        local = at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        name, local = "UTC", at.astimezone(UTC)
    return f"{_WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M} ({name})"


def section(text: str, fields: Iterable[tuple[str, str]] = (), *, button: Block | None = None) -> Block:
    """Text (written for Slack already), named values beside each other, and one button."""
    block: Block = {"type": "section", "text": _written(cut_whole(text, _LONGEST_TEXT))}
    shown = [_written(cut_whole(f"*{name}*\n{value}", _LONGEST_FIELD)) for name, value in fields][:_MOST_FIELDS]
    if shown:
        block["fields"] = shown
    if button is not None:
        block["accessory"] = button
    return block


def small(text: str) -> Block:
    """A remark below the others."""
    return {"type": "context", "elements": [_written(cut_whole(text, _LONGEST_TEXT))]}


def buttons(*elements: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def button(label: str, *, action: str, value: str, style: str | None = None) -> Block:
    """One that says `value` when it is pressed; `action` is its own in its message."""
    made: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": cut(label, 75)},
        "action_id": action,
        "value": value,
    }
    return made if style is None else made | {"style": style}


def fallback(text: str) -> str:
    """What is read out, and shown where blocks can't be."""
    return cut_whole(text, _LONGEST_PLAIN)


def cut_whole(text: str, longest: int) -> str:
    """Cut where no escaped character and no link is torn."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    for opens, closes in (("<", ">"), ("&", ";")):
        if head.rfind(opens) > head.rfind(closes):
            head = head[: head.rfind(opens)]
    return f"{head}…"


def _written(text: str) -> Block:
    # Else it looks for addresses, channels and "@channel" in the words of others.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
