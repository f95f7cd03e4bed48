"""The history of a person or a company as its page shows it: meetings and what somebody changed, latest first. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from showup.access.teammate import ACTOR_PREFIX
from showup.reads.record_facts import RecordChange
from showup.reads.record_meetings import RecordMeeting
from showup.web.dashboard.words import Viewer, count

_SOON: Final = timedelta(days=1)
_FIELDS: Final = {"name": "name", "time_zone": "time zone", "phone": "phone", "company": "company"}


class HistoryItem(Struct, frozen=True, kw_only=True):
    """A meeting, or a change. `because` is the second line."""

    at: datetime
    meeting: RecordMeeting | None
    text: str
    because: str


def history_of(
    meetings: Sequence[RecordMeeting], changes: Sequence[RecordChange], viewer: Viewer, own_actor: str
) -> list[HistoryItem]:
    """Return the lines of the history."""
    items = [HistoryItem(at=one.start_time, meeting=one, text=one.kind, because=_why(one, viewer)) for one in meetings]
    items += [
        HistoryItem(
            at=one.at, meeting=None, text=_change(one), because=f"by {actor_word(one.actor, one.actor_name, own_actor)}"
        )
        for one in changes
    ]
    return sorted(items, key=lambda one: one.at, reverse=True)


def actor_word(actor: str, name: str | None, own_actor: str) -> str:
    """Return who did something: you, a teammate's name, or the program."""
    if actor == own_actor:
        return "you"
    return name or actor.removeprefix(ACTOR_PREFIX)


def _why(meeting: RecordMeeting, viewer: Viewer) -> str:
    moved = f"moved {count(meeting.reschedule_count, 'time')}" if meeting.reschedule_count else ""
    known = {
        "assumed": "assumed from the clock, nobody has said",
        "unreported": "nobody has said",
        "pending": "waits for a yes",
        "cancelled": meeting.cancellation_reason or "",
        "upcoming": viewer.relative(meeting.start_time) if meeting.start_time - viewer.now < _SOON else "",
    }.get(meeting.state, "")
    return ", ".join(part for part in (known, moved) if part)


def _change(change: RecordChange) -> str:
    if change.what.endswith(".merged"):
        return change.because
    named = [f"{_FIELDS[field]} {_value(field, values)}" for field, values in change.change.items() if field in _FIELDS]
    return f"Recorded: {', '.join(named)}" if named else "Recorded"


def _value(field: str, values: Any) -> str:
    value = str(values[-1] if isinstance(values, Sequence) and not isinstance(values, str) else values)
    return value.removeprefix("domain:") if field == "company" else value


def key_word(key: str) -> str:
    """Return a company's key as people read it."""
    return key.removeprefix("domain:")


METHODS: Final[Mapping[str, str]] = {
    "email": "by their address, exactly",
    "normalized_email": "by their address",
    "other_email": "by another address of the lead",
    "merged_person": "by the address of somebody merged into them",
    "name": "by name and company",
    "manual": "by hand",
}
"""How a lead was found, by the match's method."""
