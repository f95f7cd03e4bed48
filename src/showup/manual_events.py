"""All manual events outside a booking's own history, in Showup's vocabulary and in the past tense.

A manual event names things by keys that survive any order of arrival and any rebuild: a person by email, a company by
`domain:acme.com`, or by `company:EVENT` if a person created it without a domain.
"""

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from showup.deals.deal import DealChange

MergeKind: TypeAlias = Literal["people", "companies"]

MERGES = "merges"
RULES = "rules"


class DealOpened(Struct, frozen=True, kw_only=True):
    """A person opened a deal without a booking; `change` holds its initial values."""

    company: str
    change: DealChange


class ManualDealChanged(Struct, frozen=True, kw_only=True):
    """A person changed a manually opened deal; `deal` is the event that opened it."""

    deal: UUID
    change: DealChange


class PersonRecorded(Struct, frozen=True, kw_only=True):
    """A person was recorded or corrected; fields that are None stay unchanged."""

    email: str
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    company: str | None = None


class CompanyRecorded(Struct, frozen=True, kw_only=True):
    """A company was recorded, or its name corrected; without `company` it is a new one that has no domain."""

    company: str | None = None
    name: str | None = None


class Merged(Struct, frozen=True, kw_only=True):
    """Two people, or two companies, were merged: `gone` is now known as `stays`."""

    kind: MergeKind
    gone: str
    stays: str


class MergeUndone(Struct, frozen=True, kw_only=True):
    """A merge was undone; `merge` is the event that made it."""

    merge: UUID


class RulesChanged(Struct, frozen=True, kw_only=True):
    """Some rules have other values from `since` on; None: in the whole history."""

    changes: dict[str, Any]
    since: datetime | None


ManualEvent: TypeAlias = (
    DealOpened | ManualDealChanged | PersonRecorded | CompanyRecorded | Merged | MergeUndone | RulesChanged
)


class ManualEventRecord(Struct, frozen=True, kw_only=True):
    """A manual event with its actor, its time and its place in source order."""

    event_id: UUID
    event: ManualEvent
    source_at: datetime
    order_key: str
    actor: str


def subject_name(event: ManualEvent, event_id: UUID) -> str:
    """Return the name under which the manual event is found together with others about the same subject."""
    match event:
        case DealOpened():
            return f"deal:{event_id}"
        case ManualDealChanged():
            return f"deal:{event.deal}"
        case PersonRecorded():
            return f"person:{event.email}"
        case CompanyRecorded():
            return event.company or f"company:{event_id}"
        case Merged() | MergeUndone():
            return MERGES
        case RulesChanged():
            return RULES


def manual_order_key(order_key: str) -> str:
    """Return the order key of a detail that a person gave: it sorts after all source events, at any time."""
    return f"h{order_key}"
