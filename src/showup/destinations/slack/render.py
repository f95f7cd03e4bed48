"""A notice in Slack's words: pure. What comes of it is stored, and sent the same at each attempt."""

from typing import Any, Final

from showup.destinations.contract import CannotRender, Content, Notice
from showup.destinations.slack import digests, faults, meetings, questions
from showup.destinations.slack.blocks import fallback
from showup.destinations.slack.message import Message, Writer

_WRITERS: Final[dict[str, Writer]] = {
    **dict.fromkeys(meetings.HEADLINES, meetings.of_booking),
    "record.choose": questions.asked,
    "record.chosen": questions.answered,
    **faults.WRITERS,
    "digest.daily": digests.daily,
    "digest.weekly": digests.weekly,
}
# A clock of ours may be ahead of Slack's: what was posted is looked for from some minutes before.
_EARLIER: Final = 300


def rendered(notice: Notice, channel: str) -> Content:
    """What is posted in the channel; for an answer, what its question becomes. Raises CannotRender."""
    write = _WRITERS.get(notice.kind)
    if write is None:
        raise CannotRender(f"Slack is not told of {notice.kind}: leave it out of the notices of its connection")
    message: Message = write(notice)
    content: dict[str, Any] = {
        "do": "update" if notice.kind == "record.chosen" else "post",
        "channel": channel,
        "text": fallback(message.text),
        "blocks": message.blocks,
    }
    if notice.decided_at is not None:
        content["since"] = int(notice.decided_at.timestamp()) - _EARLIER
    return content
