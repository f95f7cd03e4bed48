"""Daily and weekly digests of past and upcoming meetings, as `reads.digest` counted them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from showup.destinations.contract import Notification
from showup.destinations.slack.blocks import Block, context, moment, safe_text, section
from showup.destinations.slack.message import Message

_COUNTED: Final = (
    ("booked", "New bookings"),
    ("cancelled", "Cancelled"),
    ("showed", "Showed"),
    ("no_show", "No-shows"),
    ("unreported", "Unreported"),
    ("deals_opened", "Deals opened"),
    ("deals_won", "Deals won"),
    ("deals_lost", "Deals lost"),
)


def daily(notification: Notification) -> Message:
    """Returns yesterday's results, and today's meetings."""
    return _digest(notification, "Good morning", "Yesterday", "today")


def weekly(notification: Notification) -> Message:
    """Returns last week's results, and the number of meetings this week."""
    return _digest(notification, "The week", "Last week", "this week")


def _digest(notification: Notification, title: str, past: str, ahead: str) -> Message:
    details = notification.details
    before, upcoming = details["before"], details["ahead"]
    count = upcoming["meetings"]
    headline = f"{title}: {_meetings(count)} {ahead} ({safe_text(str(details['date']))})"
    counted = [(name, str(before[key])) for key, name in _COUNTED]
    blocks: list[Block] = [section(f"*{headline}*"), section(f"*{past}*", counted)]
    blocks += _upcoming_section(upcoming, notification.time_zone)
    if before["deliveries_failed"]:
        failed = before["deliveries_failed"]
        blocks.append(context(f":warning: {failed} failed deliveries: `showup deliveries list --state failed`"))
    text = f"{headline}. {past}: {', '.join(f'{name.lower()} {value}' for name, value in counted)}."
    return Message(text=text, blocks=blocks)


def _upcoming_section(upcoming: Mapping[str, Any], zone: str) -> list[Block]:
    shown = upcoming["first"]
    if not shown:
        return []
    lines = [
        f"• {moment(datetime.fromisoformat(one['start_time']), zone)} {safe_text(one['who'] or one['title'], 100)}"
        for one in shown
    ]
    more = upcoming["meetings"] - len(shown)
    if more > 0:
        lines.append(f"… and {more} more")
    return [section("\n".join(lines))]


def _meetings(count: int) -> str:
    return "no meetings" if count == 0 else "1 meeting" if count == 1 else f"{count} meetings"
