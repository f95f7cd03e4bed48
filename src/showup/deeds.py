"""Everything that people do by hand beside a booking's own story, in our own words and in the past tense.

A deed names things by keys that survive any order of arrival and any rebuild: a person by email, a company by
`domain:acme.com`, or by `company:EVENT` where it was made by hand and has no domain.
"""

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from showup.deals.deal import DealChange

Kind: TypeAlias = Literal["people", "companies"]

MERGES = "merges"
RULES = "rules"


class DealOpened(Struct, frozen=True, kw_only=True):
    """A deal was opened without a booking; `change` is what was said of it beside its company."""

    company: str
    change: DealChange


class HandDealChanged(Struct, frozen=True, kw_only=True):
    """A deal that was opened by hand was changed; `deal` is the event that opened it."""

    deal: UUID
    change: DealChange


class PersonRecorded(Struct, frozen=True, kw_only=True):
    """A person was entered, or corrected: what is None stays as it is."""

    email: str
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    company: str | None = None


class CompanyRecorded(Struct, frozen=True, kw_only=True):
    """A company was entered, or its name corrected; without `company` it is a new one that has no domain."""

    company: str | None = None
    name: str | None = None


class Merged(Struct, frozen=True, kw_only=True):
    """Two people, or two companies, are one: what was known as `gone` is known as `stays`."""

    kind: Kind
    gone: str
    stays: str


class MergeUndone(Struct, frozen=True, kw_only=True):
    """They are two, after all; `merge` is the event that made them one."""

    merge: UUID


class RulesChanged(Struct, frozen=True, kw_only=True):
    """Some rules have other values from `since` on; None: in the whole history."""

    changes: dict[str, Any]
    since: datetime | None


Act: TypeAlias = DealOpened | HandDealChanged | PersonRecorded | CompanyRecorded | Merged | MergeUndone | RulesChanged


class Deed(Struct, frozen=True, kw_only=True):
    """What somebody did, who it was, when, and its place in source order."""

    event_id: UUID
    act: Act
    source_at: datetime
    order_key: str
    actor: str


def name(act: Act, event_id: UUID) -> str:
    """Under which name the deed is found again, together with all others about the same thing."""
    match act:
        case DealOpened():
            return f"deal:{event_id}"
        case HandDealChanged():
            return f"deal:{act.deal}"
        case PersonRecorded():
            return f"person:{act.email}"
        case CompanyRecorded():
            return act.company or f"company:{event_id}"
        case Merged() | MergeUndone():
            return MERGES
        case RulesChanged():
            return RULES


def hand_key(order_key: str) -> str:
    """The order of a detail that a person gave: it sorts after whatever any source says, at any time."""
    return f"h{order_key}"
