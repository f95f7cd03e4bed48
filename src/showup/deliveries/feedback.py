"""What a provider says of a mail that it took: a word, its reason, and which of two words stands. Pure."""

from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

Word: TypeAlias = Literal["delayed", "delivered", "failed", "suppressed", "bounced", "complained"]
Cause: TypeAlias = Literal["bounced", "complained"]

# What says more of where the mail ended is not taken back by what says less, whichever came first.
_FINALITY: Final[dict[str, int]] = {
    "delayed": 0,
    "delivered": 1,
    "failed": 2,
    "suppressed": 2,
    "bounced": 2,
    "complained": 3,
}


class Feedback(Struct, frozen=True, kw_only=True):
    """One thing said of one mail, at its source's time. `trigger` is the provider's own name for it.

    `mail_id` is the provider's; `delivery_id` is ours, where the mail carries it. `stops` says why its address is not
    to be written to any more, None when it still may be.
    """

    trigger: str
    word: Word
    because: str
    at: datetime
    mail_id: str
    delivery_id: UUID | None = None
    stops: Cause | None = None


class Said(Struct, frozen=True, kw_only=True):
    """What was said last of a delivery; both None before anything was."""

    word: str | None
    at: datetime | None


def outweighs(feedback: Feedback, said: Said) -> bool:
    """Whether the feedback takes the place of what was said: the more final word does, then the later one.

    So the same word stands in the end, in whichever order they arrive.
    """
    if said.word is None or said.at is None:
        return True
    return (_FINALITY[feedback.word], feedback.at) > (_FINALITY.get(said.word, 0), said.at)
