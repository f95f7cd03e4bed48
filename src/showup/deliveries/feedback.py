"""Mail feedback from a provider: a status, its reason, and which of two statuses is current. Pure."""

from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

FeedbackStatus: TypeAlias = Literal["delayed", "delivered", "failed", "suppressed", "bounced", "complained"]
SuppressionCause: TypeAlias = Literal["bounced", "complained"]

# A more final status is never replaced by a less final one, whichever came first.
_FINALITY: Final[dict[str, int]] = {
    "delayed": 0,
    "delivered": 1,
    "failed": 2,
    "suppressed": 2,
    "bounced": 2,
    "complained": 3,
}


class Feedback(Struct, frozen=True, kw_only=True):
    """One feedback about one mail, at its source's time. `trigger` is the provider's own name for it.

    `mail_id` is the provider's; `delivery_id` is Showup's, if the mail carries it. `suppression_cause` says
    why its address is suppressed, None if it is not.
    """

    trigger: str
    status: FeedbackStatus
    because: str
    at: datetime
    mail_id: str
    delivery_id: UUID | None = None
    suppression_cause: SuppressionCause | None = None


class LatestFeedback(Struct, frozen=True, kw_only=True):
    """The latest feedback about a delivery; both None if there is none."""

    status: str | None
    at: datetime | None


def supersedes(feedback: Feedback, latest: LatestFeedback) -> bool:
    """Returns whether the feedback replaces the latest one: the more final status wins, then the later one.

    So the result is the same in whichever order they arrive.
    """
    if latest.status is None or latest.at is None:
        return True
    return (_FINALITY[feedback.status], feedback.at) > (_FINALITY.get(latest.status, 0), latest.at)
