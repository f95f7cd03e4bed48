"""What happened and what is ahead, once a day and once a week, as `reads.digest` counted it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from showup.destinations.contract import Notice
from showup.destinations.slack.blocks import Block, moment, said, section, small
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


def daily(notice: Notice) -> Message:
    """Yesterday, and the meetings of today."""
    return _digest(notice, "Good morning", "Yesterday", "today")


def weekly(notice: Notice) -> Message:
    """The last week, and how many meetings this one has."""
    return _digest(notice, "The week", "Last week", "this week")


def _digest(notice: Notice, greeting: str, past: str, ahead: str) -> Message:
    details = notice.details
    before, coming = details["before"], details["ahead"]
    count = coming["meetings"]
    headline = f"{greeting}: {_meetings(count)} {ahead} ({said(str(details['date']))})"
    counted = [(name, str(before[key])) for key, name in _COUNTED]
    blocks: list[Block] = [section(f"*{headline}*"), section(f"*{past}*", counted)]
    blocks += _listed(coming, notice.time_zone)
    if before["deliveries_failed"]:
        failed = before["deliveries_failed"]
        blocks.append(small(f":warning: {failed} failed deliveries: `showup deliveries list --state failed`"))
    text = f"{headline}. {past}: {', '.join(f'{name.lower()} {value}' for name, value in counted)}."
    return Message(text=text, blocks=blocks)


def _listed(coming: Mapping[str, Any], zone: str) -> list[Block]:
    shown = coming["first"]
    if not shown:
        return []
    lines = [
        f"• {moment(datetime.fromisoformat(one['start_time']), zone)} {said(one['who'] or one['title'], 100)}"
        for one in shown
    ]
    more = coming["meetings"] - len(shown)
    if more > 0:
        lines.append(f"… and {more} more")
    return [section("\n".join(lines))]


def _meetings(count: int) -> str:
    return "no meetings" if count == 0 else "1 meeting" if count == 1 else f"{count} meetings"
