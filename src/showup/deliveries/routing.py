"""Which destinations an effect goes to, and what it is called there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, assert_never

from msgspec import Struct

from showup.deliveries.subscribing import Subscription, listening
from showup.effects import (
    Announce,
    Confirm,
    Effect,
    FollowUp,
    Remind,
    SkipReminders,
    TellCancelled,
    TellNewPlace,
    TellRescheduled,
)

# They keep records of prospects: a meeting that nobody from outside attends is none of their business.
_OF_PROSPECTS: Final = frozenset({"clickup", "notion"})
_SELF_BOOKING: Final = "self-booking: nobody from outside the team attends"


class Way(Struct, frozen=True, kw_only=True):
    """One destination of an effect. `key` is the delivery's; `skipped` says why nothing is sent."""

    destination: str
    key: str
    skipped: str | None = None


def ways(
    effect: Effect | Announce, decided_at: datetime, subscriptions: Sequence[Subscription], *, simulated: bool
) -> list[Way]:
    """Where the effect goes. What a simulation or a sample calls for goes to the outbox, and nowhere else (PI13)."""
    if isinstance(effect, Announce):
        told = [] if simulated else listening(subscriptions, effect.kind, decided_at)
        return [_way(one, effect) for one in told]
    mail = Way(destination="outbox" if simulated else "email", key=effect.key)
    if simulated or isinstance(effect, SkipReminders):
        return [mail]
    return [mail, *(_way(one, effect) for one in listening(subscriptions, kind(effect), decided_at))]


def _way(destination: str, effect: Effect | Announce) -> Way:
    nobody = isinstance(effect, Announce) and effect.nobody and destination in _OF_PROSPECTS
    return Way(destination=destination, key=f"{destination}/{effect.key}", skipped=_SELF_BOOKING if nobody else None)


def kind(effect: Effect | Announce) -> str:
    """What the message is: the name by which templates and people know it."""
    match effect:
        case Announce():
            return effect.kind
        case Confirm():
            return "confirm"
        case TellRescheduled():
            return "tell_rescheduled"
        case TellCancelled():
            return "tell_cancelled"
        case TellNewPlace():
            return "tell_new_place"
        case Remind() | SkipReminders():
            return "remind"
        case FollowUp():
            return "follow_up"
        case _ as never:
            assert_never(never)


def priority(effect: Effect | Announce) -> int:
    """Of what is due, the higher goes first: what somebody waits for, what they need in time, what nobody asked for."""
    match effect:
        case FollowUp():
            return 10
        case Remind() | SkipReminders():
            return 20
        case _:
            return 30


def details(effect: Effect | Announce) -> dict[str, Any]:
    """What the message says beside the booking as it stands."""
    match effect:
        case TellRescheduled(old_start_time=old) | Announce(old_start_time=old) if old is not None:
            return {"old_start_time": f"{old:%Y-%m-%dT%H:%M:%SZ}"}
        case Remind(before=before):
            return {"before_seconds": round(before.total_seconds())}
        case FollowUp(at_most_every=span, rebook_url=url):
            said = {} if url is None else {"rebook_url": url}
            return {"at_most_every_seconds": round(span.total_seconds()), **said}
        case _:
            return {}
