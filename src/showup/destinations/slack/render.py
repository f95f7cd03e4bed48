"""Renders a notification for Slack. Pure. The result is stored, and each attempt sends the same."""

from typing import Any, Final

from showup.destinations.contract import CannotRender, Content, Notification
from showup.destinations.slack import alerts, bookings, digests, questions
from showup.destinations.slack.blocks import fallback
from showup.destinations.slack.message import Message, Writer

_WRITERS: Final[dict[str, Writer]] = {
    **dict.fromkeys(bookings.HEADLINES, bookings.booking_message),
    "record.choose": questions.question_message,
    "record.chosen": questions.answer_message,
    **alerts.WRITERS,
    "digest.daily": digests.daily,
    "digest.weekly": digests.weekly,
}
# Showup's clock may be ahead of Slack's, so the search for a posted message starts some minutes earlier.
_CLOCK_SKEW_SECONDS: Final = 300


def render(notification: Notification, channel: str) -> Content:
    """Returns the message for the channel; for an answer, the updated question. Raises CannotRender."""
    write = _WRITERS.get(notification.kind)
    if write is None:
        raise CannotRender(f"Slack does not receive {notification.kind}: remove it from `notices` of the connection")
    message: Message = write(notification)
    content: dict[str, Any] = {
        "do": "update" if notification.kind == "record.chosen" else "post",
        "channel": channel,
        "text": fallback(message.text),
        "blocks": message.blocks,
    }
    if notification.decided_at is not None:
        content["since"] = int(notification.decided_at.timestamp()) - _CLOCK_SKEW_SECONDS
    return content
