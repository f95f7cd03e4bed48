"""When each kind of delivery expires: after that it is not sent any more, whatever delayed it. Pure.

| delivery | expires |
|---|---|
| confirmation, change of the meeting, calendar cleanup | at the meeting's start, or when the event is no longer fresh |
| reminder | when the next reminder is due; the last one at the meeting's start |
| follow-up after a missed meeting | some days after it was first due (a rule) |
| the rest | some time after its event, as in `_EXPIRES_AFTER` |
"""

from datetime import datetime, timedelta
from typing import Final

# A CRM that was down for some days is still notified. A digest of the morning is still useful in the afternoon.
_EXPIRES_AFTER: Final = {
    "booking": timedelta(days=7),
    "deal": timedelta(days=7),
    "proposal": timedelta(days=7),
    "reminder": timedelta(days=7),
    "digest": timedelta(hours=12),
}
_DEFAULT: Final = timedelta(days=1)


def of_message(start_time: datetime, source_at: datetime, fresh_for: timedelta) -> datetime:
    """Return when a mail about a meeting expires: `source_at` is the time of the event that it reports."""
    return min(start_time, source_at + fresh_for)


def of_reminder(start_time: datetime, next_before: timedelta) -> datetime:
    """Return when a reminder expires. Once the next one is due, `next_before` the start, it would only duplicate it."""
    return start_time - next_before


def of_follow_up(end_time: datetime, after: timedelta, expires_after: timedelta) -> datetime:
    """Return when the follow-up to a missed meeting expires."""
    return end_time + after + expires_after


def of_kind(kind: str, at: datetime) -> datetime:
    """Return when a delivery of any other kind expires; `at` is the time of its event."""
    return at + _EXPIRES_AFTER.get(kind.partition(".")[0], _DEFAULT)
