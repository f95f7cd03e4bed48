"""Mail feedback from a provider: a status, its reason, and which of two statuses is current. Pure."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from showup.events.delivery import MailFeedback

# A more final status is never replaced by a less final one, whichever came first.
_FINALITY: Final[dict[str, int]] = {
    "delayed": 0,
    "delivered": 1,
    "failed": 2,
    "suppressed": 2,
    "bounced": 2,
    "complained": 3,
}


class LatestFeedback(Struct, frozen=True, kw_only=True):
    """The latest feedback about a delivery; both None if there is none."""

    status: str | None
    at: datetime | None


def supersedes(feedback: MailFeedback, at: datetime, latest: LatestFeedback) -> bool:
    """Returns whether the feedback replaces the latest one: the more final status wins, then the later one.

    So the result is the same in whichever order they arrive.
    """
    if latest.status is None or latest.at is None:
        return True
    return (_FINALITY[feedback.status], at) > (_FINALITY.get(latest.status, 0), latest.at)
