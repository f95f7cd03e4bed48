"""Which destination an effect goes to, and what it is called there."""

from typing import Any, assert_never

from showup.effects import (
    Confirm,
    Effect,
    FollowUp,
    Remind,
    SkipReminders,
    TellCancelled,
    TellNewPlace,
    TellRescheduled,
)


def destination(*, simulated: bool) -> str:
    """Where attendees are told. What a simulation or a sample calls for goes to the outbox only (PI13)."""
    return "outbox" if simulated else "email"


def kind(effect: Effect) -> str:
    """What the message is: the name by which templates and people know it."""
    match effect:
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


def priority(effect: Effect) -> int:
    """Of what is due, the higher goes first: what somebody waits for, what they need in time, what nobody asked for."""
    match effect:
        case FollowUp():
            return 10
        case Remind() | SkipReminders():
            return 20
        case _:
            return 30


def details(effect: Effect) -> dict[str, Any]:
    """What the message says beside the booking as it stands."""
    match effect:
        case TellRescheduled(old_start_time=old) if old is not None:
            return {"old_start_time": f"{old:%Y-%m-%dT%H:%M:%SZ}"}
        case Remind(before=before):
            return {"before_seconds": round(before.total_seconds())}
        case FollowUp(at_most_every=span, rebook_url=url):
            said = {} if url is None else {"rebook_url": url}
            return {"at_most_every_seconds": round(span.total_seconds()), **said}
        case _:
            return {}
