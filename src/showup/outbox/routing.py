"""Routes an effect to its destinations, and names the message for each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, assert_never

from msgspec import Struct

from showup.effects import (
    Confirm,
    Effect,
    FollowUp,
    NotifyCancelled,
    NotifyNewPlace,
    NotifyRescheduled,
    NotifySubscribers,
    Remind,
    SkipReminders,
)
from showup.outbox.subscriptions import Subscription, subscribed_destinations

# These destinations keep records of prospects: a meeting without an outside attendee is not for them.
_PROSPECT_DESTINATIONS: Final = frozenset({"clickup", "notion"})
_SELF_BOOKING: Final = "self-booking: all attendees are team members"


class DeliveryRoute(Struct, frozen=True, kw_only=True):
    """One destination of an effect. `key` is the delivery's; `skip_reason` says why nothing is sent."""

    destination: str
    key: str
    skip_reason: str | None = None


def routes(
    effect: Effect | NotifySubscribers, decided_at: datetime, subscriptions: Sequence[Subscription], *, simulated: bool
) -> list[DeliveryRoute]:
    """Returns the effect's routes. Effects of a simulation or a sample go only to the mail preview (PI13)."""
    if isinstance(effect, NotifySubscribers):
        destinations = [] if simulated else subscribed_destinations(subscriptions, effect.kind, decided_at)
        return [_route(one, effect) for one in destinations]
    mail = DeliveryRoute(destination="mail_preview" if simulated else "email", key=effect.key)
    if simulated or isinstance(effect, SkipReminders):
        return [mail]
    return [mail, *(_route(one, effect) for one in subscribed_destinations(subscriptions, kind(effect), decided_at))]


def _route(destination: str, effect: Effect | NotifySubscribers) -> DeliveryRoute:
    is_self_booking = (
        isinstance(effect, NotifySubscribers) and effect.is_internal and destination in _PROSPECT_DESTINATIONS
    )
    return DeliveryRoute(
        destination=destination,
        key=f"{destination}/{effect.key}",
        skip_reason=_SELF_BOOKING if is_self_booking else None,
    )


def kind(effect: Effect | NotifySubscribers) -> str:
    """Returns the message kind: its name in templates and for people."""
    match effect:
        case NotifySubscribers():
            return effect.kind
        case Confirm():
            return "confirm"
        case NotifyRescheduled():
            return "notify_rescheduled"
        case NotifyCancelled():
            return "notify_cancelled"
        case NotifyNewPlace():
            return "notify_new_place"
        case Remind() | SkipReminders():
            return "remind"
        case FollowUp():
            return "follow_up"
        case _ as unreachable:
            assert_never(unreachable)


def priority(effect: Effect | NotifySubscribers) -> int:
    """Returns the priority; higher goes first: awaited messages, then time-critical ones, then unrequested ones."""
    match effect:
        case FollowUp():
            return 10
        case Remind() | SkipReminders():
            return 20
        case _:
            return 30


def details(effect: Effect | NotifySubscribers) -> dict[str, Any]:
    """Returns the message's details beside the current booking."""
    match effect:
        case NotifyRescheduled(old_start_time=old) | NotifySubscribers(old_start_time=old) if old is not None:
            return {"old_start_time": f"{old:%Y-%m-%dT%H:%M:%SZ}"}
        case Remind(before=before):
            return {"before_seconds": round(before.total_seconds())}
        case FollowUp(at_most_every=span, rebook_url=url):
            rebook_link = {} if url is None else {"rebook_url": url}
            return {"at_most_every_seconds": round(span.total_seconds()), **rebook_link}
        case _:
            return {}
